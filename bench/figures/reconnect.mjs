// A replica is gone at once, and everybody who was there comes to another.
import { moveSockets } from '../lib/tools.mjs';

export const title = 'Everybody comes back at once';

const kSockets = { whole: 5000, small: 300 };
const kPeerSockets = { whole: 500, small: 50 };

const said = ({ back, waited }, count) => `p50 ${waited?.p50.toFixed(0) ?? '–'} ms, p99 ${waited?.p99.toFixed(0) ?? '–'} ms (${back} of ${count})`;

export async function run(servers, { small = false } = {}) {
  const [count, fewer] = small ? [kSockets.small, kPeerSockets.small] : [kSockets.whole, kPeerSockets.whole];
  const ours = await servers.replicas(2);
  const [gone, next] = ours.replicas;
  const mine = await moveSockets(gone, next, count, ours.admin.token, () => gone.server.kill());
  await ours.close();
  const peers = await servers.peers({ fresh: true });
  const theirs = await moveSockets(peers.replicas[0], peers.replicas[1], fewer, peers.admin.token, () => peers.replicas[0].kill());
  await peers.close();
  return {
    rows: [
      {
        figure: `${count.toLocaleString('en')} sockets after kill -9 of their replica, until each is signed in at another; none waits before it tries`,
        goal: 'p99 ≤ 2 s',
        measured: said(mine, count),
        ok: mine.back === count && mine.waited.p99 <= 2000,
      },
      { figure: `Open WebUI, two replicas with PostgreSQL and Redis, ${fewer} sockets`, measured: said(theirs, fewer), ok: null },
    ],
    raw: { ours: mine, peer: theirs },
  };
}

// kill -9 of the replica that writes an answer: how long until a client elsewhere knows what became of it.
import { sleep, until } from '../../tests/lib/until.mjs';
import { percentile } from '../lib/results.mjs';

export const title = 'The writer of an answer is killed';

const kReplicas = 3;
const kKills = { whole: 30, small: 3 };
const kAnswersEach = 2;
/** Longer than any kill takes to be noticed. */
const kModel = 'n2000d10';
/** Characters. */
const kBegun = 100;
const kPatienceMs = 30_000;
const kBetweenMs = 2500;

/** Milliseconds until each answer's client at `other` has its end; null where it never came. */
async function afterKill(make, writer, other, kill) {
  const socket = await make(other).connect({ reconnection: false });
  try {
    const client = make(writer);
    const turns = await Promise.all(Array.from({ length: kAnswersEach }, () => client.send('Go on', { socket, model: kModel })));
    await Promise.all(turns.map((turn) => until(() => turn.text.length > kBegun, { ms: kPatienceMs, every: 5, what: 'the answer has begun' })));
    const at = performance.now();
    await kill();
    return await Promise.all(turns.map((turn) => turn.done(kPatienceMs).then(() => performance.now() - at, () => null)));
  } finally {
    socket.disconnect();
  }
}

const said = (times) => {
  const known = times.filter((time) => time !== null);
  if (!known.length) return `none of ${times.length} ends within ${kPatienceMs / 1000} s`;
  return `p50 ${percentile(known, 0.5).toFixed(0)} ms, p99 ${percentile(known, 0.99).toFixed(0)} ms (${known.length} of ${times.length})`;
};

export async function run(servers, { small = false } = {}) {
  const kills = small ? kKills.small : kKills.whole;
  const ours = await servers.replicas(kReplicas);
  await sleep(6000); // Who takes over has been in touch for a lease.
  const mine = [];
  for (let i = 0; i < kills; i += 1) {
    const [writer, other] = [ours.replicas[i % kReplicas], ours.replicas[(i + 1) % kReplicas]];
    mine.push(...(await afterKill(ours.at, writer, other, () => writer.server.kill())));
    await writer.server.start();
    await sleep(kBetweenMs);
  }
  await ours.close();

  const peers = await servers.peers({ fresh: true });
  const theirs = await afterKill(peers.at, peers.replicas[0], peers.replicas[1], () => peers.replicas[0].kill());
  await peers.close();
  return {
    rows: [
      {
        figure: `kill -9 of the replica that writes, until a client at another has the end (and Continue), ${kills} kills of ${kAnswersEach} answers`,
        goal: 'p99 ≤ 2 s',
        measured: said(mine),
        ok: mine.every((time) => time !== null) && percentile(mine, 0.99) <= 2000,
      },
      { figure: 'Open WebUI, two replicas with PostgreSQL and Redis, one kill', measured: said(theirs), ok: null },
    ],
    raw: { ours: mine, peer: theirs },
  };
}

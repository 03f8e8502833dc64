// What an idle server and an idle socket take.
import { makeServer } from '../../tests/lib/server.mjs';
import { sleep } from '../../tests/lib/until.mjs';
import { memoryKb } from '../lib/machine.mjs';
import { holdSockets } from '../lib/tools.mjs';

export const title = 'Memory';

const kSockets = 5000;

export async function run(servers) {
  const idle = await makeServer({ provider: await servers.provider() });
  await idle.start();
  await sleep(3000);
  const empty = memoryKb(idle.pid);
  await idle.close();

  const antiphon = await servers.antiphon();
  // What the first sockets bring along (buffers, pools) is not what the next ones cost.
  const first = await holdSockets(antiphon, 200, antiphon.admin.token);
  await sleep(1500);
  const before = memoryKb(antiphon.pid);
  const held = await holdSockets(antiphon, kSockets, antiphon.admin.token);
  await sleep(3000);
  const after = memoryKb(antiphon.pid);
  held.stop();
  first.stop();
  await servers.closeAntiphon(antiphon);
  if (held.open !== kSockets) throw new Error(`only ${held.open} of ${kSockets} sockets opened`);
  const each = ((after.resident - before.resident) * 1024) / kSockets;
  return {
    rows: [
      {
        figure: 'idle memory, resident',
        goal: '≤ 30 MB',
        measured: `${(empty.resident / 1024).toFixed(1)} MB (${(empty.own / 1024).toFixed(1)} MB of its own, the rest shared libraries and files)`,
        ok: empty.resident <= 30 * 1024,
      },
      {
        figure: `an idle WebSocket, signed in (${kSockets.toLocaleString('en')} of them)`,
        goal: '≤ 12 kB',
        measured: `${(each / 1000).toFixed(1)} kB`,
        ok: each <= 12_000,
      },
    ],
    raw: { empty, before, after },
  };
}

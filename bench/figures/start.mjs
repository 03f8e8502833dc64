// From exec to the first /ready that says yes.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import { makeServer, binary } from '../../tests/lib/server.mjs';
import { sleep } from '../../tests/lib/until.mjs';
import { median } from '../lib/tools.mjs';

export const title = 'Start';

const kRounds = 9;

/** Whether GET /ready answers 200 now; asked on a socket of its own, which costs a fraction of fetch(). */
async function ready(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [reply] = await once(socket, 'data');
    return reply.toString('latin1').startsWith('HTTP/1.1 200');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function start(server) {
  const begin = performance.now();
  const child = spawn(binary, ['serve'], { env: server.env, cwd: server.dataDir, stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (!(await ready(server.port))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await sleep(1);
  }
  const ms = performance.now() - begin;
  child.kill('SIGTERM');
  await ended;
  return ms;
}

export async function run(servers) {
  const provider = await servers.provider();
  const fresh = [];
  const again = [];
  for (let i = 0; i < kRounds; i += 1) {
    const server = await makeServer({ provider });
    fresh.push(await start(server));
    again.push(await start(server));
    await server.close();
  }
  const row = (figure, goal, times, ok) => ({
    figure,
    goal,
    measured: `${median(times).toFixed(0)} ms (${kRounds} starts, ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)})`,
    ok,
  });
  return {
    rows: [
      row('start to ready, fresh database', '≤ 300 ms', fresh, median(fresh) <= 300),
      row('start to ready, known database', '', again, null),
    ],
    raw: { fresh, again },
  };
}

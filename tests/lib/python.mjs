// python-socketio as a second client of the public protocol, with the face of socket.io-client's socket: id, on(), seen.
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, '.tools/socketio/bin/python');
const script = join(root, 'tests/faults/python_client.py');

export async function connectPython(url, token, transport = 'websocket') {
  if (!existsSync(program)) throw new Error('python-socketio is not installed: tools/setup faults');
  const child = spawn(program, [script, url, token, transport], { stdio: ['pipe', 'pipe', 'pipe'] });
  const socket = new EventEmitter().setMaxListeners(0);
  Object.assign(socket, { kind: 'python-socketio', id: null, seen: [], healed: true, backs: [], connects: 0, log: '' });
  process.on('exit', () => child.kill('SIGKILL'));
  child.stderr.setEncoding('utf8').on('data', (text) => (socket.log = (socket.log + text).slice(-20_000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { what, sid, event } = JSON.parse(line);
    if (what === 'disconnect') socket.lostAt = performance.now();
    if (what === 'connect') {
      if (socket.lostAt) socket.backs.push({ at: performance.now(), ms: performance.now() - socket.lostAt, recovered: false });
      socket.id = sid;
      socket.connects += 1;
    }
    if (event) socket.seen.push(event);
    socket.emit(event ? 'events' : what, event);
  });
  socket.disconnect = () => child.kill('SIGKILL');
  const ended = once(child, 'exit').then(() => {
    throw new Error(`python-socketio ended: ${socket.log}`);
  });
  ended.catch(() => {});
  await within(20_000, 'python-socketio connects', Promise.race([once(socket, 'connect'), ended]));
  return socket;
}

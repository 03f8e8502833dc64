// Bytes on a TCP connection, for requests no HTTP library would send.
import { connect } from 'node:net';
import { once } from 'node:events';
import { sleep } from './until.mjs';

/**
 * Sends `pieces` (strings are latin1) with `pause` ms between them, reads until the server closes or `ms` have passed since the
 * last piece. Gives {text, closed, ms}: what came back, whether the server closed, after how long.
 */
export async function raw(port, pieces, { ms = 2000, pause = 0, endAfter = false } = {}) {
  const socket = connect(port, '127.0.0.1');
  const begin = performance.now();
  const received = [];
  let closed = false;
  socket.on('data', (data) => received.push(data));
  socket.on('error', () => (closed = true));
  socket.on('end', () => (closed = true));
  await once(socket, 'connect');
  for (const piece of [pieces].flat()) {
    if (closed) break;
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    if (pause) await sleep(pause);
  }
  if (endAfter) socket.end();
  const limit = performance.now() + ms;
  while (!closed && performance.now() < limit) await sleep(5);
  socket.destroy();
  return { text: Buffer.concat(received).toString('latin1'), closed, ms: performance.now() - begin };
}

/** The status codes of the responses in a text, in order. */
export function statuses(text) {
  // A response may follow the body of the one before without a line end between them.
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]));
}

/** A well-formed request, to be spoilt by a test. */
export function request(target = '/health', lines = [], { method = 'GET', version = '1.1', host = 'Host: x', body = '' } = {}) {
  return [`${method} ${target} HTTP/${version}`, host, ...lines, '', body].filter((line) => line !== null).join('\r\n');
}

// Ports for servers under test. The server may share a port between processes (SO_REUSEPORT), so that a port in use is not
// noticed when it starts; therefore a port is claimed first, below the range the kernel hands out. A claim is the UDP port of
// that number: the kernel gives it to one process on the machine and takes it back when that ends, however it ends.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const kFirst = 12_000;
const kCount = 15_000;
const kHost = '127.0.0.1';

/** Whether it listens. Not events.once(): that fails with the error of a port in use, which is an answer here. */
const listens = (server) => new Promise((settle) => server.once('listening', () => settle(true)).once('error', () => settle(false)));

/** The claim; null when somebody else has it. */
async function claim(port) {
  const socket = createSocket('udp4');
  socket.bind({ port, address: kHost, exclusive: true });
  if (await listens(socket)) return socket.unref();
  socket.close();
  return null;
}

/** Whether nobody listens: a server may have outlived the tests that claimed its port. */
async function isFree(port) {
  const probe = createServer();
  probe.listen(port, kHost);
  if (!(await listens(probe))) return false;
  await new Promise((settle) => probe.close(settle));
  return true;
}

/** A port that no other test on this machine gets while this process lives. */
export async function freePort() {
  for (let tries = 0; tries < 500; tries += 1) {
    const port = kFirst + Math.floor(Math.random() * kCount);
    const mine = await claim(port);
    if (!mine) continue;
    if (await isFree(port)) return port;
    mine.close();
  }
  throw new Error('no free port');
}

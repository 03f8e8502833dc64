// Ports for servers under test. The server may share a port between processes (SO_REUSEPORT), so that a port in use is not
// noticed when it starts; therefore a port is claimed with a lock file, below the range the kernel hands out.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const kFirst = 12_000;
const kCount = 15_000;
const folder = join(tmpdir(), 'antiphon-test-ports');
const mine = new Set();

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function claim(port) {
  const path = join(folder, String(port));
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    mine.add(path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const owner = Number(readFileSync(path, 'utf8'));
    if (owner && !isAlive(owner)) rmSync(path, { force: true });
    return false;
  }
}

async function isFree(port) {
  const probe = createServer();
  probe.listen(port, '127.0.0.1');
  const outcome = await Promise.race([once(probe, 'listening').then(() => true), once(probe, 'error').then(() => false)]);
  if (outcome) {
    probe.close();
    await once(probe, 'close');
  }
  return outcome;
}

export async function freePort() {
  mkdirSync(folder, { recursive: true, mode: 0o777 });
  for (let tries = 0; tries < 500; tries += 1) {
    const port = kFirst + Math.floor(Math.random() * kCount);
    if (claim(port) && (await isFree(port))) return port;
  }
  throw new Error('no free port');
}

process.on('exit', () => {
  for (const path of mine) rmSync(path, { force: true });
});

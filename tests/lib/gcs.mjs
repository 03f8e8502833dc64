// An emulator of Google Cloud Storage, built by `tools/setup storage`, with one bucket. It asks nobody for a token.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, '.tools/gcs/bin/fake-gcs-server');
export const hasGcs = existsSync(program);
const kBucket = 'files';

class Gcs {
  constructor(folder, port) {
    Object.assign(this, { folder, url: `http://127.0.0.1:${port}`, log: '' });
    const args = ['-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`, '-public-host', `127.0.0.1:${port}`, '-backend', 'filesystem', '-filesystem-root', folder];
    this.child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: folder } });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.log += text));
    this.ended = new Promise((settle) => this.child.on('close', settle));
    process.on('exit', () => this.child.kill('SIGKILL'));
  }

  /** What a server is told. */
  get env() {
    return { STORAGE_PROVIDER: 'gcs', GCS_BUCKET_NAME: kBucket, STORAGE_EMULATOR_HOST: this.url };
  }

  async start() {
    const isUp = async () => (await fetch(`${this.url}/storage/v1/b/${kBucket}`)).ok;
    await until(isUp, { ms: 60_000, every: 200, what: `the emulator has the bucket: ${this.log}` });
    return this;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startGcs() {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-gcs-'));
  mkdirSync(join(folder, kBucket)); // A folder is a bucket to it.
  return new Gcs(folder, await freePort()).start();
}

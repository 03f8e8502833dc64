// MinIO itself, an S3 server, built by `tools/setup storage`, with one bucket.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, '.tools/minio/bin/minio');
export const hasMinio = existsSync(program);
const kMaxLog = 1 << 20;
const kBucket = 'files';
const kKey = { id: 'antiphon-tests', secret: 'a secret only tests know' };

class Minio {
  #child = null;

  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
    this.url = `http://localhost:${port}`;
    this.log = '';
    process.on('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** What a server is told. */
  get env() {
    return {
      STORAGE_PROVIDER: 's3',
      S3_ENDPOINT_URL: this.url,
      S3_BUCKET_NAME: kBucket,
      S3_ACCESS_KEY_ID: kKey.id,
      S3_SECRET_ACCESS_KEY: kKey.secret,
      S3_KEY_PREFIX: 'team/one',
    };
  }

  /** Names of all objects. */
  objects() {
    const isObject = (entry) => entry.isDirectory() && readdirSync(join(entry.path, entry.name)).includes('xl.meta');
    return readdirSync(join(this.folder, kBucket), { recursive: true, withFileTypes: true }).filter(isObject).map((entry) => join(entry.path, entry.name).slice(join(this.folder, kBucket).length + 1));
  }

  async start() {
    const env = { PATH: process.env.PATH, HOME: this.folder, MINIO_ROOT_USER: kKey.id, MINIO_ROOT_PASSWORD: kKey.secret, MINIO_DOMAIN: 'localhost', MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' };
    const args = ['server', '--quiet', '--address', `127.0.0.1:${this.port}`, this.folder];
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-kMaxLog)));
    this.ended = new Promise((settle) => child.on('close', settle));
    // It says that it is ready some time before it takes objects.
    await until(() => this.#takesObjects(), { ms: 60_000, every: 200, what: `MinIO takes objects: ${this.log}` });
    return this;
  }

  async #takesObjects() {
    const signed = ['--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', `${kKey.id}:${kKey.secret}`];
    const args = ['--silent', '--fail', ...signed, '--upload-file', join(root, 'Makefile'), `http://127.0.0.1:${this.port}/${kBucket}/ready`];
    await promisify(execFile)('curl', args);
    return true;
  }

  /** Gone at once; start() brings it back with what it has stored. */
  async halt() {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startMinio() {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-minio-'));
  mkdirSync(join(folder, kBucket)); // A folder is a bucket to it.
  return new Minio(folder, await freePort()).start();
}

// Azurite, Microsoft's own emulator of Azure Blob Storage, put here by `tools/setup storage`, with one container. It checks signatures.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, '.tools/azurite/node_modules/.bin/azurite-blob');
export const hasAzurite = existsSync(program);
const kAccount = 'team';
const kContainer = 'files';
const kKey = Buffer.from('a key that only tests know').toString('base64');

class Azurite {
  constructor(folder, port) {
    Object.assign(this, { folder, url: `http://127.0.0.1:${port}/${kAccount}`, log: '' });
    const args = ['--silent', '--blobHost', '127.0.0.1', '--blobPort', `${port}`, '--location', folder];
    this.child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: folder, AZURITE_ACCOUNTS: `${kAccount}:${kKey}` } });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.log += text));
    this.ended = new Promise((settle) => this.child.on('close', settle));
    process.on('exit', () => this.child.kill('SIGKILL'));
  }

  /** What a server is told. */
  get env() {
    return { STORAGE_PROVIDER: 'azure', AZURE_STORAGE_ENDPOINT: this.url, AZURE_STORAGE_CONTAINER_NAME: kContainer, AZURE_STORAGE_KEY: kKey };
  }

  async #makeContainer() {
    const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' };
    const own = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const text = `PUT${'\n'.repeat(12)}${own.join('')}/${kAccount}/${kAccount}/${kContainer}\nrestype:container`;
    const signature = createHmac('sha256', Buffer.from(kKey, 'base64')).update(text).digest('base64');
    const reply = await fetch(`${this.url}/${kContainer}?restype=container`, { method: 'PUT', headers: { ...headers, authorization: `SharedKey ${kAccount}:${signature}` } });
    if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
    return true;
  }

  async start() {
    await until(() => this.#makeContainer(), { ms: 60_000, every: 200, what: `Azurite makes a container: ${this.log}` });
    return this;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startAzurite() {
  return new Azurite(await mkdtemp(join(tmpdir(), 'antiphon-azurite-')), await freePort()).start();
}

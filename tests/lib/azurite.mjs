// Azurite, Microsoft's own emulator of Azure Blob Storage, put here by `tools/setup storage`, with one container. It checks signatures.
import { createHmac } from 'node:crypto';
import { Emulator, hasTool } from './emulator.mjs';

const kProgram = 'azurite/node_modules/.bin/azurite-blob';
const kAccount = 'team';
const kContainer = 'files';
const kKey = Buffer.from('a key that only tests know').toString('base64');
export const hasAzurite = hasTool(kProgram);

class Azurite extends Emulator {
  get url() {
    return `http://127.0.0.1:${this.port}/${kAccount}`;
  }

  /** What a server is told. */
  get env() {
    return { STORAGE_PROVIDER: 'azure', AZURE_STORAGE_ENDPOINT: this.url, AZURE_STORAGE_CONTAINER_NAME: kContainer, AZURE_STORAGE_KEY: kKey };
  }

  /** It makes the container. */
  async isUp() {
    const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' };
    const own = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const text = `PUT${'\n'.repeat(12)}${own.join('')}/${kAccount}/${kAccount}/${kContainer}\nrestype:container`;
    const signature = createHmac('sha256', Buffer.from(kKey, 'base64')).update(text).digest('base64');
    const reply = await fetch(`${this.url}/${kContainer}?restype=container`, { method: 'PUT', headers: { ...headers, authorization: `SharedKey ${kAccount}:${signature}` } });
    if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
    return true;
  }
}

export const startAzurite = () =>
  Azurite.start(kProgram, (folder, port) => ['--silent', '--blobHost', '127.0.0.1', '--blobPort', `${port}`, '--location', folder], { AZURITE_ACCOUNTS: `${kAccount}:${kKey}` });

// A program that stands for a provider's storage, in a folder of its own, from .tools; `tools/setup storage` puts it there.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const tools = resolve(dirname(fileURLToPath(import.meta.url)), '../../.tools');

export const toolPath = (path) => join(tools, path);
export const hasTool = (path) => existsSync(toolPath(path));

export class Emulator {
  /** `args(folder, port)`: what the program is told. */
  static async start(path, args, env = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'antiphon-storage-'));
    const port = await freePort();
    const it = new this();
    Object.assign(it, { folder, port, log: '' });
    it.child = spawn(toolPath(path), args(folder, port), { env: { PATH: process.env.PATH, HOME: folder, ...env } });
    for (const stream of [it.child.stdout, it.child.stderr]) stream.setEncoding('utf8').on('data', (text) => (it.log += text));
    it.ended = new Promise((settle) => it.child.on('close', settle));
    process.on('exit', () => it.child.kill('SIGKILL'));
    await until(() => it.isUp(), { ms: 60_000, every: 200, what: `${path} is up: ${it.log}` });
    return it;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

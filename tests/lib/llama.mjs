// llama.cpp's own server, on a model that a script of ours writes: it counts " t0 t1 t2 …" (provider/tiny_gguf.py).
import { spawn, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const python = join(root, '.tools/llama/bin/python');
const kMaxLog = 1 << 20;

/** Writes the model file; gives its path. */
export function writeTinyModel(folder, words = 16_000) {
  if (!existsSync(python)) throw new Error("llama.cpp's server is not installed: tools/setup test");
  const path = join(folder, 'tiny-counter.gguf');
  execFileSync(python, [join(root, 'tests/provider/tiny_gguf.py'), path, String(words)], { stdio: ['ignore', 'ignore', 'inherit'] });
  return path;
}

export async function startLlama({ port } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-llama-'));
  const model = writeTinyModel(folder);
  const chosen = port ?? (await freePort());
  const child = spawn(python, [join(root, 'tests/provider/llama_server.py'), model, String(chosen)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-kMaxLog)));
  const ended = new Promise((settle) => child.on('close', settle));
  process.on('exit', () => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${chosen}`;
  const get = async (path) => (await fetch(url + path, { signal: AbortSignal.timeout(2000) })).json();
  const llama = {
    url,
    openaiUrl: `${url}/v1`,
    model: 'tiny-counter',
    /** How many answers it is writing now. */
    busy: async () => (await get('/slots')).filter((slot) => slot.is_processing).length,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(async () => child.exitCode === null && (await get('/health')).status === 'ok', { ms: 60_000, every: 100, what: "llama.cpp's server serves" });
  } catch (error) {
    await llama.stop();
    throw new Error(`${error.message}\n${log.slice(-3000)}`);
  }
  return llama;
}

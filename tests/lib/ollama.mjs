// Ollama itself, built by `tools/setup ollama`, with the model that counts (provider/tiny_gguf.py).
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTinyModel } from './llama.mjs';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, '.tools/ollama/bin/ollama');
const kMaxLog = 1 << 20;

const kModelfile = (path) => `FROM ${path}
TEMPLATE """{{ range .Messages }}{{ .Role }}: {{ .Content }}
{{ end }}assistant:"""
PARAMETER num_thread 1
PARAMETER num_ctx 16384
`;

export async function startOllama() {
  if (!existsSync(program)) throw new Error('Ollama is not built: tools/setup ollama');
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-ollama-'));
  const host = `127.0.0.1:${await freePort()}`;
  const env = { PATH: process.env.PATH, HOME: folder, OLLAMA_HOST: host, OLLAMA_MODELS: join(folder, 'models') };
  const child = spawn(program, ['serve'], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-kMaxLog)));
  const ended = new Promise((settle) => child.on('close', settle));
  process.on('exit', () => child.kill('SIGKILL'));
  const url = `http://${host}`;
  const ollama = {
    url,
    model: 'tiny-counter:latest',
    get log() {
      return log;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(async () => (await fetch(`${url}/api/version`)).ok, { ms: 30_000, every: 100, what: 'Ollama serves' });
    writeFileSync(join(folder, 'Modelfile'), kModelfile(writeTinyModel(folder)));
    execFileSync(program, ['create', 'tiny-counter', '-f', join(folder, 'Modelfile')], { env, cwd: folder, stdio: 'pipe' });
  } catch (error) {
    await ollama.stop();
    throw new Error(`${error.message}\n${log.slice(-3000)}`);
  }
  return ollama;
}

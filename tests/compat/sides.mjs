// The two servers a comparison runs against, each with a provider of its own and scratch data: ours, and Open WebUI.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../lib/ports.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const tool = resolve(dirname(fileURLToPath(import.meta.url)), '../../tools/peer');
/** The first start makes the schema and byte code. */
const kPeerReadyMs = 240_000;

/** What both are told. The limits of the network are off at ours: a list of calls comes faster than people do. */
function environment(provider) {
  return {
    ENABLE_OLLAMA_API: 'true',
    OLLAMA_BASE_URL: provider.url,
    OPENAI_API_BASE_URL: provider.openaiUrl,
    OPENAI_API_KEY: 'provider-key',
    ENABLE_API_KEYS: 'true',
    WEBUI_SECRET_KEY: 'a secret only tests know, of decent length',
    ANTIPHON_RATE_LIMITS: '100',
  };
}

async function ours() {
  const provider = await startProvider();
  const server = await startServer({ provider, env: environment(provider) });
  return {
    name: 'ours',
    url: server.url,
    provider,
    close: async () => {
      await server.close();
      await provider.stop();
    },
  };
}

async function answers(url) {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

async function peer() {
  const provider = await startProvider();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = await mkdtemp(join(tmpdir(), 'antiphon-peer-'));
  const args = ['serve', '--port', String(port), '--provider', provider.url, '--data', data];
  const child = spawn(tool, args, { env: { ...process.env, ...environment(provider) }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-200_000)));
  }
  const ended = new Promise((settle) => child.on('close', settle));
  process.on('exit', () => child.kill('SIGKILL'));
  const alive = () => child.exitCode === null && child.signalCode === null;
  try {
    await until(async () => !alive() || (await answers(url)), { ms: kPeerReadyMs, every: 250, what: 'Open WebUI answers' });
    if (!alive()) throw new Error('Open WebUI ended before it was ready');
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${log.slice(-3000)}`);
  }
  return {
    name: 'theirs',
    url,
    provider,
    get log() {
      return log;
    },
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      await provider.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** {ours, theirs}; both up. */
export async function startSides() {
  const [left, right] = await Promise.allSettled([ours(), peer()]);
  const failed = [left, right].find((one) => one.status === 'rejected');
  if (!failed) return { ours: left.value, theirs: right.value };
  for (const one of [left, right]) await one.value?.close();
  throw failed.reason;
}

// Starts realtime_probe, a server that has nothing but sockets.
// The program is what REALTIME_PROBE names, or is built on demand beside the server under test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { io } from 'socket.io-client';
import { freePort } from '../lib/ports.mjs';
import { binary, kReadyMs } from '../lib/server.mjs';
import { within } from '../lib/until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = process.env.REALTIME_PROBE ?? built();
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Builds it, if need be, where the server was built. No test may pass for want of it. */
function built() {
  const folders = readdirSync(join(root, 'build')).map((name) => join(root, 'build', name));
  const configured = folders.filter((folder) => existsSync(join(folder, 'build.ninja')));
  const server = existsSync(binary) ? realpathSync(binary) : '';
  const folder = configured.find((name) => server.startsWith(`${realpathSync(name)}/`)) ?? configured[0];
  if (!folder) throw new Error('nothing is built yet: make build, or set REALTIME_PROBE');
  const build = spawnSync('cmake', ['--build', folder, '--target', 'realtime_probe'], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`realtime_probe does not build:\n${build.stdout.slice(-4000)}${build.stderr}`);
  return join(folder, 'src/realtime/realtime_probe');
}

export class Probe {
  #folder = mkdtempSync(join(tmpdir(), 'realtime-probe-'));
  #child = null;
  #env;

  constructor(env = {}) {
    this.#env = env;
    this.clients = [];
    this.log = '';
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const database = `sqlite:///${join(this.#folder, 'probe.db')}`;
    this.#child = spawn(program, [database, String(this.port)], { env: { ...process.env, ...this.#env } });
    const child = this.#child;
    running.add(child);
    child.on('exit', () => running.delete(child));
    let ready;
    const said = new Promise((settle) => (ready = settle));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.log += text;
        if (this.log.includes('ready ')) ready();
      });
    }
    this.log = '';
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`the probe ended: ${this.log}`)));
    died.catch(() => {});
    await within(kReadyMs, 'the probe is ready', Promise.race([said, died]));
    return this;
  }

  async #end(signal) {
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    return (await gone)[0];
  }

  async kill() {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; fails when that does not end well, or a sanitizer has spoken. */
  async close() {
    for (const client of this.clients) client.disconnect();
    const code = await within(20_000, 'the probe ends', this.#end('SIGTERM'));
    rmSync(this.#folder, { recursive: true, force: true });
    if (code !== 0 || /Sanitizer|runtime error/.test(this.log)) throw new Error(`exit ${code}: ${this.log.slice(-6000)}`);
  }

  async post(path, query = {}) {
    const reply = await fetch(`${this.url}${path}?${new URLSearchParams(query)}`, { method: 'POST' });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  }

  async get(path, query = {}) {
    const reply = await fetch(`${this.url}${path}?${new URLSearchParams(query)}`);
    return reply.json();
  }

  /** A client of npm's, not waited for. `tokens`: the numbers its `events` brought. */
  client(token, { url = this.url, ...options } = {}) {
    const socket = io(url, {
      path: '/ws/socket.io',
      auth: token ? { token } : {},
      transports: ['websocket'],
      reconnectionDelay: 20,
      reconnectionDelayMax: 60,
      randomizationFactor: 0,
      forceNew: true,
      ...options,
    });
    socket.tokens = [];
    socket.recoveries = [];
    socket.on('events', (event) => {
      if (event?.data?.type === 'response:completion') socket.tokens.push(event.data.data.n);
    });
    socket.on('connect', () => socket.recoveries.push(socket.recovered));
    this.clients.push(socket);
    return socket;
  }

  async connect(token, options) {
    const socket = this.client(token, options);
    await within(5_000, 'the client connects', new Promise((settle, fail) => {
      socket.once('connect', settle);
      socket.once('connect_error', fail);
    }));
    return socket;
  }
}

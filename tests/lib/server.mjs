// Starts the real binary on scratch data, and ends it in every way a server can end.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from './client.mjs';
import { freePort } from './ports.mjs';
import { sleep, strain, within } from './until.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = process.env.ANTIPHON_BIN ? resolve(process.env.ANTIPHON_BIN) : join(root, 'build/antiphon');
/** The same program as the next version (tests/next), built beside it. */
export const nextBinary = () => join(dirname(realpathSync(binary)), 'antiphon_next');

/** ANTIPHON_TEST_AHEAD=1: every test on a schema that the next version has already added to, as while two versions serve. */
const kAhead = Boolean(process.env.ANTIPHON_TEST_AHEAD);
/** What the binary may say when a sanitizer or an assertion of the library found a fault. */
const kFault = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed|terminate called/;
export const kReadyMs = 20_000;
const kMaxLog = 8 * 1024 * 1024;
export const adminAccount = Object.freeze({ name: 'Admin', email: 'admin@x.io', password: 'correct horse 17' });

/** Nothing of the developer's own environment may change what a test sees. */
function cleanEnvironment() {
  const kept = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'];
  return Object.fromEntries(kept.filter((key) => process.env[key]).map((key) => [key, process.env[key]]));
}

/** A test run that is cut short must not leave servers behind. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

export class Server {
  #child = null;
  #exit = null;

  constructor({ port, dataDir, env, wrap = [] }) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = dataDir;
    this.env = env;
    this.command = [...wrap, binary];
    this.log = '';
    this.starts = 0;
    this.clients = [];
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process and returns when it says it is ready; a process that ends first fails with its log. */
  async start() {
    const program = this.command.at(-1);
    if (!existsSync(program)) throw new Error(`${program} does not exist: make build, or set ANTIPHON_BIN`);
    if (kAhead && program === binary && this.starts === 0) this.#upgradeFirst();
    const [file, ...args] = this.command;
    this.#child = spawn(file, [...args, 'serve'], { env: this.env, cwd: this.dataDir, stdio: ['ignore', 'pipe', 'pipe'] });
    const child = this.#child;
    running.add(child);
    this.#exit = new Promise((settle) => child.on('close', (code, signal) => settle({ code, signal })));
    child.on('exit', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-kMaxLog)));
    }
    this.starts += 1;
    const begin = performance.now();
    const patience = kReadyMs * strain();
    while (!(await this.isReady())) {
      if (!this.isRunning) throw new Error(`the server ended before it was ready:\n${this.log.slice(-4000)}${this.#whoHasThePort()}`);
      if (performance.now() - begin > patience) {
        await this.kill();
        throw new Error(`not ready after ${patience.toFixed(0)} ms:\n${this.log.slice(-4000)}`);
      }
      await sleep(10);
    }
    this.readyMs = performance.now() - begin;
    return this;
  }

  #upgradeFirst() {
    const { status, stderr } = spawnSync(nextBinary(), ['migrate'], { env: this.env, cwd: this.dataDir, encoding: 'utf8' });
    // Tests of starts that must fail have databases that nobody can upgrade.
    if (status !== 0) this.log += `not upgraded first: ${stderr}`;
  }

  /** Tests claim their ports, so that nobody else should have one. */
  #whoHasThePort() {
    if (!this.log.includes('Address already in use')) return '';
    const { stdout } = spawnSync('ss', ['-tuanpH', `( sport = :${this.port} or dport = :${this.port} )`], { encoding: 'utf8' });
    return `\nWho has it: ${stdout || 'nobody any more, or there is no ss'}`;
  }

  async isReady() {
    try {
      const reply = await fetch(`${this.url}/ready`, { signal: AbortSignal.timeout(1000) });
      await reply.arrayBuffer();
      return reply.status === 200;
    } catch {
      return false;
    }
  }

  /** kill -9: no destructor, no flush, no goodbye. */
  async kill() {
    if (this.isRunning) this.#child.kill('SIGKILL');
    return within(10_000, 'the server is gone after SIGKILL', this.#exit);
  }

  /** SIGTERM; gives {code, signal} and fails if the process does not end in time. */
  async terminate(ms = 30_000) {
    if (this.isRunning) this.#child.kill('SIGTERM');
    try {
      return await within(ms, 'the server ends after SIGTERM', this.#exit);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async restart() {
    await this.kill();
    return this.start();
  }

  async exit() {
    return this.#exit;
  }

  /** For a server that must refuse: gives what it said, and fails if it serves or ends well. */
  async startsNot() {
    try {
      await this.start();
    } catch (error) {
      if (!this.#exit) throw error; // It was not even started.
      const outcome = await this.#exit;
      if (outcome.code === 1) return this.log;
      throw new Error(`ended with ${JSON.stringify(outcome)} instead of 1: ${error.message}`);
    }
    await this.kill();
    throw new Error('it serves although it should refuse');
  }

  /** Stops and goes on, as on a machine that stutters. */
  pause() {
    this.#child.kill('SIGSTOP');
  }

  resume() {
    this.#child.kill('SIGCONT');
  }

  /** Ends everything and removes the data; fails if a sanitizer spoke at any time. */
  async close() {
    for (const client of this.clients) client.close();
    let outcome = null;
    if (this.isRunning) outcome = await this.terminate();
    await rm(this.dataDir, { recursive: true, force: true });
    const fault = kFault.exec(this.log);
    if (fault) throw new Error(`the server reported a fault:\n${this.log.slice(Math.max(0, fault.index - 200), fault.index + 6000)}`);
    if (outcome && outcome.code !== 0) throw new Error(`SIGTERM ended with ${JSON.stringify(outcome)}:\n${this.log.slice(-3000)}`);
  }

  client() {
    const client = new Client(this.url);
    this.clients.push(client);
    return client;
  }

  admin() {
    return adminAt(this);
  }

  user(admin, name, role) {
    return userAt(this, admin, name, role);
  }
}

/** The first account of a server or a fleet, which becomes admin; signs in when it exists already. */
export async function adminAt(host) {
  const client = host.client();
  const reply = await client.signUp(adminAccount, { expect: null });
  if (reply.status !== 200) await client.signIn(adminAccount);
  return client;
}

/** A signed-in account with a role, made by the admin; `account` is what it signs in with. */
export async function userAt(host, admin, name, role = 'user') {
  const account = { name, email: `${name.toLowerCase()}@x.io`, password: `pass of ${name} 17` };
  await admin.post('/api/v1/auths/add', { ...account, role }, { expect: 200 });
  const client = host.client();
  await client.signIn(account);
  client.account = account;
  return client;
}

/**
 * A server on scratch data, not started. `provider`: connected as OpenAI-compatible server. `databaseUrl`: PostgreSQL; empty =
 * SQLite in the data folder. `env`: more variables; undefined removes one. `wrap`: a command that runs the program;
 * `dataDir`: a folder that is there already.
 */
export async function makeServer({ provider, databaseUrl = '', env = {}, wrap, dataDir: folder } = {}) {
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'antiphon-test-')));
  const port = await freePort();
  const all = {
    ...cleanEnvironment(),
    HOST: '127.0.0.1',
    PORT: String(port),
    DATA_DIR: dataDir,
    WEBUI_SECRET_KEY: 'a secret only tests know, of decent length',
    ENABLE_OLLAMA_API: 'false',
    OPENAI_API_BASE_URL: provider?.openaiUrl,
    OPENAI_API_KEY: provider ? 'provider-key' : undefined,
    DATABASE_URL: databaseUrl || undefined,
    ...env,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return new Server({ port, dataDir, env: Object.fromEntries(given), wrap });
}

export async function startServer(options) {
  const server = await makeServer(options);
  return server.start();
}

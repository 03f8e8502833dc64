// The servers that are compared, each on a free loopback port with data of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../tests/lib/client.mjs';
import { freePort } from '../../tests/lib/ports.mjs';
import { startPostgres } from '../../tests/lib/postgres.mjs';
import { startRedis } from '../../tests/lib/redis.mjs';
import { makeServer } from '../../tests/lib/server.mjs';
import { sleep } from '../../tests/lib/until.mjs';
import { root, startProvider } from './tools.mjs';

const account = { name: 'Bench', email: 'bench@x.io', password: 'correct horse battery 17' };
/** One user must be able to ask for as much as a whole company. */
const unlimited = { ANTIPHON_RATE_LIMITS: '0', BYPASS_MODEL_ACCESS_CONTROL: 'True' };

/** Whatever still runs when this process ends, ends too. */
const running = new Set();
process.on('exit', () => {
  for (const stop of running) stop();
});

async function answers(url) {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await reply.arrayBuffer();
    return reply.ok;
  } catch {
    return false;
  }
}

/** Signs the first account up, which becomes the administrator; gives a Client. */
async function signUp(url) {
  const client = new Client(url);
  await client.signUp(account);
  return client;
}

/** Tokens of `count` more users, made by the administrator; `from`: how many there are already. */
async function makeUsers(admin, count, from = 0) {
  const tokens = [];
  for (let i = 0; tokens.length < count; i += 4) {
    const some = Array.from({ length: Math.min(4, count - tokens.length) }, (_, k) => from + i + k);
    const made = await Promise.all(
      some.map(async (n) => {
        const form = { ...account, name: `User ${n}`, email: `user${n}@x.io`, role: 'user' };
        await admin.post('/api/v1/auths/add', form, { expect: 200 });
        const user = new Client(admin.url);
        await user.signIn(form);
        return user.token;
      }),
    );
    tokens.push(...made);
  }
  return tokens;
}

/** Replicas of one service, whichever it is. */
function deployment(replicas, admin, more) {
  const at = ({ url }) => Object.assign(new Client(url), { token: admin.token, user: admin.user });
  const tokens = []; // Several figures may want some.
  const users = async (count) => {
    tokens.push(...(await makeUsers(admin, count - tokens.length, tokens.length)));
    return tokens.slice(0, count);
  };
  return { replicas, admin, at, users, ...more };
}

export class Servers {
  #provider = null;
  #peer = null;
  #peers = null;
  #postgres = null;
  #open = [];

  async provider() {
    if (!this.#provider) {
      this.#provider = await startProvider();
      running.add(this.#provider.stop);
    }
    return this.#provider;
  }

  async postgres() {
    // What autovacuum writes depends on when it comes.
    this.#postgres ??= await startPostgres(['full_page_writes=on', 'autovacuum=off']);
    return this.#postgres;
  }

  /** Antiphon on a fresh database: {server, admin, port, pid, users(count)}. */
  async antiphon({ databaseUrl = '', env = {} } = {}) {
    const server = await makeServer({ provider: await this.provider(), databaseUrl, env: { ...unlimited, ...env } });
    await server.start();
    this.#open.push(server);
    const admin = await signUp(server.url);
    return { server, admin, url: server.url, port: server.port, pid: server.pid, users: (count) => makeUsers(admin, count) };
  }

  async closeAntiphon({ server }) {
    this.#open = this.#open.filter((one) => one !== server);
    await server.close();
  }

  /** So many replicas of Antiphon on one fresh PostgreSQL database; `at(replica)`: the administrator's client there. */
  async replicas(count) {
    const databaseUrl = (await this.postgres()).createDatabase();
    const replicas = [];
    for (let i = 0; i < count; i += 1) {
      const server = await makeServer({ provider: await this.provider(), databaseUrl, env: unlimited });
      await server.start();
      this.#open.push(server);
      replicas.push({ server, url: server.url, port: server.port });
    }
    const close = async () => {
      for (const { server } of replicas) await this.closeAntiphon({ server });
    };
    return deployment(replicas, await signUp(replicas[0].url), { databaseUrl, close });
  }

  /** Open WebUI as two replicas on PostgreSQL, with the Redis they need, started once; `fresh`: of one's own, to be closed. */
  async peers({ fresh = false } = {}) {
    if (fresh) {
      // Two deployments of it at once are more than this machine should bear.
      await (await this.#peers)?.close();
      this.#peers = null;
      return this.#startPeers();
    }
    this.#peers ??= this.#startPeers();
    return this.#peers;
  }

  async #startPeers() {
    const data = await mkdtemp(join(tmpdir(), 'antiphon-bench-peers-'));
    const redis = await startRedis({ sentinels: 0 });
    const databaseUrl = (await this.postgres()).createDatabase();
    const shared = { REDIS_URL: redis.url, WEBSOCKET_REDIS_URL: redis.url, WEBSOCKET_MANAGER: 'redis', ENABLE_WEBSOCKET_SUPPORT: 'True' };
    const replicas = [];
    // One after the other: their migrations race.
    for (let i = 0; i < 2; i += 1) replicas.push(await this.#startOne({ data, databaseUrl, env: shared }));
    const close = async () => {
      for (const one of replicas) one.kill();
      await redis.stop();
      await rm(data, { recursive: true, force: true });
    };
    return deployment(replicas, await signUp(replicas[0].url), { databaseUrl, close });
  }

  /** Open WebUI, started once for all figures; its first start takes a minute and a half. */
  async peer() {
    this.#peer ??= this.#startPeer();
    return this.#peer;
  }

  async #startPeer() {
    const data = await mkdtemp(join(tmpdir(), 'antiphon-bench-peer-'));
    const one = await this.#startOne({ data });
    const admin = await signUp(one.url);
    const close = async () => {
      one.kill();
      await rm(data, { recursive: true, force: true });
    };
    return { admin, ...one, close, users: (count) => makeUsers(admin, count) };
  }

  /** A process of Open WebUI: {url, port, pid, startSeconds, kill()}. */
  async #startOne({ data, databaseUrl, env = {} }) {
    const port = await freePort();
    const provider = await this.provider();
    process.stdout.write('    Open WebUI starts (about 90 s)\n');
    const args = ['serve', '--port', String(port), '--provider', provider.openaiUrl.slice(0, -3), '--data', data];
    const child = spawn(join(root, 'tools/peer'), databaseUrl ? [...args, '--database', databaseUrl] : args, {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...unlimited, ...env, GLOBAL_LOG_LEVEL: 'ERROR' },
    });
    const stop = () => child.kill('SIGKILL');
    running.add(stop);
    const url = `http://127.0.0.1:${port}`;
    const begin = performance.now();
    while (!(await answers(`${url}/health`))) {
      if (child.exitCode !== null) throw new Error(`Open WebUI ended with ${child.exitCode}: tools/peer serve`);
      if (performance.now() - begin > 400_000) throw new Error('Open WebUI was not ready after 400 s');
      await sleep(500);
    }
    const startSeconds = (performance.now() - begin) / 1000;
    const kill = () => {
      stop();
      running.delete(stop);
    };
    return { url, port, pid: child.pid, startSeconds, kill };
  }

  /** nginx with a worker a core, serving `body` as a file at /file. */
  async nginx(body, workers) {
    const port = await freePort();
    const data = await mkdtemp(join(tmpdir(), 'antiphon-bench-nginx-'));
    await writeFile(join(data, 'file'), body);
    await writeFile(
      join(data, 'nginx.conf'),
      `daemon off; worker_processes ${workers}; pid ${data}/pid; error_log stderr crit; user root;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
  open_file_cache max=100; default_type application/json;
  client_body_temp_path ${data}/a; proxy_temp_path ${data}/b; fastcgi_temp_path ${data}/c;
  uwsgi_temp_path ${data}/d; scgi_temp_path ${data}/e;
  server { listen 127.0.0.1:${port} reuseport; root ${data}; }
}
`,
    );
    const child = spawn('nginx', ['-c', join(data, 'nginx.conf'), '-p', data], { stdio: ['ignore', 'ignore', 'inherit'] });
    const stop = () => child.kill('SIGTERM');
    running.add(stop);
    const url = `http://127.0.0.1:${port}/file`;
    for (let i = 0; !(await answers(url)); i += 1) {
      if (child.exitCode !== null || i > 200) throw new Error('nginx does not start');
      await sleep(50);
    }
    const close = async () => {
      running.delete(stop);
      const ended = new Promise((settle) => child.once('exit', settle));
      stop();
      await ended;
      await rm(data, { recursive: true, force: true });
    };
    return { url, close };
  }

  async close() {
    for (const server of this.#open) await server.close();
    if (this.#peer) await (await this.#peer).close();
    if (this.#peers) await (await this.#peers).close();
    this.#postgres?.stop();
    this.#provider?.stop();
  }
}

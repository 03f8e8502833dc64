// Redis with a replica of itself and three Sentinels that fail it over; gone afterwards.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.mjs';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const kGroup = 'antiphon';

/** One command on one server; gives what redis-cli prints. */
export function redisCommand(port, ...words) {
  return execFileSync('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...words], { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

const isUp = (port) => () => {
  try {
    return redisCommand(port, 'PING') === 'PONG';
  } catch {
    return false;
  }
};

class Redis {
  constructor(folder) {
    this.folder = folder;
    this.servers = []; //   {port, child}; the first was the master to begin with
    this.sentinels = [];
  }

  async addServer(masterPort) {
    const port = await freePort();
    const folder = join(this.folder, `server${this.servers.length}`);
    mkdirSync(folder);
    const follow = masterPort ? ['--replicaof', '127.0.0.1', String(masterPort)] : [];
    const child = new Child('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...follow]);
    await child.ready(isUp(port));
    this.servers.push({ port, child });
    return port;
  }

  async addSentinel(masterPort) {
    const port = await freePort();
    const file = join(this.folder, `sentinel${this.sentinels.length}.conf`);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${this.folder}`,
      `sentinel monitor ${kGroup} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${kGroup} 1000`,
      `sentinel failover-timeout ${kGroup} 5000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = new Child('redis-sentinel', [file]);
    await child.ready(isUp(port));
    this.sentinels.push({ port, child });
  }

  get name() {
    return kGroup;
  }

  /** The master's port, as the first Sentinel that answers says. */
  masterPort() {
    const { port } = this.sentinels.find((one) => !one.child.hasEnded);
    return Number(redisCommand(port, 'SENTINEL', 'get-master-addr-by-name', kGroup).split('\n')[1]);
  }

  get url() {
    return `redis://127.0.0.1:${this.servers[0].port}/0`;
  }

  /** The first server is gone, and later there again at the same address. */
  async halt() {
    await this.servers[0].child.stop('SIGKILL');
  }

  async resume() {
    const { port } = this.servers[0];
    const folder = join(this.folder, 'server0');
    const child = new Child('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']);
    await child.ready(isUp(port));
    this.servers[0].child = child;
  }

  serverAt(port) {
    return this.servers.find((server) => server.port === port);
  }

  async stop() {
    for (const { child } of [...this.sentinels, ...this.servers]) await child.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `sentinels: 0`: one server alone. */
export async function startRedis({ sentinels = 3 } = {}) {
  const redis = new Redis(mkdtempSync(join(tmpdir(), 'antiphon-redis-')));
  process.on('exit', () => rmSync(redis.folder, { recursive: true, force: true }));
  const master = await redis.addServer();
  if (sentinels) await redis.addServer(master);
  for (let i = 0; i < sentinels; i += 1) await redis.addSentinel(master);
  if (sentinels) {
    const knows = ({ port }) => redisCommand(port, 'SENTINEL', 'ckquorum', kGroup).startsWith('OK') && redisCommand(port, 'SENTINEL', 'replicas', kGroup).includes('slave');
    await until(() => redis.sentinels.every(knows), { ms: 20_000, every: 200, what: 'the Sentinels know each other' });
  }
  return redis;
}

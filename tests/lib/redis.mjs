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

  /** Options of a server that speaks TLS as 127.0.0.1. */
  async makeCertificate() {
    this.tlsPort = await freePort();
    this.certificate = join(this.folder, 'certificate.pem');
    const key = join(this.folder, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', this.certificate, ...subject], { stdio: 'ignore' });
    return ['--tls-port', String(this.tlsPort), '--tls-cert-file', this.certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'];
  }

  async addServer(masterPort, options = []) {
    const port = await freePort();
    const folder = join(this.folder, `server${this.servers.length}`);
    mkdirSync(folder);
    const follow = masterPort ? ['--replicaof', '127.0.0.1', String(masterPort)] : [];
    const child = new Child('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...follow, ...options]);
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

/** Three masters that share the slots. */
export async function startRedisCluster() {
  const redis = new Redis(mkdtempSync(join(tmpdir(), 'antiphon-redis-')));
  process.on('exit', () => rmSync(redis.folder, { recursive: true, force: true }));
  for (let i = 0; i < 3; i += 1) {
    const bus = await freePort();
    await redis.addServer(null, ['--cluster-enabled', 'yes', '--cluster-port', String(bus)]);
  }
  const [first, ...others] = redis.servers.map(({ port }) => port);
  const shares = [[0, 5460], [5461, 10_922], [10_923, 16_383]];
  for (const [i, { port }] of redis.servers.entries()) redisCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', ...shares[i].map(String));
  for (const port of others) {
    const busPort = redisCommand(port, 'CONFIG', 'GET', 'cluster-port').split('\n')[1];
    redisCommand(first, 'CLUSTER', 'MEET', '127.0.0.1', String(port), busPort);
  }
  await until(() => redis.servers.every(({ port }) => redisCommand(port, 'CLUSTER', 'INFO').includes('cluster_state:ok')), { ms: 20_000, every: 200, what: 'the cluster is whole' });
  return redis;
}

/** `sentinels: 0`: one server alone. `tls`: it listens with a certificate of its own, too. */
export async function startRedis({ sentinels = 3, tls = false } = {}) {
  const redis = new Redis(mkdtempSync(join(tmpdir(), 'antiphon-redis-')));
  process.on('exit', () => rmSync(redis.folder, { recursive: true, force: true }));
  const master = await redis.addServer(null, tls ? await redis.makeCertificate() : []);
  if (sentinels) await redis.addServer(master);
  for (let i = 0; i < sentinels; i += 1) await redis.addSentinel(master);
  if (sentinels) {
    const knows = ({ port }) => redisCommand(port, 'SENTINEL', 'ckquorum', kGroup).startsWith('OK') && redisCommand(port, 'SENTINEL', 'replicas', kGroup).includes('slave');
    await until(() => redis.sentinels.every(knows), { ms: 20_000, every: 200, what: 'the Sentinels know each other' });
  }
  return redis;
}

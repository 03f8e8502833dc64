// Redis, which makes replicas quicker and may go at any moment (chapter B.4 of the list of faults).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe } from 'node:test';
import { startFleet } from '../lib/fleet.mjs';
import { redisCommand, startRedis, startRedisCluster } from '../lib/redis.mjs';
import { binary } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { checked, closeForeign } from './checker.mjs';
import { scenario } from './scenario.mjs';

/** For so long everything goes both ways after somebody has come (src/bus/bus.cc). */
const kAcquaintedMs = 11_000;
/** A request that would wait for Redis would take longer; the rest is the machine's. */
const kUnhurtMs = 1500;

/** A series of /metrics at one replica. */
async function metric(fleet, i, series) {
  const response = await fetch(`${fleet.replicas[i].url}/metrics`, { headers: { authorization: `Bearer ${fleet.adminToken}` } });
  const text = await response.text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  assert.ok(line, `${series} in\n${text.slice(0, 500)}`);
  return Number(line.split(' ').at(-1));
}

const connected = (fleet) =>
  until(async () => (await Promise.all(fleet.replicas.map((_, i) => metric(fleet, i, 'antiphon_bus_redis_connected')))).every(Boolean), {
    ms: 5000, every: 50, what: 'every replica uses Redis' });

/** A fleet, the way to Redis in `env`, and an administrator. */
async function fleetWith(provider, env, options = {}) {
  const fleet = await startFleet({ replicas: 2, provider, env, ...options });
  const admin = await fleet.admin();
  fleet.adminToken = admin.token;
  await connected(fleet);
  await sleep(kAcquaintedMs);
  return { fleet, admin };
}

/** An answer of the first replica that is watched at the second, while `fault` happens in its middle. */
const streamed = ({ fleet, admin, provider }, { tokens, delay = 10 }, fault) =>
  checked({ fleet, provider, admin }, async (checker) => {
    const socket = await checker.socket(fleet.at(1, admin));
    const answer = checker.prepare(fleet.at(0, admin), { socket, tokens, delay });
    await answer.post();
    await answer.turn.tokens(10);
    await fault();
    await answer.turn.done(tokens * delay * 4 + 20_000);
    answer.turn.checkTokens(tokens);
  });

/** The longest of requests that go on while `work` does. */
async function slowest(fleet, token, work) {
  let worst = 0;
  let going = true;
  const asking = (async () => {
    for (let i = 0; going; i += 1) {
      const at = performance.now();
      const response = await fleet.at(i % fleet.replicas.length, { token }).get('/api/v1/auths/');
      assert.equal(response.status, 200);
      worst = Math.max(worst, performance.now() - at);
      await sleep(20);
    }
  })();
  try {
    await work();
  } finally {
    going = false;
    await asking;
  }
  return worst;
}

describe('one Redis', () => {
  let provider;
  let redis;
  let here;
  before(async () => {
    provider = await startProvider();
    redis = await startRedis({ sentinels: 0 });
    here = { provider, ...(await fleetWith(provider, { REDIS_URL: redis.url })) };
  });
  after(async () => {
    await closeForeign();
    await here?.fleet.close();
    await redis?.stop();
    await provider?.stop();
  });

  const counts = async () => ({
    redis: await metric(here.fleet, 0, 'antiphon_bus_messages_total{way="redis"}'),
    notify: await metric(here.fleet, 0, 'antiphon_bus_messages_total{way="notify"}'),
  });

  scenario('S50a while Redis works an answer goes over it alone, and the log says so', async () => {
    const [mine] = here.fleet.replicas;
    assert.match(mine.log, /Redis at 127\.0\.0\.1:\d+: accelerator, deployment/);
    assert.doesNotMatch(mine.log, /does not honour.*REDIS_URL/);
    const earlier = await counts();
    await streamed(here, { tokens: 60 }, () => {});
    const later = await counts();
    assert.ok(later.redis - earlier.redis >= 10, JSON.stringify({ earlier, later }));
    assert.ok(later.notify - earlier.notify <= (later.redis - earlier.redis) / 10, JSON.stringify({ earlier, later }));
  });

  scenario('S53a FLUSHALL in the middle of an answer: every token', () => streamed(here, { tokens: 100 }, () => redisCommand(redis.servers[0].port, 'FLUSHALL')));

  scenario('S53 Redis is full: every token', async () => {
    const { port } = redis.servers[0];
    redisCommand(port, 'CONFIG', 'SET', 'maxmemory', '1');
    await streamed(here, { tokens: 50 }, () => {});
    redisCommand(port, 'CONFIG', 'SET', 'maxmemory', '0');
  });

  const stalled = async (ms) => {
    redis.servers[0].child.signal('SIGSTOP');
    await sleep(ms);
    redis.servers[0].child.signal('SIGCONT');
  };

  scenario('S06 Redis stalls and a token is revoked: it is refused within a second, and nothing waits', async () => {
    const { fleet, admin } = here;
    const user = await fleet.user(admin, `Leaves${Date.now()}`);
    redis.servers[0].child.signal('SIGSTOP');
    try {
      const worst = await slowest(fleet, admin.token, async () => {
        await fleet.at(0, user).post('/api/v1/auths/signout', {}, { expect: 200 });
        await sleep(1000);
        for (const i of [0, 1]) assert.equal((await fleet.at(i, user).get('/api/v1/auths/')).status, 401, `replica ${i}`);
      });
      assert.ok(worst < kUnhurtMs, `${worst} ms`);
    } finally {
      redis.servers[0].child.signal('SIGCONT');
    }
    await connected(fleet);
  });

  for (const [number, ms, long] of [['S50b', 2000, false], ['S50', 15_000, true]])
    scenario(`${number} Redis stalls for ${ms / 1000} s in the middle of an answer: every token, and no request waits`, async () => {
      const worst = await slowest(here.fleet, here.admin.token, () => streamed(here, { tokens: ms / 10 + 100 }, () => stalled(ms)));
      assert.ok(worst < kUnhurtMs, `${worst} ms`);
      await connected(here.fleet);
    }, { long });

  for (const [number, ms, long] of [['S38', 2000, false], ['S39', 40_000, true]])
    scenario(`${number} Redis is killed and away for ${ms / 1000} s in the middle of an answer: every token, and it is used again`, async () => {
      await streamed(here, { tokens: ms / 10 + 200 }, async () => {
        await redis.halt();
        await sleep(ms);
        await redis.resume();
        const at = performance.now();
        await connected(here.fleet);
        assert.ok(performance.now() - at < 3000, 'it is tried each second');
      });
    }, { long });

  scenario('S49 another deployment on the same Redis with the same prefix: named, and it hears nothing', async () => {
    const other = await startFleet({ replicas: 1, provider, balancer: null, env: { REDIS_URL: redis.url } });
    try {
      await until(() => /AP-052/.test(other.replicas[0].log), { ms: 5000, what: 'the log names the other deployment' });
      const admin = await other.admin();
      const socket = await admin.connect();
      await streamed(here, { tokens: 40 }, () => {});
      other.adminToken = admin.token;
      assert.equal(await metric(other, 0, 'antiphon_bus_redis_received_total'), 0);
      socket.close?.();
    } finally {
      await other.close();
    }
  });
});

describe('ways to Redis', () => {
  let provider;
  before(async () => {
    provider = await startProvider();
  });
  after(async () => {
    await closeForeign();
    await provider?.stop();
  });

  scenario('S51 Sentinel makes another Redis the master in the middle of an answer: every token, and the new one is used', async () => {
    const redis = await startRedis();
    let here;
    try {
      const env = { REDIS_URL: `redis://${redis.name}/0`, REDIS_SENTINEL_HOSTS: redis.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',') };
      here = { provider, ...(await fleetWith(provider, env)) };
      const first = redis.masterPort();
      await streamed(here, { tokens: 600 }, () => redis.serverAt(first).child.stop('SIGKILL'));
      const second = await until(() => redis.masterPort() !== first && redis.masterPort(), { ms: 30_000, every: 200, what: 'a new master' });
      await connected(here.fleet);
      const channels = redisCommand(second, 'PUBSUB', 'CHANNELS');
      assert.match(channels, /antiphon/);
    } finally {
      await here?.fleet.close();
      await redis.stop();
    }
  }, { long: true });

  scenario('S52 a Redis Cluster whose first node is not the one that has the channel: used, every token', async () => {
    const redis = await startRedisCluster();
    const fleets = [];
    try {
      // Whichever node is asked first, all subscribe at one.
      const env = (i) => ({ REDIS_URL: `redis://127.0.0.1:${redis.servers[i].port}`, REDIS_CLUSTER: 'True' });
      const here = { provider, ...(await fleetWith(provider, {}, { each: (i) => ({ env: env(i) }) })) };
      fleets.push(here.fleet);
      const before = await metric(here.fleet, 0, 'antiphon_bus_redis_unheard_total');
      await streamed(here, { tokens: 60 }, () => {});
      assert.equal(await metric(here.fleet, 0, 'antiphon_bus_redis_unheard_total'), before, 'all were heard by all');
      assert.ok((await metric(here.fleet, 1, 'antiphon_bus_redis_received_total')) >= 10);
    } finally {
      for (const fleet of fleets) await fleet.close();
      await redis.stop();
    }
  }, { long: true });

  scenario('S50c Redis with TLS: used with its authority, refused without', async () => {
    const redis = await startRedis({ sentinels: 0, tls: true });
    let fleet;
    try {
      const right = { REDIS_URL: `rediss://127.0.0.1:${redis.tlsPort}?ssl_ca_certs=${redis.certificate}` };
      fleet = await startFleet({ replicas: 2, provider, balancer: null, each: (i) => ({ env: i ? { REDIS_URL: `rediss://127.0.0.1:${redis.tlsPort}` } : right }) });
      const [trusting, strict] = fleet.replicas;
      await until(() => /Redis at .*\(TLS\): accelerator/.test(trusting.log), { ms: 5000, what: 'it is used' });
      await until(() => /AP-050.*certificate verify failed/.test(strict.log), { ms: 5000, what: 'it is refused' });
    } finally {
      await fleet?.close();
      await redis.stop();
    }
  });

  scenario('S55 an ACL forbids the channel: the log and `check` name the cure, and answers go over PostgreSQL', async () => {
    const redis = await startRedis({ sentinels: 0 });
    let fleet;
    try {
      redisCommand(redis.servers[0].port, 'ACL', 'SETUSER', 'quiet', 'on', '>pw', '+@all', '~*', 'resetchannels');
      const env = { REDIS_URL: redis.url.replace('://', '://quiet:pw@') };
      fleet = await startFleet({ replicas: 2, provider, env });
      const admin = await fleet.admin();
      await until(() => /AP-051.*ACL SETUSER/.test(fleet.replicas[0].log), { ms: 5000, what: 'the log names the cure' });
      assert.doesNotMatch(fleet.replicas[0].log, /quiet:pw/);
      const check = spawnSync(binary, ['check'], { env: { PATH: process.env.PATH, ...fleet.replicas[1].env }, encoding: 'utf8' });
      assert.match(check.stdout, /^warn +redis +AP-051.*ACL SETUSER/m, check.stdout + check.stderr);
      await streamed({ fleet, admin, provider }, { tokens: 40 }, () => {});
    } finally {
      await fleet?.close();
      await redis.stop();
    }
  });
});

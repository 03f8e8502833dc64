// What processes on one database must agree on: secret key, clock, connections, pooler, environment. Real PostgreSQL, several processes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { hasPgbouncer, startPgbouncer } from '../lib/pgbouncer.mjs';
import { sharedPostgres, startPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { adminAccount, binary, makeServer, startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { WrongClock } from '../lib/clock.mjs';

const kOld = 'the older secret of this cluster, long enough';
const kNew = 'the newer secret of this cluster, long enough';
const kPsql = join('/usr/lib/postgresql', String(Math.max(...readdirSync('/usr/lib/postgresql').map(Number).filter(Boolean))), 'bin/psql');
const kTimeout = { timeout: 180_000 };

const cli = (server, ...words) => spawnSync(binary, words, { env: server.env, encoding: 'utf8', cwd: '/' });

/** Changes a database that no server has open; `server`: of lib/server.mjs. */
function execute(server, sql) {
  const url = server.env.DATABASE_URL;
  const code = 'import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\nd.execute(sys.argv[2])\nd.commit()';
  const [file, args] = url ? [kPsql, [url, '-qX', '-v', 'ON_ERROR_STOP=1', '-c', sql]] : ['python3', ['-c', code, join(server.dataDir, 'antiphon.db'), sql]];
  assert.equal(spawnSync(file, args, { stdio: 'inherit' }).status, 0);
}

/** Nodes on one database, closed with the test. */
class Fleet {
  #all = [];

  constructor(databaseUrl) {
    this.databaseUrl = databaseUrl;
  }

  async make(name, env = {}, options = {}) {
    const server = await makeServer({ databaseUrl: this.databaseUrl, ...options, env: { ANTIPHON_NODE_NAME: name, ...env } });
    this.#all.push(server);
    return server;
  }

  async start(name, env, options) {
    return (await this.make(name, env, options)).start();
  }

  /** What a node says that must not start. */
  async refusal(name, env, options) {
    return (await this.make(name, env, options)).startsNot();
  }

  async close() {
    for (const server of this.#all) await server.close();
  }
}

async function withFleet(databaseUrl, work) {
  const fleet = new Fleet(databaseUrl);
  try {
    return await work(fleet);
  } finally {
    await fleet.close();
  }
}

const postgres = async () => (await sharedPostgres()).createDatabase();
const fingerprints = (server) => rows(server, 'SELECT secret_keys FROM cluster').then(([row]) => JSON.parse(row.secret_keys));
const fingerprintInUse = async (server) => (await fingerprints(server)).find((key) => key.signs).fingerprint;
const signsIn = async (server, token) => (await server.client().get('/api/v1/auths/', { token })).status;
const sealedRow = (server) => rows(server, `SELECT value FROM config WHERE key = 'openai.api_keys'`).then(([row]) => row?.value);
const saveSecret = (client) => client.post('/api/v1/configs/settings', { changes: { 'openai.api_keys': ['sk-a-secret-of-a-provider'] } }, { expect: 200 });
const savedSecret = async (client) => (await client.get('/openai/config', { expect: 200 })).json.OPENAI_API_KEYS;

forEachDatabase((db) => {
  describe('the secret key', kTimeout, () => {
    it('S01: another one is refused with both fingerprints, the variable and the node that set it', async () => {
      await withFleet(await db.create(), async (fleet) => {
        const first = await fleet.start('web-1', { WEBUI_SECRET_KEY: kOld });
        const cluster = await fingerprintInUse(first);
        if (db.name === 'sqlite') await first.terminate();
        const options = db.name === 'sqlite' ? { dataDir: first.dataDir } : {};
        const second = await fleet.make('web-2', { WEBUI_SECRET_KEY: kNew }, options);
        const said = await second.startsNot();
        assert.match(said, new RegExp(`AP-001 This node's WEBUI_SECRET_KEY \\(fingerprint [0-9a-f]{12}\\) differs`));
        assert.match(said, new RegExp(`the cluster's \\(${cluster}, set by node web-1 in WEBUI_SECRET_KEY\\)`));
        assert.match(said, /ANTIPHON_SECRET_KEYS/);
        assert.ok(!said.includes(kNew) && !said.includes(kOld), 'it never says the secret');
        const check = cli(second, 'check');
        assert.equal(check.status, 1);
        assert.match(check.stdout, /^FAIL +secret key +AP-001 /m);
      });
    });

    it('that is set by the database itself moves to the environment without one sign-out', async () => {
      await withFleet(await db.create(), async (fleet) => {
        const first = await fleet.start('web-1', { WEBUI_SECRET_KEY: undefined });
        const { token } = await first.admin();
        await first.terminate();
        const second = await fleet.start('web-1', { WEBUI_SECRET_KEY: kNew }, { dataDir: first.dataDir });
        assert.equal(await signsIn(second, token), 200);
        assert.equal((await fingerprints(second))[0].source, 'WEBUI_SECRET_KEY');
        await second.terminate();
        // And nobody makes another one behind the cluster's back.
        const third = await fleet.make('web-1', { WEBUI_SECRET_KEY: undefined }, { dataDir: first.dataDir });
        assert.match(await third.startsNot(), /AP-001/);
      });
    });

    it('may be given up where it is lost, with what it sealed, and sessions end', async () => {
      await withFleet(await db.create(), async (fleet) => {
        const first = await fleet.start('web-1', { WEBUI_SECRET_KEY: kOld });
        const admin = await first.admin();
        await saveSecret(admin);
        const lost = await fingerprintInUse(first);
        await first.terminate();
        const second = await fleet.make('web-1', { WEBUI_SECRET_KEY: kNew }, { dataDir: first.dataDir });
        assert.match(await second.startsNot(), /AP-001 .*antiphon keys forget/);
        assert.match(cli(second, 'keys', 'list').stdout, new RegExp(`^${lost}\\tin use\\t.*web-1`, 'm'));
        assert.equal(cli(second, 'keys', 'forget', 'nonsense').status, 1);
        assert.equal(cli(second, 'keys', 'forget', lost).status, 0);
        assert.match(await second.startsNot(), /antiphon: AP-003 1 setting \(openai\.api_keys\) was sealed/);
        assert.match(cli(second, 'keys', 'drop-sealed').stdout, /^1 value/);
        await second.start();
        assert.equal(await signsIn(second, admin.token), 401);
        assert.equal((await second.client().signIn(adminAccount)).status, 200);
      });
    });

    it('S03: is rotated, seals again what it sealed, and is not let go before', async () => {
      await withFleet(await db.create(), async (fleet) => {
        const first = await fleet.start('web-1', { WEBUI_SECRET_KEY: kOld });
        const admin = await first.admin();
        await saveSecret(admin);
        const sealedBefore = await sealedRow(first);
        await first.terminate();
        const dataDir = { dataDir: first.dataDir };

        // The new key as the cluster's own, but what the old one sealed not yet sealed again: as after a crash in between.
        const early = await fleet.start('web-1', { WEBUI_SECRET_KEY: kNew, ANTIPHON_SECRET_KEYS: kOld }, dataDir);
        await until(async () => (await sealedRow(early)) !== sealedBefore, { what: 'it is sealed again' });
        await until(() => /All is sealed with the key in use +kind="?setting"? +sealed_again=1/.test(early.log), { what: 'the log says so' });
        assert.equal(await signsIn(early, admin.token), 200, 'no sign-out');
        const renewed = early.client();
        await renewed.signIn(adminAccount);
        assert.deepEqual(await savedSecret(renewed), ['sk-a-secret-of-a-provider']);
        await early.terminate();

        const late = await fleet.start('web-1', { WEBUI_SECRET_KEY: kNew }, dataDir);
        assert.equal(await signsIn(late, renewed.token), 200);
        assert.equal(await signsIn(late, admin.token), 401, 'what the old one signed ends with it');
        assert.deepEqual(await savedSecret(Object.assign(late.client(), { token: renewed.token })), ['sk-a-secret-of-a-provider']);
        await late.terminate();

        // As an older copy of the row would be, or a process that was killed half-way.
        execute(late, `UPDATE config SET value = '${sealedBefore}' WHERE key = 'openai.api_keys'`);
        assert.match(await late.startsNot(), /AP-003 1 setting \(openai\.api_keys\) was sealed with a key that this node does not have/);
      });
    });
  });

  if (db.name !== 'postgres') return;

  it('S03: rolling to a new key, one node after the other, ends no session on any node', kTimeout, async () => {
    await withFleet(await db.create(), async (fleet) => {
      const a = await fleet.start('web-1', { WEBUI_SECRET_KEY: kOld });
      let b = await fleet.start('web-2', { WEBUI_SECRET_KEY: kOld });
      const before = await a.admin();
      const rotating = { WEBUI_SECRET_KEY: kNew, ANTIPHON_SECRET_KEYS: kOld };
      await b.terminate();
      b = await fleet.start('web-2', rotating);
      // web-1 knows nothing of the new key yet, so nothing may be signed with it.
      const during = b.client();
      await during.signIn(adminAccount);
      for (const node of [a, b]) for (const { token } of [before, during]) assert.equal(await signsIn(node, token), 200);
      const old = await fingerprintInUse(b);
      await a.terminate();
      const a2 = await fleet.start('web-1', rotating);
      assert.notEqual(await fingerprintInUse(a2), old, 'all prefer the new one');
      const afterwards = a2.client();
      await afterwards.signIn(adminAccount);
      for (const node of [a2, b]) for (const { token } of [before, during, afterwards]) assert.equal(await signsIn(node, token), 200);
      const late = await fleet.refusal('web-3', { WEBUI_SECRET_KEY: kOld });
      assert.match(late, /AP-001/);
    });
  });

  it('of two that start together with different keys one is refused', kTimeout, async () => {
    await withFleet(await db.create(), async (fleet) => {
      const both = [await fleet.make('web-1', { WEBUI_SECRET_KEY: kOld }), await fleet.make('web-2', { WEBUI_SECRET_KEY: kNew })];
      assert.equal(cli(both[0], 'migrate').status, 0);
      const outcomes = await Promise.allSettled(both.map((server) => server.start()));
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.match(both[outcomes.findIndex(({ status }) => status === 'rejected')].log, /AP-001/);
    });
  });
});

describe('the environment', kTimeout, () => {
  it('S13, S17: that differs is refused by the setting and both hashes, and never by its values', async () => {
    await withFleet(await postgres(), async (fleet) => {
      await fleet.start('web-1', { OPENAI_API_KEYS: 'sk-one', ENABLE_FOLDERS: 'true' });
      for (const [env, said] of [
        [{ OPENAI_API_KEYS: 'sk-two' }, /AP-002 This node's environment differs from node web-1's: .*OPENAI_API_KEYS \([0-9a-f]{12} here, [0-9a-f]{12} there\)/],
        [{ OPENAI_API_KEYS: 'sk-one', ENABLE_WEBSOCKET_SUPPORT: 'false' }, /AP-002 .*ENABLE_WEBSOCKET_SUPPORT \([0-9a-f]{12} here, the default there\)/],
        [{ OPENAI_API_KEYS: 'sk-one', ENABLE_SIGNUP: 'false' }, /AP-002 .*ENABLE_SIGNUP/],
        [{}, /AP-002 .*OPENAI_API_KEYS \(the default here, [0-9a-f]{12} there\)/],
      ]) {
        const refused = await fleet.refusal('web-2', env);
        assert.match(refused, said);
        assert.doesNotMatch(refused, /sk-one|sk-two/);
        assert.doesNotMatch(refused, /ENABLE_FOLDERS/, 'what is set to its default is no difference');
      }
      const [row] = await rows({ env: { DATABASE_URL: fleet.databaseUrl } }, 'SELECT settings FROM node');
      assert.doesNotMatch(row.settings, /sk-one/);
    });
  });

  it('that differs counts for nothing where the database has a value', async () => {
    await withFleet(await postgres(), async (fleet) => {
      const first = await fleet.start('web-1');
      const admin = await first.admin();
      await admin.post('/api/v1/configs/settings', { changes: { 'ui.enable_signup': false } }, { expect: 200 });
      const second = await fleet.start('web-2', { ENABLE_SIGNUP: 'true' });
      assert.equal((await second.client().get('/api/config')).json.features.enable_signup, false);
    });
  });

  it('of a node that was killed speaks against nobody once its lease is out', async () => {
    await withFleet(await postgres(), async (fleet) => {
      const first = await fleet.start('web-1', { ENABLE_FOLDERS: 'false' });
      await first.kill();
      await fleet.start('web-1', { ENABLE_FOLDERS: 'true' });
    });
  });
});

describe('connections', kTimeout, () => {
  let cluster;
  before(async () => (cluster = await startPostgres(['max_connections=20'])));
  after(() => cluster?.stop());

  it('S58: that cannot fit are refused with the arithmetic, and nearly fitting ones warn', async () => {
    await withFleet(cluster.createDatabase(), async (fleet) => {
      // 20 - 3 reserved = 17; each wants 4 of the pool and 1 to listen.
      for (const name of ['web-1', 'web-2']) await fleet.start(name, { DATABASE_POOL_SIZE: '4' });
      const third = await fleet.start('web-3', { DATABASE_POOL_SIZE: '4' });
      await until(() => /AP-021 /.test(third.log), { what: 'the warning' });
      const fourth = await fleet.make('web-4', { DATABASE_POOL_SIZE: '4' });
      const said = await fourth.startsNot();
      assert.match(said, /AP-020 .*max_connections 20 - 3 reserved = 17; 3 nodes × 5 \+ 5 of this node = 20/);
      assert.match(said, /DATABASE_POOL_SIZE/);
    });
  });

  it('that are all taken are named by the same code', async () => {
    const url = cluster.createDatabase();
    cluster.sql('postgres', `ALTER DATABASE ${url.split('/').at(-1)} CONNECTION LIMIT 0`);
    cluster.sql('postgres', 'CREATE ROLE plain LOGIN');
    await withFleet(url.replace('antiphon@', 'plain@'), async (fleet) => {
      assert.match(await fleet.refusal('web-1'), /AP-020 PostgreSQL has no connection left/);
    });
  });

  it('a limit of the database counts', async () => {
    const url = cluster.createDatabase();
    await withFleet(url, async (fleet) => {
      const first = await fleet.make('web-1');
      assert.equal(cli(first, 'migrate').status, 0);
      cluster.sql('postgres', `ALTER DATABASE ${url.split('/').at(-1)} CONNECTION LIMIT 3`);
      assert.match(await first.startsNot(), /AP-020 .*of which the database may have 3; 4 of this node = 4/);
    });
  });
});

describe('the clock', kTimeout, () => {
  const start = async (fleet, name, seconds) => {
    const node = await fleet.make(name);
    const clock = new WrongClock(node.dataDir, seconds);
    Object.assign(node.env, clock.env);
    return { node, clock };
  };

  for (const [offset, way] of [[-2, 'behind'], [2, 'ahead of']]) {
    it(`S08: two seconds ${way} it warn, and a session counts on every node`, async () => {
      await withFleet(await postgres(), async (fleet) => {
        const right = await fleet.start('web-1');
        const { node: wrong } = await start(fleet, 'web-2', offset);
        await wrong.start();
        await until(() => /AP-004/.test(wrong.log), { what: 'the warning' });
        assert.match(wrong.log, new RegExp(`This machine's clock is (1 s 9\\d\\d ms|2 s( \\d+ ms)?) ${way} the database's`));
        const here = await right.admin();
        const there = wrong.client();
        await there.signIn(adminAccount);
        for (const node of [right, wrong]) for (const { token } of [here, there]) assert.equal(await signsIn(node, token), 200);
        const metrics = (await there.get('/metrics', { expect: 200 })).text;
        const skew = Number(/^antiphon_clock_skew_seconds (\S+)$/m.exec(metrics)[1]);
        assert.ok(Math.abs(skew - Number(offset)) < 1, `${skew}`);
      });
    });
  }

  for (const [offset, said] of [
    [-45, /AP-004 This machine's clock is (44|45) s behind the database's\. Fix NTP/],
    [45, /AP-004 This machine's clock is (44|45) s ahead of the database's/],
    [-603, /AP-004 This machine's clock is 10 min [23] s behind the database's/],
    [603, /AP-004 This machine's clock is 10 min [23] s ahead of the database's/],
  ]) {
    it(`S08: ${offset} s are refused with their direction and length`, async () => {
      await withFleet(await postgres(), async (fleet) => {
        const { node } = await start(fleet, 'web-1', offset);
        assert.equal(cli(await fleet.make('right'), 'migrate').status, 0);
        assert.match(await node.startsNot(), said);
      });
    });
  }

  it('S08: that goes wrong while it serves takes the node out, and its sessions still count elsewhere', async () => {
    await withFleet(await postgres(), async (fleet) => {
      const right = await fleet.start('web-1');
      const { node: wrong, clock } = await start(fleet, 'web-2', 0);
      await wrong.start();
      clock.set(45);
      const admin = await right.admin();
      const there = wrong.client();
      await there.signIn(adminAccount);
      for (const node of [right, wrong]) for (const { token } of [admin, there]) assert.equal(await signsIn(node, token), 200);
      const reply = await until(
        async () => {
          const ready = await wrong.client().get('/ready');
          return ready.status === 503 ? ready : null;
        },
        { ms: 90_000, every: 500, what: 'it is not ready' },
      );
      assert.match(reply.json.reasons[0], /AP-004 This machine's clock is 4[45] s ahead of the database's/);
      assert.equal(await right.isReady(), true);
    });
  });
});

describe('a transaction pooler', { ...kTimeout, skip: hasPgbouncer ? false : 'pgbouncer is not installed' }, () => {
  let bouncer;
  let url;
  before(async () => {
    url = await postgres();
    bouncer = await startPgbouncer(url);
  });
  after(() => bouncer?.stop());
  const unprepared = () => `${bouncer.url}?prepared_statement_cache_size=0`;

  it('S61: is found out, with the cure', async () => {
    await withFleet(unprepared(), async (fleet) => {
      const said = await fleet.refusal('web-1');
      assert.match(said, /AP-031 DATABASE_URL goes through a transaction pooler\. Set ANTIPHON_PG_DIRECT_URL .*ANTIPHON_BUS=poll/);
      const check = cli(await fleet.make('web-1'), 'check');
      assert.equal(check.status, 1);
      assert.match(check.stdout, /^FAIL +pooler +AP-031/m);
    });
  });

  it('S61: that forgets prepared statements is found out, with the cure', async () => {
    await withFleet(bouncer.url, async (fleet) => {
      assert.match(await fleet.refusal('web-1'), /AP-032 .*prepared_statement_cache_size=0/);
    });
  });

  it('S61: with a way past it, or polling, a node serves', async () => {
    await withFleet(unprepared(), async (fleet) => {
      for (const env of [{ ANTIPHON_PG_DIRECT_URL: url }, { ANTIPHON_BUS: 'poll' }]) {
        const node = await fleet.start('web-1', env);
        assert.equal((await node.admin()).user.role, 'admin');
        await node.terminate();
      }
    });
  });

  it('S61: a way past it that leads elsewhere, or through it again, is refused', async () => {
    const elsewhere = await postgres();
    await withFleet(unprepared(), async (fleet) => {
      assert.match(await fleet.refusal('web-1', { ANTIPHON_PG_DIRECT_URL: elsewhere }), /AP-033/);
      assert.match(await fleet.refusal('web-1', { ANTIPHON_PG_DIRECT_URL: unprepared() }), /AP-033 .*transaction pooler too/);
    });
  });

  it('by session is no obstacle', async () => {
    const bySession = await startPgbouncer(url, { mode: 'session', poolSize: 20 });
    try {
      await withFleet(bySession.url, async (fleet) => {
        const node = await fleet.start('web-1');
        assert.equal(await node.isReady(), true);
      });
    } finally {
      await bySession.stop();
    }
  });
});

describe('readiness and the overview', kTimeout, () => {
  it('tell the truth about nodes, keys, database and lease, to administrators only', async () => {
    await withFleet(await postgres(), async (fleet) => {
      const a = await fleet.start('web-1', { ANTIPHON_ADVERTISE_URL: 'http://10.0.0.1:8080' });
      const b = await fleet.start('web-2');
      const admin = await b.admin();
      const { json } = await admin.get('/api/v1/cluster', { expect: 200 });
      assert.deepEqual(json.nodes.map(({ name, state, here }) => [name, state, here]), [['web-1', 'serving', false], ['web-2', 'serving', true]]);
      assert.equal(json.nodes[0].address, 'http://10.0.0.1:8080');
      assert.ok(json.nodes.every((node) => node.lease_ms > 0 && node.connections === 4));
      assert.equal(json.secret_key, await fingerprintInUse(a));
      assert.match(json.database.arithmetic, /1 node × 4 \+ 4 of this node = 8/);
      assert.equal(json.sealed_to_redo, 0);
      const user = await b.user(admin, 'Eve');
      assert.equal((await user.get('/api/v1/cluster')).status, 401);
      assert.equal((await b.client().get('/api/v1/cluster')).status, 401);
      await a.terminate();
      const left = (await admin.get('/api/v1/cluster', { expect: 200 })).json;
      assert.deepEqual(left.nodes.map(({ name }) => name), ['web-2']);
    });
  });

  it('is lost with the lease, and comes back with it', async () => {
    await withFleet(await postgres(), async (fleet) => {
      const node = await fleet.start('web-1');
      const database = fleet.databaseUrl.split('/').at(-1);
      const server = await sharedPostgres();
      // A lease cannot be renewed while somebody holds the row.
      server.sql(database, `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
      server.sql(database, 'CREATE TRIGGER held BEFORE UPDATE OR INSERT ON node FOR EACH ROW EXECUTE FUNCTION nothing()');
      const reply = await until(
        async () => {
          const ready = await node.client().get('/ready');
          return ready.status === 503 ? ready : null;
        },
        { ms: 30_000, every: 200, what: 'it is not ready' },
      );
      assert.match(reply.json.reasons.join(), /AP-041 This node's lease has run out/);
      server.sql(database, 'DROP TRIGGER held ON node');
      await until(() => node.isReady(), { ms: 30_000, what: 'it is ready again' });
    });
  });
});

describe('codes', () => {
  it('are told by the program, each with a cure', () => {
    const { stdout, status } = spawnSync(binary, ['codes'], { encoding: 'utf8' });
    assert.equal(status, 0);
    const table = [...stdout.matchAll(/^\| (AP-\d{3}) \| (.+) \| (.+) \| (.+) \|$/gm)];
    assert.ok(table.length >= 10);
    const kept = readFileSync(new URL('../../docs/operate/codes.md', import.meta.url), 'utf8');
    assert.equal(kept, stdout, 'write it anew: build/antiphon codes > docs/operate/codes.md');
    for (const [, , title, meaning, cure] of table) for (const text of [title, meaning, cure]) assert.ok(text.trim().length > 3);
  });
});

// Starts in any number, and killed ones: exactly one process upgrades, and no database is left that nobody can start on.
//   ANTIPHON_STARTS=100   rounds of each kind (default 2: a sample for every change)
//   ANTIPHON_TRIALS=1000  trials of the first account and of the secret (default 3)
//   ANTIPHON_KILL_SEED=17 repeats the random moments of a run
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Random } from '../lib/random.mjs';
import { command } from '../lib/commands.mjs';
import { forEachDatabase } from '../lib/databases.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { binary, makeServer, nextBinary } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kRounds = Number(process.env.ANTIPHON_STARTS ?? 2);
const kTrials = Number(process.env.ANTIPHON_TRIALS ?? 3);
const seed = Number(process.env.ANTIPHON_KILL_SEED ?? Date.now() % 100_000);
const kLong = { timeout: 120_000 + kRounds * 120_000 + kTrials * 4_000 };
const kAtOnce = { ANTIPHON_CONTRACT_AFTER_HOURS: '0' };

const databaseOf = (url) => url.split('/').at(-1);
const appliedOf = async (server) => (await rows(server, 'SELECT name FROM antiphon_migration ORDER BY name')).map((row) => row.name);
/** What the processes say they did, together. */
const told = (servers) => servers.flatMap((server) => [...server.log.matchAll(/Upgraded the database +migration="([^"]+)"/g)].map((found) => found[1])).sort();

/** A database as this version leaves it, with an account and a chat in it; `copy()` gives another like it. */
async function makeBase(db) {
  const base = await makeServer({ databaseUrl: await db.create() });
  await base.start();
  const admin = await base.admin();
  for (let i = 0; i < 20; i += 1) await admin.post('/api/v1/chats/new', { chat: { title: `Chat ${i}`, models: ['m'] } }, { expect: 200 });
  await base.terminate();
  const cluster = db.name === 'sqlite' ? null : await sharedPostgres();
  let copies = 0;
  return {
    cluster,
    /** Of an empty database, or of this one. */
    async copy({ empty = false } = {}) {
      if (!cluster) {
        const dataDir = mkdtempSync(join(tmpdir(), 'antiphon-starts-'));
        if (!empty) cpSync(base.dataDir, dataDir, { recursive: true });
        return { dataDir, drop: () => rmSync(dataDir, { recursive: true, force: true }) };
      }
      copies += 1;
      const name = `starts_${process.pid}_${copies}`;
      cluster.sql('postgres', `CREATE DATABASE ${name} TEMPLATE ${empty ? "template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'" : databaseOf(base.env.DATABASE_URL)}`);
      return { databaseUrl: cluster.url(name), drop: () => cluster.sql('postgres', `DROP DATABASE ${name} WITH (FORCE)`) };
    },
    close: () => base.close(),
  };
}

forEachDatabase((db) => {
  let base;
  before(async () => (base = await makeBase(db)));
  after(() => base?.close());

  async function starters(count, place, program) {
    const servers = await Promise.all(Array.from({ length: count }, () => makeServer({ ...place, env: kAtOnce })));
    for (const server of servers) server.command = [program];
    return servers;
  }

  async function end(servers, place) {
    await Promise.all(servers.map((server) => server.kill()));
    await place.drop();
    await Promise.all(servers.map((server) => server.close()));
  }

  if (db.name === 'postgres') {
    it(`eight processes on an empty database, ${kRounds} times: one makes everything, all serve`, kLong, async () => {
      for (let round = 0; round < kRounds; round += 1) {
        const place = await base.copy({ empty: true });
        const servers = await starters(8, place, binary);
        try {
          await Promise.all(servers.map((server) => server.start()));
          assert.deepEqual(told(servers), await appliedOf(servers[0]));
          assert.equal(servers.filter((server) => told([server]).length).length, 1, 'exactly one process');
        } finally {
          await end(servers, place);
        }
      }
    });

    it(`eight processes on a database that needs an upgrade, ${kRounds} times: each step is done once, all serve`, kLong, async () => {
      for (let round = 0; round < kRounds; round += 1) {
        const place = await base.copy();
        const servers = await starters(8, place, nextBinary());
        try {
          await Promise.all(servers.map((server) => server.start()));
          const steps = told(servers);
          assert.ok(steps.includes('29990101_0100_next_note_index') && steps.includes('29990101_0300_next_without_mfa'), `${steps}`);
          assert.deepEqual(steps, (await appliedOf(servers[0])).filter((name) => name.startsWith('2999')));
          assert.equal((await rows(servers[0], 'SELECT 1 AS one FROM pg_index WHERE NOT indisvalid')).length, 0);
        } finally {
          await end(servers, place);
        }
      }
    });
  } else {
    for (const [what, program, empty] of [
      ['an empty database', () => binary, true],
      ['a database that needs an upgrade', nextBinary, false],
    ])
      it(`three processes on ${what}, ${kRounds} times: one serves, the others say what to do`, kLong, async () => {
        for (let round = 0; round < kRounds; round += 1) {
          const place = await base.copy({ empty });
          const servers = await starters(3, place, program());
          try {
            const outcomes = await Promise.allSettled(servers.map((server) => server.start()));
            assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
            for (const [i, server] of servers.entries()) {
              if (outcomes[i].status === 'fulfilled') continue;
              assert.deepEqual(await server.exit(), { code: 1, signal: null });
              assert.match(server.log, /is in use by process \d+ on .*Stop that one first.*use PostgreSQL: DATABASE_URL=/);
            }
          } finally {
            await end(servers, place);
          }
        }
      });
  }

  it(`killed at a random moment of an upgrade, ${kRounds} times each (seed ${seed}): the next start is as if nothing had been`, kLong, async (t) => {
    const random = new Random(seed);
    const tally = { kills: 0, between: 0 };
    /** How long one takes that nobody kills, so that the moments lie within; of an empty database and of a full one. */
    const takes = new Map();
    for (const empty of [true, false]) {
      const place = await base.copy({ empty });
      const [server] = await starters(1, place, nextBinary());
      try {
        const begin = performance.now();
        assert.equal((await command(server, ['migrate'])).code, 0);
        takes.set(empty, Math.ceil(performance.now() - begin));
      } finally {
        await end([server], place);
      }
    }
    for (let round = 0; round < 2 * kRounds; round += 1) {
      const empty = round % 2 === 1;
      const place = await base.copy({ empty });
      const [server] = await starters(1, place, nextBinary());
      try {
        const migrate = (more = {}) => command(server, ['migrate'], more);
        // Twice, so that the second dies in what the first left.
        for (const kill of [random.between(0, takes.get(empty)), random.between(0, takes.get(empty))]) {
          const { signal, out } = await migrate({ kill });
          if (signal !== 'SIGKILL') continue;
          tally.kills += 1;
          // A new database is made in one transaction, so there may be nothing yet.
          const steps = (await appliedOf(server).catch(() => [])).filter((name) => name.startsWith('2999')).length;
          if (steps > 0 && steps < 4) tally.between += 1;
          assert.equal(out, '');
        }
        const whole = await migrate();
        assert.equal(whole.code, 0, whole.err);
        const applied = await appliedOf(server);
        assert.equal(applied.filter((name) => name.startsWith('2999')).length, 4, `${applied}`);
        assert.equal(new Set(applied).size, applied.length);
        assert.equal((await rows(server, 'SELECT count(*) AS n FROM next_note'))[0].n, 100_000, 'what was half written is gone');
        if (db.name === 'postgres') assert.equal((await rows(server, 'SELECT 1 AS one FROM pg_index WHERE NOT indisvalid')).length, 0);
        else assert.deepEqual(await rows(server, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
        await server.start();
        const admin = await server.admin();
        if (!empty) assert.equal((await admin.get('/api/v1/chats/', { expect: 200 })).json.length, 20);
      } finally {
        await end([server], place);
      }
    }
    t.diagnostic(`${db.name}, seed ${seed}: ${JSON.stringify(tally)}`);
    console.log(`# killed in upgrades, ${db.name}, seed ${seed}: ${JSON.stringify(tally)}`);
    assert.ok(tally.kills > 0, 'some were killed');
  });

  if (db.name === 'sqlite') return;

  describe('four replicas', () => {
    let provider;
    let place;
    let servers;
    before(async () => {
      provider = await startProvider();
      place = await base.copy({ empty: true });
      const env = { ANTIPHON_RATE_LIMITS: '0' };
      servers = await Promise.all(Array.from({ length: 4 }, () => makeServer({ ...place, provider, env })));
      await Promise.all(servers.map((server) => server.start()));
    });
    after(async () => {
      await end(servers, place);
      await provider?.stop();
    });
    const sql = (text) => base.cluster.sql(databaseOf(place.databaseUrl), text);
    /** As before the first account, at all of them. */
    async function forgetAccounts() {
      sql(`DELETE FROM "user"; UPDATE cluster SET primary_admin = NULL; DELETE FROM config; UPDATE config_version SET version = version + 1`);
      const open = async (server) => (await server.client().get('/api/config', { expect: 200 })).json.features.enable_signup;
      for (const server of servers) await until(() => open(server), { what: 'sign-up is open again' });
    }

    it('ask nobody for anything when they start, and for the models once each, however many ask them', async () => {
      assert.equal(provider.state.modelsRequests, 0);
      const admin = await servers[0].admin();
      const ask = (server) => server.client().get('/api/models', { token: admin.token, expect: 200 });
      await Promise.all(servers.flatMap((server) => Array.from({ length: 10 }, () => ask(server))));
      assert.equal(provider.state.modelsRequests, servers.length);
    });

    it(`of sign-ups at all of them at once the first one only becomes administrator, ${kTrials} times`, kLong, async () => {
      for (let trial = 0; trial < kTrials; trial += 1) {
        await forgetAccounts();
        const account = (i) => ({ name: `First ${i}`, email: `first${trial}.${i}@x.io`, password: 'correct horse 17' });
        const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => servers[i % 4].client().signUp(account(i), { expect: null })));
        const admins = replies.filter((reply) => reply.status === 200 && reply.json.role === 'admin');
        assert.equal(admins.length, 1, replies.map((reply) => `${reply.status} ${reply.text}`).join('\n'));
        assert.deepEqual(await rows(servers[0], `SELECT email FROM "user" WHERE role = 'admin'`), [{ email: admins[0].json.email }]);
      }
    });

    it(`make one secret, ${kTrials} times`, kLong, async () => {
      const cluster = await sharedPostgres();
      const databaseUrl = cluster.createDatabase();
      const fresh = await Promise.all([1, 2, 3, 4].map(() => makeServer({ databaseUrl, env: { WEBUI_SECRET_KEY: undefined, PORT: '0' } })));
      await command(fresh[0], ['migrate']);
      for (let trial = 0; trial < kTrials; trial += 1) {
        cluster.sql(databaseOf(databaseUrl), "UPDATE cluster SET secret = NULL, secret_keys = '[]'");
        const said = await Promise.all(fresh.map((server) => command(server, ['check'])));
        const keys = said.map(({ out }) => /signs with (\w+), from the database/.exec(out)?.[1]);
        assert.ok(keys[0], said[0].out + said[0].err);
        assert.equal(new Set(keys).size, 1, `${keys}`);
      }
      for (const server of fresh) await server.close();
    });

    it('take an import of settings at two of them at once, one after the other', async () => {
      await forgetAccounts();
      const admin = await servers[0].admin();
      const importing = (server, name) => server.client().post('/api/v1/configs/import', { config: { 'ui.pending_user_overlay_title': name, 'ui.pending_user_overlay_content': name } }, { token: admin.token, expect: 200 });
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(servers.map((server, i) => importing(server, `${round}.${i}`)));
        const values = await rows(servers[0], `SELECT DISTINCT value FROM config WHERE key LIKE 'ui.pending_user_overlay%'`);
        assert.equal(values.length, 1, `of one import whole: ${JSON.stringify(values)}`);
      }
    });
  });
});

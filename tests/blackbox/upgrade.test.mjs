// Upgrades without stopping: the next version (tests/next) beside this one, on the same database; forward, back, and where there
// is no way back.
//   ANTIPHON_MIXED_SECONDS=600   how long both serve side by side (default 4)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command } from '../lib/commands.mjs';
import { forEachDatabase } from '../lib/databases.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { binary, makeServer, nextBinary, startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kMixedMs = 1000 * Number(process.env.ANTIPHON_MIXED_SECONDS ?? 4);
const kContract = '29990101_0300_next_without_mfa';
const kAtOnce = { ANTIPHON_CONTRACT_AFTER_HOURS: '0' };

const version = async (server) => (await server.client().get('/api/version', { expect: 200 })).json;
const appliedOf = async (server) => (await rows(server, 'SELECT name FROM antiphon_migration ORDER BY name')).map((row) => row.name);

/** The server as the other version from its next start on. */
function become(server, program, env = {}) {
  server.command = [program];
  Object.assign(server.env, env);
  return server;
}

forEachDatabase((db) => {
  it('one may go back as long as the newer version only added: the older one serves, and says that it is behind', async () => {
    const server = await startServer({ databaseUrl: await db.create() });
    try {
      const admin = await server.admin();
      const { id } = (await admin.post('/api/v1/chats/new', { chat: { title: 'Kept', models: ['m'] } }, { expect: 200 })).json;
      await server.terminate();

      await become(server, nextBinary()).start();
      assert.deepEqual(await version(server), { version: '0.12.5', deployment_id: '', antiphon: '0.2.0' });
      const applied = await appliedOf(server);
      assert.ok(applied.includes('29990101_0200_next_note_filled'), `${applied}`);
      assert.ok(!applied.includes(kContract), 'a day has not gone by');
      await server.terminate();
      const waits = await command(server, ['check']);
      assert.equal(waits.code, 0, waits.out);
      assert.match(waits.out, new RegExp(`${kContract} waits until 29990101_0000_next_note is 24 h old`));

      server.log = '';
      await become(server, binary).start();
      await until(() => /The database is ahead of this version, compatibly.*newest="29990101_0200_next_note_filled/.test(server.log), { what: 'it says so' });
      const again = await server.admin();
      assert.equal((await again.chat(id)).title, 'Kept');
      assert.equal((await version(server)).antiphon, (await command(server, ['version'])).out.trim().split(' ')[1]);
    } finally {
      await server.close();
    }
  });

  it('after a contract step an older version refuses, and names the one to run and the copy to go back to', async () => {
    const server = await startServer({ databaseUrl: await db.create() });
    try {
      const admin = await server.admin();
      await admin.post('/api/v1/chats/new', { chat: { title: 'Kept', models: ['m'] } }, { expect: 200 });
      await server.terminate();
      await become(server, nextBinary(), kAtOnce).start();
      assert.ok((await appliedOf(server)).includes(kContract));
      await server.terminate();

      server.log = '';
      const said = await become(server, binary).startsNot();
      assert.match(said, /needs version 0\.2\.0 or later, and this is 0\.1\.\d+/);
      assert.match(said, new RegExp(kContract));
      for (const words of [['check'], ['migrate'], ['user', 'list']]) {
        const { code, out, err } = await command(server, words);
        assert.equal(code, 1, `${words}`);
        assert.match(out + err, /needs version 0\.2\.0 or later/, `${words}`);
      }

      if (db.name === 'sqlite') {
        const file = join(server.dataDir, 'antiphon.db');
        const [, copy] = /restore the copy from before it: (\S+)/.exec(said);
        assert.ok(copy.startsWith(`${file}.backup-`), copy);
        for (const name of readdirSync(server.dataDir)) if (/^antiphon\.db(-wal|-shm)?$/.test(name)) rmSync(join(server.dataDir, name));
        copyFileSync(copy, file);
        await server.start();
        const again = await server.admin();
        assert.equal((await again.get('/api/v1/chats/', { expect: 200 })).json[0].title, 'Kept');
      } else {
        assert.match(said, /restore a backup from before it/);
        await become(server, nextBinary()).start();
      }
    } finally {
      await server.close();
    }
  });

  if (db.name === 'sqlite') return; // It takes one process.

  it('without ENABLE_DB_MIGRATIONS waits until another process has upgraded, and is not ready before', { timeout: 120_000 }, async () => {
    const old = await startServer({ databaseUrl: await db.create() });
    const server = become(await makeServer({ databaseUrl: old.env.DATABASE_URL, env: { ENABLE_DB_MIGRATIONS: 'False' } }), nextBinary());
    try {
      let failed = null;
      const start = server.start().catch((error) => (failed = error));
      await until(() => /Waiting until the database has been upgraded +lacks="29990101_0000_next_note/.test(server.log), { what: 'it says what it waits for' });
      assert.equal(await server.isReady(), false);
      const migrated = await command(server, ['migrate'], { env: { ENABLE_DB_MIGRATIONS: 'True' } });
      assert.equal(migrated.code, 0, migrated.err);
      assert.match(migrated.out, /applied 29990101_0200_next_note_filled/);
      await start;
      assert.equal(failed, null);
      assert.equal(await server.isReady(), true);
    } finally {
      await server.close();
      await old.close();
    }
  });

  it('says for whom it waits, and since when', { timeout: 120_000 }, async () => {
    const server = await startServer({ databaseUrl: await db.create() });
    const cluster = await sharedPostgres();
    const url = `${server.env.DATABASE_URL}?application_name=somebody`;
    const holder = spawn(join(cluster.programs, 'psql'), [url, '-Xq', '-c', 'BEGIN; SELECT pg_advisory_xact_lock(4711, 1); SELECT pg_sleep(60)'], { stdio: 'ignore' });
    const holds = () => rows(server, "SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1");
    const next = become(await makeServer({ databaseUrl: server.env.DATABASE_URL }), nextBinary());
    try {
      await until(async () => (await holds()).length > 0, { what: 'the lock is taken' });
      const start = next.start();
      start.catch(() => {});
      await until(() => /Waiting for another process to upgrade the database +process="somebody" +waited="00:0\d/.test(next.log), { ms: 20_000, what: 'it says so' });
      holder.kill();
      cluster.sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'somebody'");
      await start;
    } finally {
      holder.kill();
      await next.close();
      await server.close();
    }
  });

  describe('a contract step', () => {
    it('waits while an older replica serves, and locks it out afterwards', { timeout: 120_000 }, async () => {
      const old = await startServer({ databaseUrl: await db.create() });
      try {
        const admin = await old.admin();
        const upgrade = () => command(old, ['migrate'], { program: nextBinary(), env: kAtOnce });
        const first = await upgrade();
        assert.equal(first.code, 0, first.err);
        assert.match(first.out, new RegExp(`${kContract} waits until no replica of version 0\\.1\\.\\d+ serves`));
        await admin.post('/api/v1/chats/new', { chat: { title: 'Goes on', models: ['m'] } }, { expect: 200 });
        const again = await startServer({ databaseUrl: old.env.DATABASE_URL });
        await again.close(); // More of its kind may still come.

        await old.terminate();
        const second = await upgrade();
        assert.match(second.out, new RegExp(`applied ${kContract}`));
        assert.match(await old.startsNot(), /needs version 0\.2\.0 or later/);
      } finally {
        await old.close();
      }
    });

    it('taken while an older replica was thought dead makes that one stop', { timeout: 120_000 }, async () => {
      const old = await startServer({ databaseUrl: await db.create() });
      try {
        old.pause();
        const live = () => rows(old, 'SELECT 1 AS one FROM node WHERE lease_until >= extract(epoch FROM clock_timestamp()) * 1000');
        await until(async () => (await live()).length === 0, { ms: 20_000, what: 'its lease runs out' });
        const { out } = await command(old, ['migrate'], { program: nextBinary(), env: kAtOnce });
        assert.match(out, new RegExp(`applied ${kContract}`));
        old.resume();
        await old.exit();
        assert.match(old.log, /Stopping +detail="The database needs version 0\.2\.0 or later/);
      } finally {
        await old.close();
      }
    });
  });

  it('both versions serve side by side under load without one failure, and what is announced changes once', { timeout: 120_000 + 2 * kMixedMs }, async () => {
    const databaseUrl = await db.create();
    const provider = await startProvider();
    const make = () => makeServer({ databaseUrl, provider, env: { ANTIPHON_RATE_LIMITS: '0' } });
    const replicas = await Promise.all(Array.from({ length: 3 }, make));
    const [, , late] = replicas;
    /** Where the balancer sends requests now. */
    const served = new Set();
    const tally = { requests: 0, answers: 0 };
    let ends = false;
    try {
      await replicas[0].start();
      await replicas[1].start();
      const admin = await replicas[0].admin();
      replicas.slice(0, 2).forEach((replica) => served.add(replica));
      const pick = () => [...served][Math.floor(Math.random() * served.size)];
      const under = new Map(replicas.map((replica) => [replica, 0]));

      /** One request at a time, to whichever replica the balancer picks; anything but 200 fails the test. */
      async function call(method, path, body, look = () => {}) {
        const replica = pick();
        under.set(replica, under.get(replica) + 1);
        try {
          const client = replica.client();
          client.token = admin.token;
          tally.requests += 1;
          const { json } = await client.request(method, path, body, { expect: 200 });
          look(replica, json);
          return json;
        } finally {
          under.set(replica, under.get(replica) - 1);
        }
      }
      async function load(number) {
        for (let i = 0; !ends; i += 1) {
          const { id } = await call('POST', '/api/v1/chats/new', { chat: { title: `Chat ${number}.${i}`, models: ['numbered'] } });
          await call('POST', `/api/v1/chats/${id}`, { chat: { title: `Chat ${number}.${i}, edited` } });
          assert.equal((await call('GET', `/api/v1/chats/${id}`)).title, `Chat ${number}.${i}, edited`);
          await call('GET', '/api/v1/chats/');
          await call('DELETE', `/api/v1/chats/${id}`);
          await sleep(10);
        }
      }
      /** Answers stream through the whole of it, on a socket of the replica that is there from first to last. */
      async function talk(replica) {
        const client = replica.client();
        await client.signIn({ email: 'admin@x.io', password: 'correct horse 17' });
        const socket = await client.connect();
        while (!ends && served.has(replica)) {
          const turn = await client.ask('[[tokens=60 delay=5]]', { socket });
          turn.checkTokens(60);
          tally.answers += 1;
        }
      }
      const heard = new Map(replicas.map((replica) => [replica, []]));
      async function listen() {
        while (!ends) {
          const { antiphon, version: api } = await call('GET', '/api/version', undefined, (replica, reply) => {
            const list = heard.get(replica);
            if (list.at(-1) !== reply.antiphon) list.push(reply.antiphon);
          });
          assert.equal(api, antiphon === '0.2.0' ? '0.12.5' : '0.12.4');
          await sleep(5);
        }
      }
      const busy = [load(1), load(2), load(3), listen()];
      const failed = Promise.all(busy);
      failed.catch(() => {});
      const meanwhile = (work) => Promise.race([work, failed.then(() => work)]);

      /** Takes a replica out of the balancer, replaces it, and puts it back. */
      async function replace(replica) {
        served.delete(replica);
        await until(() => under.get(replica) === 0, { what: 'its requests are answered' });
        await sleep(50);
        await replica.terminate();
        await become(replica, nextBinary()).start();
        served.add(replica);
      }

      await meanwhile(sleep(500));
      await meanwhile(become(late, nextBinary()).start()); // Migrates while both others serve.
      served.add(late);
      const talking = [talk(late)];
      await meanwhile(sleep(kMixedMs));
      const old = heard.get(replicas[0])[0];
      for (const replica of served) assert.deepEqual(heard.get(replica), [old], 'as long as an older one serves');
      await meanwhile(replace(replicas[0]));
      await meanwhile(sleep(500));
      await meanwhile(replace(replicas[1]));
      const told = async () => (await Promise.all([...served].map(version))).every(({ antiphon }) => antiphon === '0.2.0');
      await meanwhile(until(told, { ms: 30_000, every: 100, what: 'all announce the new version' }));
      await meanwhile(sleep(500));
      ends = true;
      await failed;
      await Promise.all(talking);
      for (const [replica, list] of heard) assert.deepEqual(list, [old, '0.2.0'], `${replicas.indexOf(replica)} changes once`);
      console.log(`# both versions side by side: ${JSON.stringify(tally)}`);
      assert.ok(tally.requests > 100 && tally.answers > 1, JSON.stringify(tally));
    } finally {
      ends = true;
      await Promise.all(replicas.map((replica) => replica.close()));
      await provider.stop();
    }
  });
});

// What a start refuses, waits for and says: settings, migrations, versions.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { forEachDatabase } from '../lib/databases.mjs';
import { rows } from '../lib/rows.mjs';
import { binary, makeServer, startServer } from '../lib/server.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

async function refusal(options) {
  const server = await makeServer(options);
  try {
    return await server.startsNot();
  } finally {
    await server.close();
  }
}

describe('a start', () => {
  for (const [name, value, expected] of [
    ['PORT', 'eighty', /PORT.*eighty|PORT.*number/],
    ['PORT', '70000', /PORT/],
    ['ENABLE_SIGNUP', 'perhaps', /ENABLE_SIGNUP/],
    ['ANTIPHON_DRAIN_SECONDS', '-1', /ANTIPHON_DRAIN_SECONDS/],
    ['LOG_FORMAT', 'xml', /LOG_FORMAT.*json/],
    ['GLOBAL_LOG_LEVEL', 'loud', /GLOBAL_LOG_LEVEL.*DEBUG/],
    ['FORWARDED_ALLOW_IPS', '10.0.0.0/99', /FORWARDED_ALLOW_IPS.*10\.0\.0\.0\/99/],
    ['DATABASE_URL', 'mysql://x/y', /DATABASE_URL.*postgresql:/],
    ['ANTIPHON_TLS_CERTIFICATE', '/nowhere.pem', /ANTIPHON_TLS_CERTIFICATE|nowhere\.pem/],
  ]) {
    it(`refuses ${name}=${value} by name`, async () => {
      const said = await refusal({ env: { [name]: value } });
      assert.match(said, expected);
      assert.doesNotMatch(said, /terminate called/);
    });
  }

  it('names every wrong setting at once', async () => {
    const said = await refusal({ env: { PORT: 'x', LOG_FORMAT: 'xml' } });
    assert.match(said, /PORT/);
    assert.match(said, /LOG_FORMAT/);
  });

  it('names what it ignores and what looks misspelt, and serves', async () => {
    const env = { ENABLE_RAG_WEB_SEARCH_NOT: '1', WEBUI_SECRET_KEYY: 'x', CORS_ALLOW_ORIGINS: '*', WEBSOCKET_MANAGER: 'redis' };
    const server = await startServer({ env });
    try {
      await until(() => /info +Ready/.test(server.log), { what: 'the log, which a thread of its own writes' });
      assert.match(server.log, /WEBSOCKET_MANAGER/);
      assert.match(server.log, /CORS_ALLOW_ORIGINS/);
      assert.match(server.log, /WEBUI_SECRET_KEYY/);
      assert.doesNotMatch(server.log, /PATH\b.*(misspelt|honour)/);
    } finally {
      await server.close();
    }
  });

  it('with its standard streams closed gives their numbers to nothing else', async () => {
    const server = await startServer({ wrap: ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'] });
    try {
      for (const number of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${server.pid}/fd/${number}`), '/dev/null');
    } finally {
      await server.close();
    }
  });

  it('goes on when nobody reads its log any more, and ends as ever', async () => {
    const wrap = ['bash', '-c', 'exec "$@" 2> >(head -n 1 > /dev/null)', 'bash'];
    const server = await startServer({ wrap, env: { ANTIPHON_ACCESS_LOG: 'true' } });
    try {
      for (let i = 0; i < 5; i += 1) {
        assert.equal((await server.client().get('/api/config')).status, 200);
        await sleep(50); // Each line is written by itself, and only the second finds out that the pipe is gone.
      }
      assert.deepEqual(await server.terminate(), { code: 0, signal: null });
    } finally {
      await server.close();
    }
  });

  it('says which model servers it found on the usual ports', async () => {
    const provider = await startProvider();
    try {
      for (const [urls, said] of [
        [provider.openaiUrl, new RegExp(`Found a model server +address="${provider.openaiUrl}" +models=[1-9]`)],
        ['http://127.0.0.1:9/v1', /Found no model server: the first page asks for one/],
      ]) {
        const server = await startServer({ env: { ANTIPHON_DISCOVER_URLS: urls } });
        await until(() => said.test(server.log), { what: `${said} in the log` });
        await server.close();
      }
    } finally {
      await provider.stop();
    }
  });

  it('refuses a data folder that cannot be written, by its path', async () => {
    assert.match(await refusal({ env: { DATA_DIR: '/proc/nothing/here' } }), /\/proc\/nothing/);
  });
});

forEachDatabase((db) => {
  it('refuses a port that is taken, by its number, and lets go of all it had begun', async () => {
    const taken = createServer();
    await new Promise((settle) => taken.listen(0, '127.0.0.1', settle));
    const { port } = taken.address();
    const server = await makeServer({ databaseUrl: await db.create(), env: { PORT: String(port) } });
    try {
      assert.match(await server.startsNot(), new RegExp(`${port}`));
      assert.deepEqual(await rows(server, 'SELECT node_id FROM node'), [], 'its lease is returned');
    } finally {
      taken.close();
      await server.close();
    }
  });

  const cli = (server, ...args) => spawnSync(binary, args, { env: server.env, encoding: 'utf8', cwd: '/' });

  it('after a newer version refuses to touch the database, and says which', async () => {
    const server = await startServer({ databaseUrl: await db.create() });
    try {
      await server.terminate();
      const { DATABASE_URL: url } = server.env;
      const insert = "INSERT INTO antiphon_migration (name, kind, applied_at) VALUES ('99990101_0000_far_future', 'contract', 0)";
      if (url) (await sharedPostgres()).sql(url.split('/').at(-1), insert);
      else spawnSync('python3', ['-c', `import sqlite3\nd = sqlite3.connect('${server.dataDir}/antiphon.db')\nd.execute("${insert}")\nd.commit()`], { stdio: 'inherit' });
      const said = await server.startsNot();
      assert.match(said, /99990101_0000_far_future/);
      assert.match(said, /newer version/);
      const check = cli(server, 'check');
      assert.equal(check.status, 1);
      assert.match(check.stdout, /FAIL.*99990101_0000_far_future/);
      assert.notEqual(cli(server, 'migrate').status, 0);
    } finally {
      await server.close();
    }
  });

  it('without ENABLE_DB_MIGRATIONS waits for the schema, and serves once it is there', { timeout: 60_000 }, async () => {
    const server = await makeServer({ databaseUrl: await db.create(), env: { ENABLE_DB_MIGRATIONS: 'False' } });
    try {
      let failed = null;
      const start = server.start().catch((error) => (failed = error));
      await sleep(1500);
      assert.equal(failed, null, 'it waits');
      assert.equal(await server.isReady(), false);
      assert.match(server.log, /Waiting until the database has been upgraded/);
      const migrate = { ...server.env, ENABLE_DB_MIGRATIONS: 'True' };
      if (db.name === 'sqlite') {
        // The waiting one has the file; another is refused, so the wait ends only with it.
        const second = spawnSync(binary, ['migrate'], { env: migrate, encoding: 'utf8' });
        assert.notEqual(second.status, 0);
        assert.match(second.stderr, /in use by process/);
        await server.kill();
        await start;
        assert.equal(spawnSync(binary, ['migrate'], { env: migrate }).status, 0);
        await server.start();
      } else {
        const second = spawnSync(binary, ['migrate'], { env: migrate, encoding: 'utf8' });
        assert.equal(second.status, 0, second.stderr);
        assert.match(second.stdout, /applied .*runs/);
        await start;
        assert.equal(failed, null);
      }
      await until(() => server.isReady(), { ms: 5000, what: 'it serves' });
      assert.equal((await server.admin()).user.role, 'admin');
    } finally {
      await server.close();
    }
  });

  // SQLite takes one process only: disk.test.mjs.
  if (db.name === 'sqlite') return;
  it('with five processes at once migrates once', { timeout: 60_000 }, async () => {
    const databaseUrl = await db.create();
    const servers = await Promise.all(Array.from({ length: 5 }, () => makeServer({ databaseUrl })));
    try {
      await Promise.all(servers.map((server) => server.start()));
      const applied = await rows(servers[0], 'SELECT name FROM antiphon_migration');
      const told = servers.flatMap((server) => [...server.log.matchAll(/Upgraded the database/g)]);
      assert.equal(told.length, applied.length);
      await Promise.all(servers.map((server) => server.admin()));
      assert.equal((await rows(servers[0], `SELECT id FROM "user" WHERE role = 'admin'`)).length, 1);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });
});

// What operators type: `antiphon check`, `migrate` and `user`, on the real binary and both databases.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { binary, makeServer } from '../lib/server.mjs';

/** Runs a command with the server's environment; gives {code, out, err}. */
function run(server, words, { input = '', env = {} } = {}) {
  return new Promise((settle, fail) => {
    const child = spawn(binary, words, { env: { ...server.env, ...env }, cwd: server.dataDir });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.on('error', fail);
    child.on('close', (code) => settle({ code, out, err }));
    child.stdin.on('error', () => {}); // A command that reads nothing may be gone before it is written to.
    child.stdin.end(input);
  });
}

forEachDatabase((db) => {
  describe('the commands', () => {
    let server;
    before(async () => (server = await makeServer({ databaseUrl: await db.create() })));
    after(() => server?.close());

    it('check tells of migrations to come, migrate applies them, and check is content', async () => {
      const before = await run(server, ['check']);
      assert.equal(before.code, 0, before.out + before.err);
      assert.match(before.out, /migration\(s\) to apply/);
      const migrated = await run(server, ['migrate']);
      assert.equal(migrated.code, 0, migrated.err);
      assert.match(migrated.out, /^applied \d{8}_\d{4}_\w+$/m);
      assert.match(migrated.out, /: up to date$/m);
      const after = await run(server, ['check']);
      assert.match(after.out, /^ok +schema +current$/m);
      assert.match(after.out, /ready to serve/);
    });

    it('check names each fault once, with its cure, and fails', async () => {
      const { code, out } = await run(server, ['check'], { env: { DATABASE_URL: 'mysql://x' } });
      assert.equal(code, 1);
      assert.equal(out.split('Use sqlite:/// or postgresql://').length, 2, out);
    });

    it('check names what keeps the port from being opened', async () => {
      const taken = createServer();
      await new Promise((settle) => taken.listen(0, '127.0.0.1', settle));
      const { port } = taken.address();
      try {
        const { code, out } = await run(server, ['check'], { env: { PORT: String(port) } });
        assert.equal(code, 1, out);
        assert.match(out, new RegExp(`^FAIL +address .*:${port}: Address already in use`, 'm'));
      } finally {
        taken.close();
      }
      for (const [name, value, said] of [
        ['HOST', '192.0.2.1', /FAIL +address .*Cannot assign requested address/],
        ['FORWARDED_ALLOW_IPS', '10.0.0.0/99', /FAIL +address .*FORWARDED_ALLOW_IPS/],
        ['ANTIPHON_TLS_CERTIFICATE', binary, /FAIL +address .*TLS/],
        ['FRONTEND_BUILD_DIR', '/proc', /FAIL +web client .*index\.html/],
      ]) {
        const { code, out } = await run(server, ['check'], { env: { [name]: value } });
        assert.equal(code, 1, out);
        assert.match(out, said);
      }
    });

    it('each says why where DATA_DIR cannot be made', async () => {
      for (const words of [['check'], ['migrate'], ['user', 'list']]) {
        const { code, out, err } = await run(server, words, { env: { DATA_DIR: '/proc/nothing/here' } });
        assert.equal(code, 1, `${words}: ${err}`);
        assert.match(out + err, /\/proc\/nothing\/here cannot be made: No such file or directory/);
        assert.doesNotMatch(err, /terminate called/);
      }
    });

    it('user adds an administrator with a password from standard input, who can sign in', async () => {
      const added = await run(server, ['user', 'add', 'ops@x.io', 'Olga Ops', '--role', 'admin'], {
        input: 'not on the command line 9\n',
      });
      assert.equal(added.code, 0, added.err);
      assert.match(added.out, /^ops@x\.io: admin$/m);
      assert.doesNotMatch(added.out, /not on the command line/);
      const listed = await run(server, ['user', 'list']);
      assert.equal(listed.out, 'admin\tops@x.io\tOlga Ops\n');
      await server.start();
      const reply = await server.client().signIn({ email: 'ops@x.io', password: 'not on the command line 9' });
      assert.equal(reply.json.role, 'admin');
      await server.terminate();
    });

    it('user makes a password where none is given, and a later account has the role it was given', async () => {
      const added = await run(server, ['user', 'add', 'second@x.io', '--role', 'pending']);
      assert.equal(added.code, 0, added.err);
      assert.match(added.out, /^second@x\.io: pending\npassword: [0-9a-f]{24}$/m);
    });

    it('user refuses what it does not know, and says how it is used', async () => {
      for (const words of [['user'], ['user', 'frobnicate'], ['user', 'role', 'ops@x.io', 'king']]) {
        const { code, err } = await run(server, words);
        assert.equal(code, 1);
        assert.match(err, /antiphon user add EMAIL/);
      }
      assert.match((await run(server, ['user', 'reset-password', 'nobody@x.io'])).err, /there is no such account/);
    });

    if (db.name !== 'postgres') return;
    it('check and migrate name a right that the role of PostgreSQL lacks', async () => {
      const role = `weak_${process.pid}`;
      (await sharedPostgres()).sql('postgres', `CREATE ROLE ${role} LOGIN`);
      const env = { DATABASE_URL: (await db.create()).replace('antiphon@', `${role}@`) };
      const checked = await run(server, ['check'], { env });
      assert.equal(checked.code, 1, checked.out);
      assert.match(checked.out, /FAIL +schema .*may not make tables.*OWNER TO/);
      const migrated = await run(server, ['migrate'], { env });
      assert.equal(migrated.code, 1);
      assert.match(migrated.err, /lacks a right.*OWNER TO/);
    });
  });
});

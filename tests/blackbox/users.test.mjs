// Accounts that end: nothing of them may stay behind, and nothing goes on for them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

/** Records of what happened, kept for other processes and tokens until they are swept. */
const kRecords = ['auth_change', 'revoked', 'sign_in_failure'];

forEachDatabase((db) => {
  describe('a user who is deleted', () => {
    let provider;
    let server;
    let admin;
    let eve;
    let socket;
    let running;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { BYPASS_MODEL_ACCESS_CONTROL: 'true', ANTIPHON_RATE_LIMITS: '0' } });
      admin = await server.admin();
      eve = await server.user(admin, 'Eve');
      socket = await eve.connect();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    /** Every table that says whose its rows are: also those that come later. */
    async function tablesOfUsers() {
      const select = db.name === 'sqlite'
        ? "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'user_id'"
        : "SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'user_id' AND table_schema = 'public'";
      return (await rows(server, select)).map((row) => row.name).filter((name) => !kRecords.includes(name));
    }
    async function owned(id) {
      const counts = {};
      for (const table of await tablesOfUsers()) {
        const [{ n }] = await rows(server, `SELECT COUNT(*) AS n FROM "${table}" WHERE user_id = '${id}'`);
        if (Number(n)) counts[table] = Number(n);
      }
      return counts;
    }

    it('had chats, a link, tags, a folder, a rating and an answer under way', async () => {
      const turn = await eve.ask('Mine [[tokens=5]]', { socket });
      await eve.post(`/api/v1/chats/${turn.chatId}/tags`, { name: 'Secret' }, { expect: 200 });
      await eve.post(`/api/v1/chats/${turn.chatId}/share`, {}, { expect: 200 });
      await eve.post('/api/v1/folders/', { name: 'Plans' }, { expect: 200 });
      const rating = { type: 'rating', data: { rating: 1, model_id: 'numbered' }, meta: { chat_id: turn.chatId } };
      await eve.post('/api/v1/evaluations/feedback', rating, { expect: 200 });
      running = await eve.send('[[tokens=2000 delay=20]]', { socket });
      await running.tokens(5);
      const counts = await owned(eve.user.id);
      for (const table of ['chat', 'chat_message', 'shared_chat', 'tag', 'chat_tag', 'folder', 'feedback', 'run']) {
        assert.ok(counts[table] > 0, `${table}: ${JSON.stringify(counts)}`);
      }
    });

    it('leaves no row behind, in any table', async () => {
      const id = eve.user.id;
      await admin.delete(`/api/v1/users/${id}`, { expect: 200 });
      assert.deepEqual(await until(async () => {
        const counts = await owned(id);
        return Object.keys(counts).length === 0 && counts;
      }, { ms: 5000, what: 'nothing of the user is left' }), {});
      // What was appended at the very moment is swept a second later.
      const strays = 'SELECT COUNT(*) AS n FROM run_event WHERE run_id NOT IN (SELECT run_id FROM run)';
      await until(async () => Number((await rows(server, strays))[0].n) === 0, { what: 'nothing is left in the log' });
    });

    it('is signed out everywhere, and the provider writes no more for them', async () => {
      assert.equal((await eve.get('/api/v1/chats/')).status, 401);
      await until(() => !socket.connected, { ms: 2000, what: 'the socket is closed' });
      const call = provider.calls.find((one) => JSON.stringify(one.messages).includes('tokens=2000'));
      await until(() => call.closedAt, { ms: 2000, what: 'the provider connection is closed' });
      assert.equal(call.closedBy, 'client');
    });

    it('leaves no row behind of what is being asked for meanwhile', async () => {
      const socket = { id: 'none', on() {}, off() {} };
      const writes = [
        (user) => user.post('/api/v1/chats/new', { chat: { title: 'Late', history: { messages: {}, currentId: null } } }),
        (user) => user.post('/api/v1/folders/', { name: randomUUID() }),
        (user) => user.post('/api/v1/evaluations/feedback', { type: 'rating', data: { rating: 1, model_id: 'numbered' } }),
        (user) => user.post('/api/chat/completions', user.prepare('Late [[tokens=2]]', { socket }).body),
        (user) => user.post('/api/v1/users/user/settings/update', { ui: { theme: randomUUID() } }),
      ];
      for (let round = 0; round !== 6; round += 1) {
        const user = await server.user(admin, `Late${round}`);
        let made = 0;
        const statuses = new Set();
        const write = async (i) => {
          for (let n = i; ; n += 1) {
            const { status } = await writes[n % writes.length](user);
            statuses.add(status);
            if (status === 200) made += 1;
            if (status === 401) return;
          }
        };
        const writing = Promise.all(Array.from({ length: 20 }, (_, i) => write(i)));
        await until(() => made > 20, { what: 'rows are being made' });
        await admin.delete(`/api/v1/users/${user.user.id}`, { expect: 200 });
        await writing;
        assert.ok([...statuses].every((status) => status < 500), [...statuses].join(' '));
        assert.deepEqual(await owned(user.user.id), {});
      }
      // What was appended at the very moment is swept a second later.
      const strays = 'SELECT COUNT(*) AS n FROM run_event WHERE run_id NOT IN (SELECT run_id FROM run)';
      await until(async () => Number((await rows(server, strays))[0].n) === 0, { what: 'nothing is left in the log' });
    });

    it('is left no grant that is being given meanwhile', async () => {
      const folders = await Promise.all(Array.from({ length: 8 }, async (_, i) => (await admin.post('/api/v1/folders/', { name: `Ours ${i}` }, { expect: 200 })).json.id));
      for (let round = 0; round !== 6; round += 1) {
        const { id } = (await server.user(admin, `Guest${round}`)).user;
        const access_grants = [{ principal_type: 'user', principal_id: id, permission: 'read' }];
        let gone = false;
        let given = 0;
        const sharing = Promise.all(folders.map(async (folder) => {
          while (!gone) {
            await admin.post(`/api/v1/folders/${folder}/access/update`, { access_grants }, { expect: 200 });
            given += 1;
          }
        }));
        await until(() => given > 20, { what: 'it is being shared' });
        await admin.delete(`/api/v1/users/${id}`, { expect: 200 });
        gone = true;
        await sharing;
        assert.deepEqual(await rows(server, `SELECT resource_id FROM access_grant WHERE principal_id = '${id}'`), []);
      }
    });

    it('takes nothing of others along', async () => {
      const mine = await admin.connect();
      const turn = await admin.ask('Still here [[tokens=3]]', { socket: mine });
      const bob = await server.user(admin, 'Bob');
      await admin.delete(`/api/v1/users/${bob.user.id}`, { expect: 200 });
      assert.equal((await admin.message(turn.chatId, turn.messageId)).done, true);
    });
  });

  it("a user's activity is counted by the days of their time zone", async () => {
    const server = await startServer({ databaseUrl: await db.create() });
    try {
      const admin = await server.admin();
      const last = async () => (await admin.get('/api/v1/users/usage?days=7&end_date=1699956000')).json.heatmap.at(-1).date; // 10:00 in UTC.
      assert.equal(await last(), '2023-11-14');
      for (const [timezone, date] of [['Pacific/Kiritimati', '2023-11-15'], ['Pacific/Pago_Pago', '2023-11-13'], ['Mars/Olympus', '2023-11-14']]) {
        await admin.post('/api/v1/auths/update/timezone', { timezone }, { expect: 200 });
        assert.equal(await last(), date, timezone);
      }
    } finally {
      await server.close();
    }
  });

  // Another replica's changes were swept before this process saw them: it knows only that it missed some. SQLite has one process.
  if (db.name === 'postgres') {
    it('a change of accounts that was missed closes sockets within seconds, and no others', async () => {
      const server = await startServer({ databaseUrl: await db.create() });
      try {
        const admin = await server.admin();
        const [ida, jan] = [await server.user(admin, 'Ida'), await server.user(admin, 'Jan')];
        const [gone, stays] = [await ida.connect({ reconnection: false }), await jan.connect({ reconnection: false })];
        await sleep(2500); // A new socket is looked at within a second anyway, and then not for half a minute.
        const revoke = `UPDATE auth SET session_stamp = 'another' WHERE id = '${ida.user.id}'`;
        (await sharedPostgres()).sql(server.env.DATABASE_URL.split('/').at(-1), `${revoke}; UPDATE cluster SET auth_version = auth_version + 5`);
        await until(() => !gone.connected, { ms: 5000, what: 'the socket is closed' });
        assert.equal((await ida.get('/api/v1/chats/')).status, 401);
        assert.equal(stays.connected, true);
        assert.equal((await jan.get('/api/v1/chats/')).status, 200);
      } finally {
        await server.close();
      }
    });
  }
});

// What is told of how models are used: to administrators all of it, to everybody their own chats without the words.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

const kAnalytics = '/api/v1/analytics';

forEachDatabase((db) => {
  describe('analytics', () => {
    let provider;
    let server;
    let admin;
    let bob;
    let turn;
    before(async () => {
      provider = await startProvider();
      const env = { BYPASS_MODEL_ACCESS_CONTROL: 'true', ANTIPHON_RATE_LIMITS: '0' };
      server = await startServer({ provider, databaseUrl: await db.create(), env });
      admin = await server.admin();
      bob = await server.user(admin, 'Bob');
      turn = await bob.ask('A word of Bob [[tokens=5]]', { socket: await bob.connect() });
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    const get = async (path) => (await admin.get(kAnalytics + path, { expect: 200 })).json;

    it('counts an answer by model, user, token and day', async () => {
      assert.deepEqual(await get('/models'), { models: [{ model_id: 'numbered', count: 1, unique_users: 1, unique_chats: 1 }] });
      const [user] = (await get('/users')).users;
      assert.deepEqual([user.user_id, user.name, user.count], [bob.user.id, 'Bob', 1]);
      assert.ok(user.input_tokens > 0 && user.output_tokens > 0);
      assert.equal((await get('/tokens')).total_tokens, user.total_tokens);
      assert.deepEqual(await get('/summary'), { total_messages: 1, total_chats: 1, total_models: 1, total_users: 1 });
      const { data } = await get('/daily');
      assert.equal(data.length, 30);
      assert.deepEqual(data.at(-1).models, { numbered: 1 });
      const { chats, total } = await get('/models/numbered/chats');
      assert.deepEqual([chats[0].chat_id, chats[0].user_name, total], [turn.chatId, 'Bob', 1]);
      assert.match(chats[0].first_message, /A word of Bob/);
      assert.equal((await get('/messages')).length, 2);
      await bob.post('/api/v1/evaluations/feedback', { type: 'rating', data: { rating: 1, model_id: 'numbered' }, meta: {} }, { expect: 200 });
      assert.equal((await get('/models/numbered/overview?days=7')).history.at(-1).won, 1);
      assert.equal((await bob.get(`${kAnalytics}/summary`)).status, 401);
      assert.equal((await bob.get('/api/config')).json.features.enable_admin_analytics, true);
    });

    it('gives everybody the statistics of his own chats, without a word of them', async () => {
      const reply = await bob.get('/api/v1/chats/stats/export', { expect: 200 });
      assert.doesNotMatch(reply.text, /A word of Bob/);
      const { items, total, page, type } = reply.json;
      assert.deepEqual([total, page, type, items[0].id], [1, 1, 'chats', turn.chatId]);
      const { messages, currentId } = items[0].chat.history;
      assert.equal(messages[currentId].model, 'numbered');
      assert.ok(messages[currentId].token_count > 0);
      assert.deepEqual((await bob.get(`/api/v1/chats/stats/export/${turn.chatId}`, { expect: 200 })).json, items[0]);
      const lines = (await bob.get('/api/v1/chats/stats/export?stream=true', { expect: 200 })).text.trim().split('\n');
      assert.deepEqual(lines.map((line) => JSON.parse(line)), items);
      assert.equal((await admin.get('/api/v1/chats/stats/export', { expect: 200 })).json.total, 0, 'an administrator gets his own');
    });
  });

  it('nothing is told where it is turned off', async () => {
    const env = { ENABLE_ADMIN_ANALYTICS: 'false', ENABLE_COMMUNITY_SHARING: 'false' };
    const server = await startServer({ databaseUrl: await db.create(), env });
    try {
      const admin = await server.admin();
      const bob = await server.user(admin, 'Bob');
      assert.equal((await admin.get(`${kAnalytics}/summary`)).status, 404);
      assert.equal((await admin.get('/api/config')).json.features.enable_admin_analytics, false);
      assert.equal((await bob.get('/api/v1/chats/stats/export')).status, 401);
    } finally {
      await server.close();
    }
  });
});

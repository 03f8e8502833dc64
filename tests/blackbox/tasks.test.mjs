// Titles, tags and follow-ups, whatever the model says; and the same chores as calls of their own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

describe('with the built-in demonstration model', () => {
  let server;
  let admin;
  before(async () => {
    server = await startServer();
    admin = await server.admin();
  });
  after(() => server?.close());

  it('a chat is named by its first question, and nothing senseless is shown', async () => {
    const socket = await admin.connect();
    const { json } = await admin.get('/api/models', { expect: 200 });
    const turn = await admin.send('\n\n  How tall is Mont Blanc?  \nIn metres.', { socket, model: json.data[0].id, tasks: true });
    const chat = await until(async () => {
      const read = await admin.chat(turn.chatId);
      return read.title !== 'New Chat' && read;
    }, { ms: 10_000 });
    assert.equal(chat.title, 'How tall is Mont Blanc?');
    await turn.done();
    await until(async () => (await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids.length === 0);
    const after = await admin.chat(turn.chatId);
    assert.equal(after.title, 'How tall is Mont Blanc?');
    assert.deepEqual(after.meta.tags ?? [], []);
    assert.equal(after.chat.history.messages[turn.messageId].followUps, undefined);
  });
});

forEachDatabase((db) => {
  describe('chores', () => {
    let provider;
    let server;
    let admin;
    let user;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { BYPASS_MODEL_ACCESS_CONTROL: 'true' } });
      admin = await server.admin();
      user = await server.user(admin, `Una${db.name}`);
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    const chore = (client, name, more = {}) =>
      client.post(`/api/v1/tasks/${name}/completions`, { model: 'numbered', messages: [{ role: 'user', content: 'Hello' }], ...more });

    it('are calls of their own, in the provider\'s shape', async () => {
      for (const [name, key] of [['title', 'title'], ['tags', 'tags'], ['follow_up', 'follow_ups'], ['queries', 'queries']]) {
        const reply = await chore(user, name);
        assert.equal(reply.status, 200, reply.text);
        assert.match(reply.json.choices[0].message.content, new RegExp(`"${key}"`), name);
      }
      const merged = await chore(user, 'moa', { prompt: 'Why?', responses: ['A', 'B'], stream: true });
      assert.match(merged.text, /^data: \{/);
      assert.ok(merged.text.trimEnd().endsWith('data: [DONE]'));
    });

    it('follow the administrator, who alone may change them, for answers too', async () => {
      const form = { ENABLE_TITLE_GENERATION: false, ENABLE_TAGS_GENERATION: false, TAGS_GENERATION_PROMPT_TEMPLATE: 'Say "tags" of {{MESSAGES}}' };
      assert.equal((await user.post('/api/v1/tasks/config/update', form)).status, 401);
      const { json } = await admin.post('/api/v1/tasks/config/update', form, { expect: 200 });
      assert.equal(json.ENABLE_TITLE_GENERATION, false);
      assert.equal((await user.get('/api/v1/tasks/config', { expect: 200 })).json.ENABLE_TAGS_GENERATION, false);
      assert.equal((await user.get('/api/config')).json.features.enable_title_generation, false);
      assert.deepEqual((await chore(user, 'title')).json, { detail: 'Title generation is disabled' });
      const socket = await user.connect();
      const calls = provider.calls.length;
      const turn = await user.ask('Named by me [[tokens=3]]', { socket, tasks: true });
      await until(() => turn.types.includes('chat:message:follow_ups'), { ms: 10_000 });
      assert.equal((await user.chat(turn.chatId)).title, 'Named by me [[tokens=3]]');
      assert.deepEqual(provider.calls.slice(calls).map((call) => call.task).filter(Boolean), ['follow_ups']);
    });

    it('keep ratings: made, changed, listed for administrators, in the leaderboard', async () => {
      const form = { type: 'rating', data: { rating: 1, model_id: 'numbered', sibling_model_ids: ['reasoner'] }, meta: { message_id: 'm' } };
      const { json } = await user.post('/api/v1/evaluations/feedback', form, { expect: 200 });
      const changed = await user.post(`/api/v1/evaluations/feedback/${json.id}`, { ...form, data: { ...form.data, reason: 'clear' } }, { expect: 200 });
      assert.equal(changed.json.data.reason, 'clear');
      const list = (await admin.get('/api/v1/evaluations/feedbacks/list?page=1', { expect: 200 })).json;
      assert.deepEqual([list.total, list.items[0].user.id], [1, user.user.id]);
      const board = (await admin.get('/api/v1/evaluations/leaderboard', { expect: 200 })).json.entries;
      assert.deepEqual(board.map((entry) => [entry.model_id, entry.won, entry.lost]), [['numbered', 1, 0], ['reasoner', 0, 1]]);
      const days = (await admin.get('/api/v1/evaluations/leaderboard/numbered/history?days=3', { expect: 200 })).json.history;
      assert.deepEqual(days.map((day) => day.won), [0, 0, 1]);
      assert.equal((await user.get('/api/v1/evaluations/feedbacks/list')).status, 401);
    });
  });
});

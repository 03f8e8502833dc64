// A real model server: llama.cpp's, on a model that counts, so that a lost or doubled token shows here too.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startLlama } from '../lib/llama.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

/** How far a text of " t0 t1 t2 …" counts; fails at a hole or a repeat. */
function counted(text) {
  const numbers = text.trim().split(' ').filter(Boolean);
  numbers.forEach((word, i) => assert.equal(word, `t${i}`, `${JSON.stringify(text.slice(0, 200))} at word ${i}`));
  return numbers.length;
}

/** A long answer, which only a stop ends in time. */
const kLong = { body: { params: { max_tokens: 15_000 } } };

describe("llama.cpp's server", () => {
  let llama;
  before(async () => (llama = await startLlama()));
  after(() => llama?.stop());

  forEachDatabase((db) => {
    let server;
    let admin;
    let socket;
    before(async () => {
      server = await startServer({ provider: llama, databaseUrl: await db.create() });
      admin = await server.admin();
      socket = await admin.connect();
    });
    after(() => server?.close());

    const options = (count, more = {}) => ({ socket, model: llama.model, body: { params: { max_tokens: count }, stream_options: { include_usage: true } }, ...more });

    it('has its model listed', async () => {
      const { json } = await admin.get('/api/models', { expect: 200 });
      assert.deepEqual(json.data.map((model) => model.id), [llama.model]);
      assert.equal(json.data[0].owned_by, 'openai');
    });

    it('gives programs a whole answer, and a stream', async () => {
      const body = { model: llama.model, max_tokens: 12, messages: [{ role: 'user', content: 'Count' }] };
      const { json } = await admin.post('/api/chat/completions', { ...body, stream: false }, { expect: 200 });
      assert.equal(counted(json.choices[0].message.content), 12);
      assert.equal(json.usage.completion_tokens, 12);
      const { text } = await admin.post('/api/chat/completions', { ...body, stream: true }, { expect: 200 });
      const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
      assert.equal(counted(lines.map((line) => JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '').join('')), 12);
      assert.match(text, /data: \[DONE\]\s*$/);
    });

    it('streams a turn through log and socket, every token once', async () => {
      const turn = await admin.ask('Count to five hundred', options(500));
      assert.equal(counted(turn.deltaText), 500);
      assert.equal(turn.text, turn.deltaText);
      assert.equal(turn.error, null);
      assert.equal(turn.usage.completion_tokens, 500);
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.content, turn.text);
      assert.equal(message.done, true);
    });

    it('answers by its Responses API too, which has no background', async () => {
      const { json } = await admin.get('/openai/config', { expect: 200 });
      const choose = (api_type) => {
        const configs = { 0: { ...json.OPENAI_API_CONFIGS['0'], enable: true, api_type, background: true } };
        return admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: configs }, { expect: 200 });
      };
      await choose('responses');
      try {
        const turn = await admin.ask('Count to a hundred', options(100));
        assert.equal(turn.error, null);
        assert.equal(counted(turn.text), 100);
        assert.equal(turn.usage.completion_tokens, 100);
        const more = await admin.ask('And on', options(50, { chatId: turn.chatId, parentId: turn.messageId }));
        assert.equal(counted(more.text), 50);
        const { json: whole } = await admin.post('/api/chat/completions', { model: llama.model, max_tokens: 12, stream: false, messages: [{ role: 'user', content: 'Count' }] }, { expect: 200 });
        assert.equal(counted(whole.choices[0].message.content), 12);
        const long = await admin.send('Count on', { socket, model: llama.model, ...kLong });
        await until(() => long.deltaText.length > 100, { ms: 20_000, every: 5 });
        await admin.stop(long.chatId);
        await until(async () => (await llama.busy()) === 0, { ms: 3000, every: 10, what: 'the model rests' });
        await long.done(2000);
      } finally {
        await choose('chat_completions');
      }
    });

    it('is let go within a second of a stop', async () => {
      const turn = await admin.send('Count on', { socket, model: llama.model, ...kLong });
      await until(() => turn.deltaText.length > 100, { ms: 20_000, every: 5, what: 'some text' });
      assert.equal(await llama.busy(), 1);
      const at = performance.now();
      await admin.stop(turn.chatId);
      await until(async () => (await llama.busy()) === 0, { ms: 3000, every: 10, what: 'the model rests' });
      assert.ok(performance.now() - at < 1000, `${performance.now() - at} ms`);
      await turn.done(2000);
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.done, true);
      assert.ok(counted(message.content) >= counted(turn.text) && counted(message.content) < 15_000);
    });

    it('goes on where a stopped answer ended', async () => {
      const turn = await admin.send('Count on', { socket, model: llama.model, ...kLong });
      await until(() => turn.deltaText.length > 100, { ms: 20_000, every: 5 });
      await admin.stop(turn.chatId);
      await turn.done(2000);
      const before = counted(turn.text);
      const more = await admin.ask('Count on', options(50, { chatId: turn.chatId, userId: turn.userId, continueId: turn.messageId }));
      assert.equal(counted(more.text), before + 50);
    });

    it('answers again: a second answer beside the first', async () => {
      const first = await admin.ask('Count to twenty', options(20));
      const again = await admin.ask('Count to twenty', options(30, { chatId: first.chatId, userId: first.userId }));
      assert.equal(counted(again.text), 30);
      const { messages, currentId } = (await admin.chat(first.chatId)).chat.history;
      assert.deepEqual(messages[first.userId].childrenIds, [first.messageId, again.messageId]);
      assert.equal(currentId, again.messageId);
      assert.equal(counted(messages[first.messageId].content), 20);
    });

    it('is asked for a title, and the chat has one though this model cannot write any', async () => {
      const turn = await admin.ask('What is a title?', options(10, { tasks: true }));
      const named = async () => (await admin.chat(turn.chatId)).title;
      await until(async () => (await named()) !== 'New Chat', { ms: 30_000, every: 100, what: 'a title' });
      assert.equal(await named(), 'What is a title?');
      await until(async () => (await llama.busy()) === 0, { ms: 30_000, every: 100, what: 'the model rests' });
    });

    it('is found by itself where nothing is configured, and replaces the demonstration', async () => {
      const env = { OPENAI_API_BASE_URL: undefined, ANTIPHON_DISCOVER_URLS: 'http://127.0.0.1:9/v1' };
      const alone = await startServer({ databaseUrl: await db.create(), env });
      try {
        const first = await (await alone.admin()).get('/api/models', { expect: 200 });
        assert.deepEqual(first.json.data.map((model) => model.name), ['Demonstration (no real model)']);
      } finally {
        await alone.close();
      }
      const urls = `http://127.0.0.1:9/v1;${llama.openaiUrl}`;
      const found = await startServer({ databaseUrl: await db.create(), env: { ...env, ANTIPHON_DISCOVER_URLS: urls } });
      try {
        const me = await found.admin();
        const { json } = await me.get('/api/models', { expect: 200 });
        assert.deepEqual(json.data.map((model) => model.id), [llama.model]);
        const turn = await me.ask('Count', options(40, { socket: await me.connect() }));
        assert.equal(counted(turn.text), 40);
      } finally {
        await found.close();
      }
    });
  });
});

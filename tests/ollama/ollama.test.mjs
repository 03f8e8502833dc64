// Ollama itself: its native protocol, on a model that counts, so that a lost or doubled token shows. Opt-in: make ollama.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startOllama } from '../lib/ollama.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

/** How far a text of " t0 t1 t2 …" counts; fails at a hole or a repeat. */
function counted(text) {
  const numbers = text.trim().split(' ').filter(Boolean);
  numbers.forEach((word, i) => assert.equal(word, `t${i}`, `${JSON.stringify(text.slice(0, 200))} at word ${i}`));
  return numbers.length;
}

describe('Ollama', () => {
  let ollama;
  before(async () => (ollama = await startOllama()));
  after(() => ollama?.stop());

  forEachDatabase((db) => {
    let server;
    let admin;
    let socket;
    before(async () => {
      const env = { ENABLE_OLLAMA_API: 'true', OLLAMA_BASE_URL: ollama.url, OPENAI_API_BASE_URL: undefined };
      server = await startServer({ databaseUrl: await db.create(), env });
      admin = await server.admin();
      socket = await admin.connect();
    });
    after(() => server?.close());

    const options = (count, more = {}) => ({ socket, model: ollama.model, body: { params: { max_tokens: count } }, ...more });

    it('has its model listed, in both shapes', async () => {
      const { json } = await admin.get('/api/models', { expect: 200 });
      assert.deepEqual(json.data.map((model) => model.id), [ollama.model]);
      assert.equal(json.data[0].owned_by, 'ollama');
      const tags = (await admin.get('/ollama/api/tags', { expect: 200 })).json.models;
      assert.deepEqual(tags.map((model) => model.model), [ollama.model]);
      assert.equal(tags[0].details.family, 'llama');
    });

    it('tells its version and describes its model', async () => {
      assert.match((await admin.get('/ollama/api/version', { expect: 200 })).json.version, /^\d+\.\d+/);
      const { json } = await admin.post('/ollama/api/show', { model: ollama.model }, { expect: 200 });
      assert.equal(json.details.format, 'gguf');
      assert.match(json.modelfile, /num_ctx 16384/);
    });

    it('streams a turn through log and socket, every token once', async () => {
      const turn = await admin.ask('Count', options(200));
      assert.equal(counted(turn.deltaText), 200);
      assert.equal(turn.text, turn.deltaText);
      assert.equal(turn.usage.completion_tokens, 200);
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.content, turn.text);
      assert.equal(message.done, true);
    });

    it('is let go within a second of a stop', async () => {
      const turn = await admin.send('Count on', options(15_000));
      await until(() => turn.deltaText.length > 100, { ms: 20_000, every: 5, what: 'some text' });
      await admin.stop(turn.chatId);
      const at = performance.now();
      await turn.done(2000);
      // It logs a request when it is over.
      await until(() => /"?POST"?\s+"?\/api\/chat/.test(ollama.log.slice(-400)), { ms: 3000, every: 20, what: 'Ollama ends the request' });
      assert.ok(performance.now() - at < 1000 + 500, `${performance.now() - at} ms`);
      const { content } = await admin.message(turn.chatId, turn.messageId);
      assert.ok(counted(content) < 15_000);
      assert.equal(counted((await admin.ask('Again', options(20))).text), 20, 'it is free for others');
    });

    it('answers again, and goes on with a stopped answer', async () => {
      const first = await admin.ask('Count to twenty', options(20));
      const again = await admin.ask('Count to twenty', options(30, { chatId: first.chatId, userId: first.userId }));
      assert.equal(counted(again.text), 30);
      const { messages } = (await admin.chat(first.chatId)).chat.history;
      assert.deepEqual(messages[first.userId].childrenIds, [first.messageId, again.messageId]);
    });

    it('answers programs in its own shape and in OpenAI\'s', async () => {
      const messages = [{ role: 'user', content: 'Count' }];
      const native = await admin.post('/ollama/api/chat', { model: ollama.model, messages, stream: false, options: { num_predict: 8 } }, { expect: 200 });
      assert.equal(counted(native.json.message.content), 8);
      const openai = await admin.post('/api/chat/completions', { model: ollama.model, messages, stream: false, max_tokens: 8 }, { expect: 200 });
      assert.equal(counted(openai.json.choices[0].message.content), 8);
      const stream = await admin.post('/ollama/api/chat', { model: ollama.model, messages, stream: true, options: { num_predict: 8 } }, { expect: 200 });
      const lines = stream.text.trim().split('\n').map((line) => JSON.parse(line));
      assert.equal(counted(lines.map((line) => line.message.content).join('')), 8);
      assert.equal(lines.at(-1).done, true);
    });

    it('shows what it has in memory, and forgets it when told to', async () => {
      await admin.ask('Count', options(5));
      const running = async () => {
        const { json } = await admin.get('/ollama/api/ps', { expect: 200 });
        return JSON.stringify(json).includes(ollama.model);
      };
      assert.equal(await running(), true);
      await admin.post('/ollama/api/unload', { model: ollama.model }, { expect: 200 });
      await until(async () => !(await running()), { ms: 10_000, every: 100, what: 'the model is unloaded' });
    });

    it('passes on why it cannot pull a model, and that a model is not there', async () => {
      const pull = await admin.post('/ollama/api/pull', { model: '127.0.0.1:9/nobody/nothing' });
      assert.match(pull.text, /error|detail/);
      assert.match(pull.text, /pull|connect|refused/);
      const gone = await admin.request('DELETE', '/ollama/api/delete', { model: 'nosuch:latest' });
      assert.ok(gone.status >= 400 && gone.status < 500, `${gone.status} ${gone.text}`);
    });

    it('names the chat though this model cannot write a title', async () => {
      const turn = await admin.ask('What is a title?', options(10, { tasks: true }));
      await until(async () => (await admin.chat(turn.chatId)).title === 'What is a title?', { ms: 60_000, every: 200, what: 'a title' });
    });
  });
});

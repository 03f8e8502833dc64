// Completions for programs: what the provider says is passed on, refusals too, in the shape the program knows.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

forEachDatabase((db) => {
  describe('a program', () => {
    let provider;
    let server;
    let admin;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create() });
      admin = await server.admin();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    const body = (content, more = {}) => ({ model: 'numbered', stream: false, messages: [{ role: 'user', content }], ...more });
    const kComplete = '/api/chat/completions';

    it("gets the provider's own answer, whole and streamed", async () => {
      const whole = await admin.post(kComplete, body('Hi [[tokens=3]]'), { expect: 200 });
      assert.match(whole.json.choices[0].message.content, /^#\d+ t0 t1 t2$/);
      assert.equal(whole.json.usage.completion_tokens, 3);
      const streamed = await admin.post(kComplete, body('Hi [[tokens=3]]', { stream: true }), { expect: 200 });
      assert.equal(streamed.headers.get('content-type'), 'text/event-stream');
      assert.match(streamed.text, / t2"/);
      assert.ok(streamed.text.endsWith('data: [DONE]\n\n'));
    });

    it("gets the provider's own refusal, with its status", async () => {
      for (const stream of [false, true]) {
        const { json } = await admin.post(kComplete, body('[[refuse=429 message="slow down"]]', { stream }), { expect: 429 });
        assert.deepEqual(json.error, { message: 'slow down', type: 'provider_error', code: '429' });
      }
    });

    it('is told of a model that is not there with 400', async () => {
      await admin.post(kComplete, body('Hi', { model: 'none' }), { expect: 400 });
      await admin.post('/api/v1/messages', body('Hi', { model: 'none', max_tokens: 9 }), { expect: 400 });
    });

    it("gets errors in Anthropic's shape where it speaks that", async () => {
      const { json } = await admin.post('/api/v1/messages', body('[[refuse=429 message="slow down"]]', { max_tokens: 9 }), { expect: 429 });
      assert.equal(json.type, 'error');
      assert.deepEqual(json.error, { type: 'rate_limit_error', message: 'slow down' });
    });

    it('gets the answer, and where it is kept, when it gives a message id and no session', async () => {
      const kept = body('Keep me [[tokens=4]]', {
        parent_id: null,
        id: crypto.randomUUID(),
        user_message: { id: crypto.randomUUID(), parentId: null, childrenIds: [], role: 'user', content: 'Keep me [[tokens=4]]' },
      });
      const { json } = await admin.post(kComplete, kept, { expect: 200 });
      const message = await admin.message(json.chat_id, kept.id);
      assert.equal(json.choices[0].message.content, message.content);
      assert.match(message.content, / t3$/);
      assert.equal(json.usage.completion_tokens, 4);
    });

    it('leaves the model when it goes itself', async () => {
      const gone = AbortSignal.timeout(300);
      await assert.rejects(admin.post(kComplete, body('[[tokens=2000 delay=10]]', { stream: true }), { signal: gone }));
      const call = provider.calls.at(-1);
      const end = Date.now() + 2000;
      while (!call.closedAt && Date.now() < end) await new Promise((settle) => setTimeout(settle, 20));
      assert.equal(call.closedBy, 'client');
    });
  });
});

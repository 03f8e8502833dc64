// What a provider can do wrong, and that the answer then says so, ends, and keeps its tokens.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

forEachDatabase((db) => {
  describe('a provider', () => {
    let provider;
    let server;
    let admin;
    let socket;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create() });
      admin = await server.admin();
      socket = await admin.connect();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    const ask = (content, options) => admin.ask(content, { socket, ...options });

    /** The end every fault must have: done, with an error, and the tokens that came. */
    async function checkFault(turn, tokens) {
      assert.ok(turn.error, 'the client is told');
      const message = await until(async () => {
        const read = await admin.message(turn.chatId, turn.messageId);
        return read.done && read;
      });
      assert.ok(message.error?.content, JSON.stringify(message));
      if (tokens) assert.equal(readTokens(message.content).count, tokens);
      assert.equal(JSON.stringify(message).includes(provider.url), false, 'no address inside an error');
    }

    it('that refuses is quoted', async () => {
      const turn = await ask('[[refuse=429 message="slow down"]]');
      await checkFault(turn, 0);
      assert.match(JSON.stringify(turn.error), /slow down/);
      assert.equal(provider.answers.length, 1, 'a refusal is not repeated');
    });

    it('that breaks the connection loses no token', async () => checkFault(await ask('[[tokens=40 delay=5 break=25]]'), 25));

    it('that reports an error inside the stream loses no token', async () => {
      const turn = await ask('[[tokens=40 delay=5 error=25 message="boom"]]');
      await checkFault(turn, 25);
      assert.match(JSON.stringify(turn.error), /boom/);
    });

    it('that ends without saying so still ends the answer', async () => {
      const turn = await ask('[[tokens=40 delay=5 cut=25]]');
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.done, true);
      assert.equal(readTokens(message.content).count, 25);
    });

    it('that sends a malformed line loses nothing else', async () => {
      (await ask('[[tokens=10 malformed=4]]')).checkTokens(10);
    });

    it('may cut its bytes anywhere, with CRLF and comments', async () => {
      (await ask('[[tokens=20 split=7 crlf=1 comment=1]]')).checkTokens(20);
    });

    it('may send very fast', async () => (await ask('[[tokens=5000 delay=0]]')).checkTokens(5000));

    it('may pause', async () => (await ask('[[tokens=10 stall=5 stallms=1500]]')).checkTokens(10));

    it('that repeats a token is passed on as it is', async () => {
      const turn = await ask('[[tokens=5 repeat=2]]');
      assert.match(turn.text, / t2 t2 t3/);
    });

    it('may send one huge token', async () => {
      const turn = await ask('[[tokens=2 huge=300000]]');
      assert.ok(turn.text.length > 300_000);
      assert.equal((await admin.message(turn.chatId, turn.messageId)).content.length, turn.text.length);
    });

    for (const field of ['reasoning_content', 'reasoning', 'thinking']) {
      it(`sends reasoning in ${field}, apart from the text`, async () => {
        const turn = await ask(`[[tokens=5 reasoning=4 field=${field} delay=3]]`);
        assert.equal(turn.reasoning, 'r0 r1 r2 r3');
        turn.checkTokens(5);
        const [reasoning, message] = (await admin.message(turn.chatId, turn.messageId)).output;
        assert.deepEqual([reasoning.type, message.type], ['reasoning', 'message']);
        assert.equal(reasoning.status, 'completed');
      });
    }

    it('sends reasoning in think tags cut into pieces, apart from the text', async () => {
      const turn = await ask('[[tokens=5 think=4 delay=3]]');
      assert.equal(turn.reasoning.trim(), 'r0 r1 r2 r3');
      assert.equal(readTokens(turn.text.trim()).count, 5);
      assert.equal((await admin.message(turn.chatId, turn.messageId)).content.includes('think'), false);
    });

    it('calls a tool of the server and gets its result', async () => {
      const turn = await ask('[[tokens=5 tool=get_current_timestamp delay=2]]');
      const types = turn.output.items.map((item) => item.type);
      assert.deepEqual(types, ['function_call', 'function_call_output', 'message']);
      const calls = provider.answers.slice(-2);
      assert.ok(calls[0].body.tools.some((tool) => tool.function.name === 'get_current_timestamp'));
      const [asked, result] = calls[1].messages.slice(-2);
      assert.equal(asked.tool_calls[0].function.name, 'get_current_timestamp');
      assert.equal(result.role, 'tool');
      assert.equal(result.tool_call_id, asked.tool_calls[0].id);
      assert.match(result.content, /1\d{9}/);
    });

    it('that calls an unknown tool is told so and may answer', async () => {
      const turn = await ask('[[tokens=5 tool=no_such_tool delay=2]]');
      assert.equal(readTokens(turn.text).count, 5);
    });

    it('that gives garbage for a title leaves the chat with one', async () => {
      const turn = await ask('A plain question [[tokens=3 task=garbage]]', { tasks: true });
      await until(async () => (await admin.chat(turn.chatId)).title !== 'New Chat', { ms: 10_000 });
    });

    it('that fails once for the list of models does not shrink it', async () => {
      const ids = async () => (await admin.get('/api/models?refresh=true', { expect: 200 })).json.data.length;
      const before = await ids();
      provider.state.modelsStatus = 500;
      assert.equal(await ids(), before);
      provider.state.modelsStatus = 200;
    });
  });

  describe('a provider that says nothing', () => {
    let provider;
    let server;
    let admin;
    let socket;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { AIOHTTP_CLIENT_STREAM_IDLE_TIMEOUT: '2', BYPASS_MODEL_ACCESS_CONTROL: 'true' } });
      admin = await server.admin();
      socket = await admin.connect();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    for (const [title, directives, tokens] of [
      ['from the first byte on', 'hang=1', 0],
      ['any more in the middle', 'tokens=40 delay=5 stall=25', 25],
    ]) {
      it(`${title} is given up after the time that is set, and let go`, async () => {
        const at = performance.now();
        const turn = await admin.ask(`[[${directives}]]`, { socket });
        const took = performance.now() - at;
        assert.ok(took > 1800 && took < 6000, `${took} ms`);
        assert.ok(turn.error);
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.equal(message.done, true);
        assert.match(message.error.content, /[a-z]{3}/);
        assert.equal(message.content ? readTokens(message.content).count : 0, tokens);
        const call = provider.answers.at(-1);
        await until(() => call.closedAt, { ms: 1000, what: 'the connection is closed' });
        assert.equal(call.closedBy, 'client');
      });
    }

    it('because it is gone is named, its address to administrators only, and used again when it is back', async () => {
      const { port } = provider;
      const user = await server.user(admin, `Plain${db.name}`);
      await admin.get('/api/models?refresh=true', { expect: 200 });
      await provider.stop();
      for (const [client, knows] of [[admin, true], [user, false]]) {
        const turn = await client.ask('[[tokens=5]]', { socket: await client.connect() });
        const { error } = await client.message(turn.chatId, turn.messageId);
        assert.match(error.content, /answer/, 'it says why');
        assert.equal(error.content.includes(String(port)), knows, error.content);
      }
      provider = await startProvider({ port });
      (await admin.ask('[[tokens=5]]', { socket })).checkTokens(5);
    });
  });

  describe('programs', () => {
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

    const body = (content, stream) => ({ model: 'numbered', stream, messages: [{ role: 'user', content }] });

    it('get the provider\'s JSON', async () => {
      const { json } = await admin.post('/api/chat/completions', body('[[tokens=5]]', false), { expect: 200 });
      assert.equal(readTokens(json.choices[0].message.content).count, 5);
    });

    it('get the provider\'s stream', async () => {
      const reply = await admin.post('/api/chat/completions', body('[[tokens=5 delay=5]]', true), { expect: 200 });
      assert.match(reply.headers.get('content-type'), /text\/event-stream/);
      const lines = reply.text.split('\n').filter((line) => line.startsWith('data: {'));
      const text = lines.map((line) => JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '').join('');
      assert.equal(readTokens(text).count, 5);
      assert.match(reply.text, /data: \[DONE\]\s*$/);
    });

    it('get the provider\'s refusal with its status', async () => {
      const reply = await admin.post('/api/chat/completions', body('[[refuse=418 message="teapot"]]', false));
      assert.equal(reply.status, 418);
      assert.match(reply.text, /teapot/);
    });

    it('get an error event when the provider breaks, and the stream ends (row 113)', async () => {
      const reply = await admin.post('/api/chat/completions', body('[[tokens=9 delay=5 break=4]]', true));
      assert.match(reply.text, /data: ?\{"error"/);
    });

    it('close the provider when they go away', async () => {
      const abort = new AbortController();
      const gone = admin.post('/api/chat/completions', body('[[tokens=500 delay=10]]', true), { signal: abort.signal });
      await until(() => provider.calls.at(-1)?.sent > 5);
      const call = provider.calls.at(-1);
      abort.abort();
      await assert.rejects(gone);
      await until(() => call.closedAt, { ms: 1000 });
      assert.equal(call.closedBy, 'client');
    });
  });
});

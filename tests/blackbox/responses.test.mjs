// A connection of `api_type` "responses": whole chat turns by OpenAI's Responses API, in the background and not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kPixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

forEachDatabase((db) => {
  for (const background of [false, true]) {
    describe(`the Responses API${background ? ' in the background' : ''}`, () => {
      let provider;
      let server;
      let admin;
      let socket;
      before(async () => {
        provider = await startProvider();
        server = await startServer({ provider, databaseUrl: await db.create() });
        admin = await server.admin();
        socket = await admin.connect();
        const { json } = await admin.get('/openai/config', { expect: 200 });
        const configs = { 0: { ...json.OPENAI_API_CONFIGS['0'], enable: true, api_type: 'responses', background } };
        await admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: configs }, { expect: 200 });
      });
      after(async () => {
        await server?.close();
        await provider?.stop();
      });

      const ask = (content, options) => admin.ask(content, { socket, ...options });
      const lastCall = () => provider.answers.at(-1);

      it('streams every token once and in order, and keeps the text and the usage', async () => {
        const turn = await ask('Count, please [[tokens=100 delay=3 split=7]]');
        turn.checkTokens(100);
        assert.equal(turn.error, null);
        assert.equal(turn.usage.completion_tokens, 100);
        assert.equal(turn.usage.output_tokens, 100);
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.equal(message.content, turn.text);
        assert.equal(message.done, true);
        const call = lastCall();
        assert.equal(call.path, '/v1/responses');
        assert.deepEqual([call.body.store, call.body.background], background ? [true, true] : [false, undefined]);
        assert.equal(provider.answers.filter((other) => other.path !== '/v1/responses').length, 0);
      });

      it('gives system prompt, parameters and the turns before under their names there', async () => {
        const first = await ask('One [[tokens=3]]', { body: { params: { system: 'Be brief.', max_tokens: 77, temperature: 0.5, stop: ['never'] } } });
        const { body } = lastCall();
        await ask('Two [[tokens=3]]', { chatId: first.chatId, parentId: first.messageId });
        assert.deepEqual(lastCall().body.input.map((item) => [item.role, item.content[0].type]), [['user', 'input_text'], ['assistant', 'output_text'], ['user', 'input_text']]);
        assert.equal(body.instructions, 'Be brief.');
        assert.equal(body.max_output_tokens, 77);
        assert.equal(body.temperature, 0.5);
      });

      it('shows thoughts as thoughts', async () => {
        const turn = await ask('[[reasoning=5 tokens=5]]');
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.deepEqual(message.output.map((item) => item.type), ['reasoning', 'message']);
        assert.equal(message.output[0].content[0].text, 'r0 r1 r2 r3 r4');
        turn.checkTokens(5);
      });

      it('runs a tool and goes on with its result', async () => {
        const turn = await ask('What time is it? [[tool=get_current_timestamp tokens=6]]');
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.deepEqual(message.output.map((item) => item.type), ['function_call', 'function_call_output', 'message']);
        const { body } = lastCall();
        const [call, result] = body.input.slice(-2);
        assert.equal(call.type, 'function_call');
        assert.equal(result.type, 'function_call_output');
        assert.equal(result.call_id, call.call_id);
        assert.ok(body.tools.some((tool) => tool.name === 'get_current_timestamp' && tool.strict === false), 'tools are declared in its shape');
      });

      it('sends pictures', async () => {
        const prepared = admin.prepare('What is this? [[tokens=3]]', { socket });
        prepared.body.user_message.files = [{ type: 'image', url: kPixel }];
        await (await admin.submit(prepared)).done();
        const part = lastCall().body.input.at(-1).content.find((one) => one.type === 'input_image');
        assert.equal(part?.image_url, kPixel);
      });

      it('tells an error in the words of the provider, and keeps what came before', async () => {
        const turn = await ask('[[tokens=50 error=20 message="Too hot today"]]');
        assert.match(turn.error.content ?? turn.error, /Too hot today/);
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.equal(readTokens(message.content).count, 20);
        const refused = await ask('[[refuse=429 message="Slow down"]]');
        assert.match(refused.error.content ?? refused.error, /Slow down/);
      });

      it('answers programs in the shape of chat completions', async () => {
        const body = { model: 'numbered', messages: [{ role: 'user', content: '[[tokens=8]]' }] };
        const { json } = await admin.post('/api/chat/completions', { ...body, stream: false }, { expect: 200 });
        assert.equal(readTokens(json.choices[0].message.content).count, 8);
        assert.equal(json.usage.completion_tokens, 8);
        const { text } = await admin.post('/api/chat/completions', { ...body, stream: true }, { expect: 200 });
        const said = text.split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '');
        assert.equal(readTokens(said.join('')).count, 8);
        assert.match(text, /data: \[DONE\]\s*$/);
        assert.equal(lastCall().body.background, undefined, 'nobody would take it up');
      });

      it('ends at the provider when it is stopped', async () => {
        const turn = await admin.send('[[tokens=600 delay=10]]', { socket });
        await turn.tokens(10);
        const call = lastCall();
        await admin.stop(turn.chatId);
        await until(() => (background ? call.cancelled : call.closedAt), { ms: 3000, what: 'the provider is told' });
        await turn.done(3000);
        const message = await admin.message(turn.chatId, turn.messageId);
        assert.equal(message.done, true);
        assert.ok(readTokens(message.content).count < 600);
        assert.ok(call.sent < 600, `${call.sent} were written`);
      });

      for (const fault of ['break', 'cut']) {
        it(`${background ? 'reads on' : 'says so'} when the provider's stream is ended in mid-answer (${fault})`, async () => {
          const turn = await ask(`[[tokens=120 delay=5 ${fault}=50]]`);
          const message = await admin.message(turn.chatId, turn.messageId);
          const call = lastCall();
          if (background) {
            turn.checkTokens(120);
            assert.equal(turn.error, null);
            assert.equal(readTokens(message.content).count, 120);
            assert.ok(call.attached >= 1);
            assert.deepEqual(message.statusHistory ?? [], [], 'no server stopped');
          } else {
            assert.ok(turn.error);
            assert.equal(readTokens(message.content).count, 50);
            assert.equal(call.attached, undefined);
          }
          assert.equal(provider.answers.filter((other) => other.body.input.at(-1) && JSON.stringify(other.body.input).includes(`${fault}=50`)).length, 1, 'it was asked once');
        });
      }

      it('refuses an API that there is not', async () => {
        const { json } = await admin.get('/openai/config', { expect: 200 });
        for (const wrong of [{ api_type: 'telepathy' }, { api_type: 7 }, { background: 'yes' }]) {
          const reply = await admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: { 0: wrong } });
          assert.equal(reply.status, 400, reply.text);
        }
      });
    });
  }
});

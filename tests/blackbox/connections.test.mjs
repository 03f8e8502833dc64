// Connections to model servers as an administrator sets them up, and what the servers then get to see; the same models for
// programs that speak Anthropic's or Ollama's language.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

/** Azure's addresses, answered by whoever listens: keeps what it was asked. */
async function startAzure() {
  const asked = [];
  const http = createServer((request, response) => {
    asked.push({ url: request.url, headers: request.headers });
    const message = { role: 'assistant', content: 'From Azure' };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] }));
    request.resume();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { asked, url: `http://127.0.0.1:${http.address().port}`, stop: () => http.close() };
}

describe('connections', () => {
  let provider;
  let other;
  let azure;
  let server;
  let admin;
  before(async () => {
    provider = await startProvider();
    other = await startProvider();
    azure = await startAzure();
    server = await startServer({ provider, env: { ENABLE_OLLAMA_API: 'true', OLLAMA_BASE_URL: provider.url, ENABLE_API_KEYS: 'true', ENABLE_FORWARD_USER_INFO_HEADERS: 'false' } });
    admin = await server.admin();
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
    await other?.stop();
    azure?.stop();
  });

  const body = (model, content = 'Hi [[tokens=3]]', more = {}) => ({ model, stream: false, messages: [{ role: 'user', content }], ...more });
  const models = async () => (await admin.get('/api/models?refresh=true', { expect: 200 })).json.data;

  it('let administrators manage the models of a server, and everybody hear a text', async () => {
    const bob = await server.user(admin, 'Listener');
    const asked = async (method, path, body) => {
      const reply = await admin.request(method, path, body, { expect: 200 });
      return { reply, path: provider.calls.at(-1).path, body: provider.calls.at(-1).body };
    };
    assert.equal((await asked('GET', '/openai/models/0/catalog')).path, '/models');
    const load = await asked('POST', '/openai/models/0/load', { model: 'pebble', more: 1 });
    assert.deepEqual([load.path, load.body], ['/models/load', { model: 'pebble', more: 1 }]);
    assert.equal((await asked('POST', '/openai/models/0/unload', { model: 'pebble' })).path, '/models/unload');
    assert.equal((await asked('POST', '/openai/models/0/download', { model: 'a/b' })).path, '/models');
    assert.equal((await asked('DELETE', '/openai/models/0?model=a%2Fb')).path, '/models?model=a%2Fb');
    assert.match((await asked('GET', '/openai/models/0/sse')).reply.text, /^data: \{"model":"numbered"/);
    const before = provider.calls.length;
    assert.equal((await bob.post('/openai/models/0/load', { model: 'pebble' })).status, 401);
    assert.equal((await admin.get('/openai/models/0/download/status/1')).status, 400, 'llama.cpp tells of it in its events');
    assert.equal(provider.calls.length, before);
    const sound = await bob.post('/openai/audio/speech', { model: 'tts-1', input: 'Hi', voice: 'alloy' }, { expect: 200 });
    assert.equal(sound.headers.get('content-type'), 'audio/mpeg');
    assert.equal(provider.calls.at(-1).body.input, 'Hi');
  });

  it('have a prefix, tags, a filter and headers of their own, each', async () => {
    const form = {
      ENABLE_OPENAI_API: true,
      OPENAI_API_BASE_URLS: [provider.openaiUrl, other.openaiUrl, azure.url],
      OPENAI_API_KEYS: ['provider-key', 'other-key', 'azure-key'],
      OPENAI_API_CONFIGS: {
        0: {},
        1: { enable: true, prefix_id: 'lab', tags: [{ name: 'Fast' }], model_ids: ['numbered', 'reasoner'], headers: { 'X-Team': 'physics', 'X-Chat': '{{CHAT_ID}} {{MESSAGE_ID}}' }, connection_type: 'external' },
        2: { enable: true, azure: true, api_version: '2024-06-01', model_ids: ['gpt-lab'] },
      },
    };
    const { json } = await admin.post('/openai/config/update', form, { expect: 200 });
    assert.deepEqual(json.OPENAI_API_CONFIGS['1'].tags, [{ name: 'Fast' }]);
    const all = await models();
    const mine = all.filter((model) => model.id.startsWith('lab.'));
    assert.deepEqual(mine.map((model) => model.id).sort(), ['lab.numbered', 'lab.reasoner']);
    assert.deepEqual(mine[0].tags, [{ name: 'Fast' }]);
    assert.ok(all.some((model) => model.id === 'numbered' && !model.tags?.length));
    await admin.post('/api/chat/completions', body('lab.numbered'), { expect: 200 });
    const call = other.calls.at(-1);
    assert.equal(call.body.model, 'numbered', 'the prefix is ours');
    assert.equal(call.headers['x-team'], 'physics');
    assert.equal(call.headers.authorization, 'Bearer other-key');
    await admin.post('/api/chat/completions', body('lab.thinker'), { expect: 400 });
    const turn = { id: crypto.randomUUID(), parent_id: null, user_message: { id: crypto.randomUUID(), role: 'user', content: 'Hi' } };
    const kept = await admin.post('/api/chat/completions', { ...body('lab.numbered'), ...turn }, { expect: 200 });
    assert.equal(other.answers.at(-1).headers['x-chat'], `${kept.json.chat_id} ${turn.id}`);
  });

  it("of Azure's kind are asked by deployment, with the key where Azure looks", async () => {
    const { json } = await admin.post('/api/chat/completions', body('gpt-lab'), { expect: 200 });
    assert.equal(json.choices[0].message.content, 'From Azure');
    const { url, headers } = azure.asked.at(-1);
    assert.equal(url, '/openai/deployments/gpt-lab/chat/completions?api-version=2024-06-01');
    assert.equal(headers['api-key'], 'azure-key');
    assert.equal(headers.authorization, undefined);
  });

  it('that are turned off offer nothing, and the rest stays', async () => {
    const config = (await admin.get('/openai/config', { expect: 200 })).json;
    config.OPENAI_API_CONFIGS['1'].enable = false;
    await admin.post('/openai/config/update', config, { expect: 200 });
    const ids = (await models()).map((model) => model.id);
    assert.equal(ids.some((id) => id.startsWith('lab.')), false);
    assert.ok(ids.includes('numbered') && ids.includes('gpt-lab') && ids.includes('pebble:1b'));
  });

  it('are tried before they are saved', async () => {
    await admin.post('/openai/verify', { url: other.openaiUrl, key: 'k', config: {} }, { expect: 200 });
    const refused = await admin.post('/openai/verify', { url: 'http://127.0.0.1:9/v1', key: '', config: {} });
    assert.ok(refused.status >= 400 && refused.json.detail, refused.text);
    assert.equal((await admin.post('/ollama/verify', { url: provider.url, key: '' }, { expect: 200 })).json.version, '0.30.0');
  });

  describe('to Ollama', () => {
    it('pull a model with progress, show, run, list as loaded and delete it', async () => {
      const pulled = await admin.post('/ollama/api/pull', { model: 'pebble:3b' }, { expect: 200 });
      const lines = pulled.text.trim().split('\n').map((line) => JSON.parse(line));
      assert.ok(lines.some((line) => line.completed > 0 && line.total >= line.completed), pulled.text);
      assert.equal(lines.at(-1).status, 'success');
      assert.ok((await models()).some((model) => model.id === 'pebble:3b'), 'offered at once');
      const shown = (await admin.post('/ollama/api/show', { model: 'pebble:3b' }, { expect: 200 })).json;
      assert.equal(shown.details.family, 'pebble');
      const answer = (await admin.post('/api/chat/completions', body('pebble:3b'), { expect: 200 })).json;
      assert.match(answer.choices[0].message.content, / t2$/);
      const loaded = (await admin.get('/ollama/api/ps', { expect: 200 })).text;
      assert.match(loaded, /models/);
      await admin.request('DELETE', '/ollama/api/delete', { model: 'pebble:3b' }, { expect: 200 });
      assert.equal((await models()).some((model) => model.id === 'pebble:3b'), false);
    });

    it('say why a model cannot be pulled, and pull for administrators only', async () => {
      assert.match((await admin.post('/ollama/api/pull', { model: 'missing:1b' })).text, /file does not exist/);
      const user = await server.user(admin, 'Pia');
      assert.equal((await user.post('/ollama/api/pull', { model: 'pebble:9b' })).status, 401);
    });
  });

  describe("for programs that speak Anthropic's language", () => {
    let key;
    before(async () => {
      key = (await admin.post('/api/v1/auths/api_key', {}, { expect: 200 })).json.api_key;
    });
    const send = (more = {}, path = '/api/v1/messages') => {
      const message = { model: 'numbered', max_tokens: 50, system: 'Be brief.', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi [[tokens=4]]' }] }] };
      return server.client().post(path, { ...message, ...more }, { token: null, headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' } });
    };

    it('answer in its shape, by API key', async () => {
      const { status, json, text } = await send();
      assert.equal(status, 200, text);
      assert.deepEqual([json.type, json.role, json.stop_reason], ['message', 'assistant', 'end_turn']);
      assert.match(json.content[0].text, /^#\d+ t0 t1 t2 t3$/);
      assert.equal(json.usage.output_tokens, 4);
      const sent = provider.calls.at(-1).messages;
      assert.deepEqual(sent.map((one) => one.role), ['system', 'user']);
      assert.equal(JSON.stringify(provider.calls.at(-1).headers).includes(key), false, 'our key must not leave');
    });

    it('stream its events in their order', async () => {
      const { text } = await send({ stream: true });
      const names = [...text.matchAll(/^event: (\w+)$/gm)].map((match) => match[1]);
      assert.equal(names[0], 'message_start');
      assert.deepEqual(names.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
      const deltas = text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
      assert.match(deltas.map((one) => one.delta?.text ?? '').join(''), /^#\d+ t0 t1 t2 t3$/);
    });

    it('call tools both ways', async () => {
      const tools = [{ name: 'look', description: 'Looks', input_schema: { type: 'object', properties: { at: { type: 'string' } } } }];
      const messages = [{ role: 'user', content: 'Look [[tool=look args={"at":"sky"}]]' }];
      const { json, text } = await send({ tools, messages });
      const use = json.content?.find((part) => part.type === 'tool_use');
      assert.ok(use, text);
      assert.deepEqual([json.stop_reason, use.name, use.input], ['tool_use', 'look', { at: 'sky' }]);
      const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'Blue' }] };
      const next = await send({ tools, messages: [...messages, { role: 'assistant', content: json.content }, result] });
      assert.equal(next.status, 200, next.text);
      const seen = provider.calls.at(-1).messages;
      assert.equal(seen.at(-1).role, 'tool');
      assert.equal(seen.at(-1).tool_call_id, use.id);
    });

    it('count tokens, at the older address too, and refuse without a key', async () => {
      assert.ok((await send({}, '/api/v1/messages/count_tokens')).json.input_tokens > 0);
      assert.equal((await send({}, '/api/message')).status, 200);
      assert.equal((await server.client().post('/api/v1/messages', {}, { token: null })).status, 401);
    });
  });
});

// Answers are what docs/openapi.json says of them: those whose description is written beside a handler that builds its JSON by hand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { startProvider } from '../provider/provider.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

const { paths, components } = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8'));

/** What in `value` is not as the schema says. A member that no description names is a fault as well. */
function faults(schema, value, at = '') {
  if (schema.$ref) return faults(components.schemas[schema.$ref.split('/').at(-1)], value, at);
  if (schema.anyOf) return schema.anyOf.some((one) => faults(one, value, at).length === 0) ? [] : [`${at}: fits none of ${schema.anyOf.length}`];
  const is = value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema.type && schema.type !== is && !(schema.type === 'number' && is === 'integer')) return [`${at}: ${is} instead of ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at}: ${value}`];
  if (is === 'array') return value.flatMap((one, i) => faults(schema.items ?? {}, one, `${at}[${i}]`));
  if (schema.type !== 'object') return [];
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at}.${name}: missing`);
  return missing.concat(
    Object.entries(value).flatMap(([name, inner]) => {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      return known ? faults(known === true ? {} : known, inner, `${at}.${name}`) : [`${at}.${name}: not described`];
    }),
  );
}

let provider, server, admin;
before(async () => {
  provider = await startProvider();
  server = await startServer({ provider, env: { ANTIPHON_RATE_LIMITS: '0' } });
  admin = await server.admin();
});
after(async () => {
  await server?.close();
  await provider?.stop();
});

async function check(route, { path = {}, query = '', body, as = admin } = {}) {
  const [method, template] = route.split(' ');
  const answer = await as.request(method, template.replace(/\{(\w+)\}/g, (_, name) => path[name]) + query, body, { expect: 200 });
  const { schema } = paths[template][method.toLowerCase()].responses[200].content['application/json'];
  assert.notDeepEqual(schema, {}, `${route} is described`);
  assert.deepEqual(faults(schema, answer.json), [], route);
  return answer.json;
}

it('a description that is wrong is found', () => {
  const chat = { $ref: '#/components/schemas/FolderLine' };
  const line = { id: 'f', name: 'n', is_expanded: false, created_at: 1, updated_at: 1, unread_count: 0 };
  assert.deepEqual(faults(chat, line), []);
  assert.deepEqual(faults(chat, { ...line, id: 3, more: 1, name: undefined }).length, 3);
});

it('settings of the server and of a user', async () => {
  await check('GET /api/config');
  await check('GET /api/config', { as: server.client() });
  await check('GET /api/v1/users/user/settings');
  await check('POST /api/v1/users/user/settings/update', { body: { ui: { system: 's', params: { seed: 1 }, models: ['m'], theme: 'dark' } } });
  await check('GET /api/v1/users/user/settings');
  for (const page of ['/api/v1/auths/admin/config', '/api/v1/configs/models']) await check(`POST ${page}`, { body: await check(`GET ${page}`) });
  await check('POST /api/v1/tasks/config/update', { body: await check('GET /api/v1/tasks/config') });
});

it('models and connections', async () => {
  await check('POST /api/v1/models/create', { body: { id: 'preset', name: 'P', base_model_id: 'numbered', meta: { description: 'd', tags: [{ name: 't' }] }, params: {} } });
  await check('GET /api/models');
  await check('GET /api/models/base');
  const config = await check('GET /openai/config');
  config.OPENAI_API_CONFIGS = { 0: { enable: true, prefix_id: '', tags: [{ name: 'x' }], model_ids: [], headers: { 'X-Team': '7' }, unknown: 1 } };
  await check('POST /openai/config/update', { body: config });
  await check('POST /openai/verify', { body: { url: config.OPENAI_API_BASE_URLS[0], key: config.OPENAI_API_KEYS[0] } });
  await check('POST /ollama/config/update', { body: { ENABLE_OLLAMA_API: true, OLLAMA_BASE_URLS: [provider.url], OLLAMA_API_CONFIGS: { 0: { key: 'k' } } } });
  await check('GET /ollama/config');
  await check('POST /ollama/verify', { body: { url: provider.url, key: '', config: {} } });
  assert.equal((await check('GET /ollama/api/tags/{url_idx}', { path: { url_idx: 0 } })).models.length, 2);
});

it('chats, their branches and what is done with them', async () => {
  const turn = (n, parent, more = {}) => ({
    stream: true, model: 'reasoner', session_id: 's', parent_id: parent, id: `a${n}`, params: {}, variables: {}, features: {}, background_tasks: {},
    user_message: { id: `u${n}`, parentId: parent, role: 'user', content: 'hi', models: ['reasoner'] },
    message_ids: [{ model_id: 'reasoner', message_id: `a${n}`, modelIdx: 0 }], ...more,
  });
  const started = await check('POST /api/chat/completions', { body: turn(1, null) });
  const path = { id: started.chat_id, chat_id: started.chat_id };
  const answered = async (id) => until(async () => (await check('GET /api/v1/chats/{id}', { path })).chat.history.messages[id]?.done, { what: `answer ${id}` });
  await check('GET /api/tasks/chat/{chat_id}', { path });
  await answered('a1');
  await check('POST /api/tasks/chat/{chat_id}/stop', { path });
  await check('POST /api/chat/completions', { body: turn(2, null, { chat_id: path.id }) });
  await answered('a2');
  const { branch } = await check('GET /api/v1/chats/{id}/branch', { path, query: '?limit=10' });
  assert.equal(branch.places.u2.count, 2);
  await check('POST /api/v1/chats/{id}/branch', { path, body: { leaf: 'a1' } });
  const rated = { ...branch.messages[1], annotation: { rating: 1, reason: 'good' }, feedbackId: 'f', sources: [{ source: { name: 'S' }, document: ['d'] }], followUps: ['?'] };
  await check('POST /api/v1/chats/{id}', { path, body: { chat: { title: 'T', system: 's', params: { seed: 1 }, history: { currentId: 'a2', messages: { a2: rated } } } } });
  for (const what of ['pin', 'archive', 'clone', 'fork', 'share']) await check(`POST /api/v1/chats/{id}/${what}`, { path, body: {} });
  const { share_id } = await check('GET /api/v1/chats/{id}', { path });
  const grants = [{ principal_type: 'user', principal_id: '*', permission: 'read' }];
  await check('POST /api/v1/chats/shared/{id}/access/update', { path, body: { access_grants: grants } });
  await check('GET /api/v1/chats/shared/{id}/access', { path });
  await check('GET /api/v1/chats/share/{share_id}', { path: { share_id } });
  await check('POST /api/v1/chats/{id}/clone/shared', { path: { id: share_id } });
  await check('POST /api/v1/chats/import', { body: { chats: [{ chat: { title: 'x', history: { currentId: null, messages: {} } } }] } });
  await check('DELETE /api/v1/chats/{id}/messages/{message_id}', { path: { ...path, message_id: 'a1' } });
});

it('folders', async () => {
  const folder = await check('POST /api/v1/folders/', { body: { name: 'F', data: { system_prompt: 's' } } });
  const path = { id: folder.id };
  await check('GET /api/v1/folders/');
  await check('GET /api/v1/folders/{id}', { path });
  await check('POST /api/v1/folders/{id}/update', { path, body: { name: 'G', data: { system_prompt: 't', files: [] } } });
  await check('POST /api/v1/folders/{id}/update/parent', { path, body: { parent_id: null } });
  await check('POST /api/v1/folders/{id}/update/expanded', { path, body: { is_expanded: true } });
  const eve = await server.user(admin, 'Eve');
  await check('POST /api/v1/folders/{id}/access/update', { path, body: { access_grants: [{ principal_type: 'user', principal_id: eve.user.id, permission: 'write' }] } });
  await admin.post('/api/v1/chats/new', { chat: { title: 'In it' }, folder_id: folder.id }, { expect: 200 });
  await check('GET /api/v1/folders/shared', { as: eve });
  await check('GET /api/v1/folders/{id}/shared/chats', { path, as: eve });
  await check('GET /api/v1/folders/{id}/shared/chats', { path, query: '?page=1' });
});

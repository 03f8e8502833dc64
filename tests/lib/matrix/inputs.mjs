// What to send to a route: its path with ids, its query, and the smallest body its own schema takes; by hand only where that is not enough.
import { randomUUID } from 'node:crypto';
import { newTurn } from './world.mjs';

/** What a placeholder of a path stands for, where its name says it. */
const kByName = {
  chat_id: 'chat', message_id: 'message', folder_id: 'folder', share_id: 'share', user_id: 'user', version_id: 'version', url_idx: 'connection',
  provider: 'word', action_id: 'word', file_name: 'word', job_id: 'word', model_id: 'model', name: 'prefix', path: 'rest', rest: 'rest',
  dir_id: 'directory',
};
/** What `{id}` is, where the route has no object right that says it. */
const kById = [
  ['/api/v1/users/', 'user'], ['/api/v1/groups/', 'group'], ['/api/v1/auths/api_keys/', 'key'], ['/api/tasks/stop/', 'task'],
  ['/api/v1/chats/{id}/clone/shared', 'share'],
];
/** Members of queries and bodies that name a thing. */
const kMembers = {
  chat_id: 'chat', message_id: 'message', folder_id: 'folder', parent_id: 'folder', model: 'model', model_id: 'model', base_model_id: 'model',
  version_id: 'version', parent_group_id: 'group', group_id: 'group', user_ids: 'user', leaf: 'message', user_id: 'user', principal_id: 'user',
  file_id: 'file', file_ids: 'file', directory_id: 'directory', dir_ids: 'directory', 'KnowledgeDirectoryCreateForm.parent_id': 'directory',
  'KnowledgeDirectoryUpdateForm.parent_id': 'directory',
};
/** Members that only look like it: ids somebody makes up, or lists of words. */
const kNoThing = new Set(['call_id', 'Banner.id', 'LdapForm.user', 'ImportsForm.chats', 'ModelsForm.models', 'ModelMeta.knowledge', 'UiSettings.models']);
/** `id` and `ids`, by where they stand. */
const kIdsOf = [['/api/v1/models/', 'model']];

/** The kinds of a route's placeholders in order; throws for one that nobody can explain. */
export function kindsOf(route) {
  return route.placeholders.map((name, i) => {
    if (i === 0 && route.object) return route.object.kind === 'chat' && route.path.includes('/shared/') ? 'sharedChat' : route.object.kind;
    const kind = kByName[name] ?? (name === 'id' ? kById.find(([prefix]) => route.path.startsWith(prefix))?.[1] : undefined);
    if (!kind) throw new Error(`${route.name}: nobody says what {${name}} is. Take Granted<…>, or name it in tests/lib/matrix/inputs.mjs`);
    return kind;
  });
}

/** Members of a query or body that name things: [{at: ['chats', 0, 'folder_id'], kind}] and throws for what looks like one and is unknown. */
function membersOf(route, schema, schemas, at = [], owner = '') {
  if (!schema) return [];
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    return membersOf(route, schemas[name], schemas, at, name);
  }
  if (schema.anyOf) return schema.anyOf.flatMap((one) => membersOf(route, one, schemas, at, owner));
  if (schema.items) return membersOf(route, schema.items, schemas, [...at, 0], owner);
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [
    ...memberOf(route, name, inner, [...at, name], owner),
    ...membersOf(route, inner, schemas, [...at, name], owner),
  ]);
}

function memberOf(route, name, schema, at, owner) {
  if (kNoThing.has(name) || kNoThing.has(`${owner}.${name}`)) return [];
  const isList = Boolean(schema.items || schema.anyOf?.some((one) => one.items));
  const kind = kMembers[`${owner}.${name}`] ?? kMembers[name] ?? (/^ids?$/.test(name) ? kIdsOf.find(([prefix]) => route.path.startsWith(prefix))?.[1] : undefined);
  if (kind) return [{ at, kind, isList }];
  if (/(^|_)ids?$|^(model|file|knowledge|user|group|collection)s?$/.test(name)) {
    throw new Error(`${route.name}: does the member ${at.join('.')} name a thing? Say so in tests/lib/matrix/inputs.mjs`);
  }
  return [];
}

const turn = (content) => ({ role: 'user', content });
const completion = { model: 'numbered', messages: [turn('[[tokens=1 delay=0]]')], stream: false };
const ollamaChat = { model: 'pebble:1b', messages: [turn('[[tokens=1 delay=0]]')], stream: false };

/** Free-form bodies: which members name things, beside what the schema cannot say. */
const kFree = {
  'POST /api/chat/completions': {
    body: () => completion,
    planted: [
      { base: () => newTurn(), at: ['folder_id'], kind: 'folder' },
      { base: () => newTurn(), at: ['chat_id'], kind: 'chat' },
      { base: () => newTurn(), at: ['model'], kind: 'model' },
      { base: () => newTurn(), at: ['model_item', 'id'], kind: 'model' },
      { base: () => newTurn(), at: ['assistant_message_id'], kind: 'message', also: [{ at: ['chat_id'], kind: 'chat' }] },
      { base: () => newTurn(), at: ['parent_id'], kind: 'message' },
      { base: () => ({ ...newTurn(), message_ids: [{ model_id: 'numbered', message_id: randomUUID() }] }), at: ['message_ids', 0, 'model_id'], kind: 'model' },
      { base: () => ({ ...newTurn(), message_ids: [{ model_id: 'numbered', message_id: randomUUID() }] }), at: ['message_ids', 0, 'message_id'], kind: 'message' },
      { base: () => completion, at: ['model'], kind: 'model' },
      { base: () => completion, at: ['chat_id'], kind: 'chat' },
      { base: () => completion, at: ['metadata', 'chat_id'], kind: 'chat' },
      { base: () => completion, at: ['user_id'], kind: 'user' },
      { base: () => completion, at: ['files', 0, 'id'], kind: 'chat' },
    ],
  },
};
kFree['POST /api/v1/chat/completions'] = kFree['POST /api/chat/completions'];
kFree['POST /openai/responses'] = { body: () => ({ model: 'numbered', input: '[[tokens=1 delay=0]]', stream: false }), planted: [{ at: ['model'], kind: 'model' }] };
for (const path of ['/openai/chat/completions', '/openai/embeddings', '/api/embeddings', '/api/v1/embeddings']) {
  kFree[`POST ${path}`] = { body: () => ({ ...completion, input: 'x' }), planted: [{ at: ['model'], kind: 'model' }] };
}
for (const path of ['/api/v1/messages', '/api/message']) {
  kFree[`POST ${path}`] = { body: () => ({ ...completion, max_tokens: 5 }), planted: [{ at: ['model'], kind: 'model' }] };
  kFree[`POST ${path}/count_tokens`] = { body: () => completion, planted: [{ at: ['model'], kind: 'model' }] };
}
for (const path of ['api/chat', 'api/generate', 'api/embed', 'api/embeddings', 'v1/chat/completions', 'v1/completions', 'v1/embeddings', 'v1/messages', 'api/show']) {
  for (const place of ['', '/{url_idx}']) {
    kFree[`POST /ollama/${path}${place}`] = { body: () => ({ ...ollamaChat, prompt: 'x', input: 'x', max_tokens: 5 }), planted: [{ at: ['model'], kind: 'model' }] };
  }
}
for (const place of ['', '/{url_idx}']) {
  kFree[`POST /ollama/v1/responses${place}`] = { body: () => ({ model: ollamaChat.model, input: 'x', stream: false }), planted: [{ at: ['model'], kind: 'model' }] };
}
kFree['POST /api/chat/completed'] = { body: () => ({ model: 'numbered', messages: [] }), planted: [{ at: ['chat_id'], kind: 'chat' }, { at: ['model'], kind: 'model' }] };
for (const method of ['POST', 'PUT', 'DELETE']) {
  kFree[`${method} /openai/{path...}`] = { body: () => ({ model: 'numbered' }), planted: [{ at: ['model'], kind: 'model' }] };
}
/** Free-form, of a caller's own or of administrators; nothing in them names a thing of somebody else. */
const kPlain = {
  'PATCH /api/v1/chats/{id}/params': { temperature: 1 },
  'POST /api/v1/users/user/settings/update': { ui: { theme: 'dark' } },
  'POST /api/v1/users/user/info/update': { a: 1 },
  'POST /openai/audio/speech': { model: 'tts-1', input: 'Hi', voice: 'alloy' },
  'POST /ollama/api/pull': { name: 'pebble:1b', stream: false },
  'POST /ollama/api/pull/{url_idx}': { name: 'pebble:1b', stream: false },
  'POST /ollama/api/create': { model: 'x', from: 'pebble:1b', stream: false },
  'POST /ollama/api/create/{url_idx}': { model: 'x', from: 'pebble:1b', stream: false },
  'POST /ollama/api/copy': { source: 'pebble:1b', destination: 'x' },
  'POST /ollama/api/copy/{url_idx}': { source: 'pebble:1b', destination: 'x' },
  'DELETE /ollama/api/push': { name: 'pebble:1b', stream: false },
  'DELETE /ollama/api/push/{url_idx}': { name: 'pebble:1b', stream: false },
  'DELETE /ollama/api/delete': { name: 'absent:1b' },
  'DELETE /ollama/api/delete/{url_idx}': { name: 'absent:1b' },
  'POST /ollama/api/unload': { name: 'pebble:1b' },
  'POST /api/models/unload': { name: 'pebble:1b' },
  'POST /api/v1/auths/admin/config/ldap': { enable_ldap: false },
};

/** Bodies that the smallest valid one would not do for. */
const kByHand = {
  'POST /openai/verify': (_, provider) => ({ url: provider.openaiUrl, key: 'k' }),
  'POST /ollama/models/download': (_, provider) => ({ url: `${provider.url}/v1/echo` }),
  'POST /ollama/models/download/{url_idx}': (_, provider) => ({ url: `${provider.url}/v1/echo` }),
  'POST /ollama/verify': (_, provider) => ({ url: provider.url, key: '' }),
  'POST /api/v1/auths/signup': () => ({ name: 'N', email: `${randomUUID()}@x.io`, password: 'a good pass 17' }),
  'POST /api/v1/auths/signin': () => ({ email: 'eve@x.io', password: 'pass of Eve 17' }),
  'POST /api/v1/auths/add': () => ({ name: 'N', email: `${randomUUID()}@x.io`, password: 'a good pass 17', role: 'user' }),
  'POST /api/v1/auths/update/password': (things) => ({ password: things.password, new_password: 'a better pass 18' }),
  'POST /api/v1/auths/update/profile': () => ({ name: 'N', profile_image_url: '/user.png' }),
  'POST /api/v1/auths/update/timezone': () => ({ timezone: 'Europe/Bern' }),
  'POST /api/v1/auths/api_keys': () => ({ name: 'k' }),
  'POST /api/v1/chats/new': () => ({ chat: { title: 'x', history: { messages: {}, currentId: null } } }),
  'POST /api/v1/chats/import': () => ({ chats: [{ chat: { title: 'x', history: { messages: {}, currentId: null } } }] }),
  'POST /api/v1/chats/{id}': () => ({ chat: { title: 'renamed' } }),
  'POST /api/v1/chats/{id}/messages/{message_id}': () => ({ content: 'changed' }),
  'POST /api/v1/chats/{id}/branch': async (things) => ({ leaf: await things.id('message') }),
  'POST /api/v1/chats/{id}/messages/{message_id}/event': () => ({ type: 'chat:message:follow_ups', data: {} }),
  'POST /api/v1/chats/shared/{id}/access/update': () => ({ access_grants: [] }),
  'POST /api/v1/folders/': () => ({ name: randomUUID() }),
  'POST /api/v1/models/create': async (things) => ({ id: `preset-${randomUUID()}`, name: 'x', base_model_id: 'numbered', meta: {}, params: {}, access_grants: [] }),
  'POST /api/v1/models/model/update': async (things) => ({ id: await things.id('model'), name: 'x', base_model_id: 'numbered', meta: {}, params: {} }),
  'POST /api/v1/models/model/access/update': async (things) => ({ id: await things.id('model'), access_grants: [] }),
  'POST /api/v1/models/model/delete': async (things) => ({ id: await things.id('model') }),
  'POST /api/v1/models/model/update/version': async (things) => ({ version_id: await things.id('version') }),
  'POST /api/v1/models/import': () => ({ models: [{ id: `preset-${randomUUID()}`, name: 'x', base_model_id: 'numbered', meta: {}, params: {} }] }),
  'POST /api/v1/groups/id/{id}/users/add': async (things) => ({ user_ids: [await things.id('user')] }),
  'POST /api/v1/groups/id/{id}/users/remove': async (things) => ({ user_ids: [await things.id('user')] }),
  'POST /api/v1/groups/create': () => ({ name: randomUUID(), description: 'x' }),
  'POST /api/v1/groups/id/{id}/update': () => ({ name: randomUUID(), description: 'x' }),
  'POST /api/v1/users/{id}/update': () => ({ name: 'renamed' }),
  'POST /api/v1/configs/import': () => ({ config: { ui: {} } }),
  'POST /api/v1/configs/banners': () => ({ banners: [] }),
  'POST /api/v1/configs/settings': () => ({ changes: {} }),
  'POST /api/v1/knowledge/create': () => ({ name: 'x', description: '' }),
  'POST /api/v1/knowledge/{id}/access/update': () => ({ access_grants: [] }),
  'POST /api/v1/knowledge/{id}/dirs/create': () => ({ name: randomUUID() }),
  'POST /api/v1/knowledge/{id}/dirs/{dir_id}/update': () => ({ name: randomUUID() }),
  'POST /api/v1/knowledge/{id}/files/batch/add': async (things) => [{ file_id: await things.id('file') }],
  'POST /api/v1/evaluations/feedback': () => ({ type: 'rating', data: { rating: 1 }, meta: {} }),
  'POST /api/v1/evaluations/feedback/{id}': () => ({ type: 'rating', data: { rating: -1 }, meta: {} }),
};

for (const chore of ['title', 'tags', 'follow_up', 'image_prompt', 'queries', 'auto', 'emoji', 'moa']) {
  kByHand[`POST /api/v1/tasks/${chore}/completions`] = () => ({ model: 'numbered', messages: [turn('[[tokens=1 delay=0]]')], prompt: '[[tokens=1 delay=0]]', responses: ['x'], stream: false });
}

for (const what of ['add', 'update', 'move', 'remove']) {
  kByHand[`POST /api/v1/knowledge/{id}/file/${what}`] = async (things) => {
    await things.id('knowledge'); // with a file of its own
    return { file_id: await things.id('file') };
  };
}

/** Things that bodies made by hand name beyond what the schema says. */
const kMorePlanted = {
  'POST /api/v1/models/import': [{ at: ['models', 0, 'id'], kind: 'model' }, { at: ['models', 0, 'base_model_id'], kind: 'model' }],
  'POST /api/v1/models/create': [{ at: ['meta', 'knowledge', 0, 'id'], kind: 'chat' }],
  'POST /api/v1/evaluations/feedback': [{ at: ['meta', 'chat_id'], kind: 'chat' }, { at: ['user_id'], kind: 'user' }],
  'POST /api/v1/folders/': [{ at: ['user_id'], kind: 'user' }],
};

function setAt(body, at, value) {
  let inner = body;
  at.slice(0, -1).forEach((key, i) => (inner = inner[key] ??= typeof at[i + 1] === 'number' ? [] : {}));
  inner[at.at(-1)] = value;
  return body;
}

/** The smallest value a schema takes. */
function smallest(schema, schemas) {
  if (schema.$ref) return smallest(schemas[schema.$ref.split('/').at(-1)], schemas);
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return null;
  if (schema.type === 'string') return 'x'.repeat(Math.max(1, schema.minLength ?? 1));
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return false;
  if (schema.type === 'array') return [];
  return Object.fromEntries((schema.required ?? []).map((name) => [name, smallest(schema.properties[name], schemas)]));
}

export class Inputs {
  constructor({ schemas, routes }, admin, provider) {
    Object.assign(this, { schemas, admin, provider });
    this.names = new Set(routes.map((route) => route.name));
  }

  /** A page of settings is sent back what it shows, so that no cell changes the next one's server. */
  async body(route, things) {
    const byHand = kByHand[route.name] ?? kFree[route.name]?.body;
    if (byHand) return byHand(things, this.provider);
    if (!route.bodySchema) return undefined;
    if (route.name in kPlain) return kPlain[route.name];
    const shown = `GET ${route.path.replace(/\/update$/, '')}`;
    if (route.who === 'admin' && this.names.has(shown)) return (await this.admin.get(shown.slice(4), { expect: 200 })).json;
    if (!route.bodySchema.$ref) throw new Error(`${route.name}: nobody says what its free-form body holds. Say so in tests/lib/matrix/inputs.mjs`);
    return smallest(route.bodySchema, this.schemas);
  }

  /** {path, body} with the ids of `things`. */
  async request(route, things) {
    let { path } = route;
    for (const kind of kindsOf(route)) path = path.replace(/\{[^}]*\}/, encodeURIComponent(await things.id(kind)));
    const query = [];
    for (const { name, required } of route.query) {
      const kind = queryKind(route, name);
      if (required || (kind && name === 'id')) query.push(`${name}=${encodeURIComponent(kind ? await things.id(kind) : 'x')}`);
    }
    return { path: query.length ? `${path}?${query.join('&')}` : path, body: await this.body(route, things) };
  }

  /** Kinds of private things that path, query or body name, so that somebody else's must look like none. */
  privateKinds(route, isPrivate) {
    return [...kindsOf(route), ...route.query.map(({ name }) => queryKind(route, name))].filter((kind) => isPrivate.has(kind));
  }

  /** Requests of somebody whose own is everything but one thing in query or body: [{what, kind, put(id, ids)}]. */
  planted(route, makeThings) {
    const inQuery = route.query.map(({ name }) => ({ name, kind: queryKind(route, name) })).filter(({ kind }) => kind);
    const inBody = [
      ...(route.bodySchema && !kFree[route.name] ? membersOf(route, route.bodySchema, this.schemas) : []),
      ...(kFree[route.name]?.planted ?? []),
      ...(kMorePlanted[route.name] ?? []),
    ];
    return [
      ...inQuery.map(({ name, kind }) => ({
        what: `?${name}`,
        kind,
        put: async (ids) => {
          const base = await this.request(route, makeThings());
          const url = new URL(base.path, 'http://x');
          url.searchParams.set(name, ids[kind]);
          return { path: url.pathname + url.search, body: base.body };
        },
      })),
      ...inBody.map(({ at, kind, isList, base: other, also = [] }) => ({
        what: at.join('.'),
        kind,
        put: async (ids) => {
          const base = await this.request(route, makeThings());
          const body = structuredClone(other ? other() : (base.body ?? {}));
          for (const more of [{ at, kind }, ...also]) setAt(body, more.at, isList ? [ids[more.kind]] : ids[more.kind]);
          return { path: base.path, body };
        },
      })),
    ];
  }
}

function queryKind(route, name) {
  return memberOf(route, name, {}, [name], 'query')[0]?.kind;
}

// Things people own: how to make one, what one that does not exist is called, and what Bob's look like as a whole.
import { randomUUID } from 'node:crypto';
import { upload } from '../uploads.mjs';

/** Stands in every text of Bob's; no answer to anybody else may hold it. */
export const kSecret = 'bobs-own-9f3c';

function chatForm(text) {
  const [question, answer] = [randomUUID(), randomUUID()];
  const messages = {
    [question]: { id: question, parentId: null, childrenIds: [answer], role: 'user', content: text, timestamp: 1700000000 },
    [answer]: { id: answer, parentId: question, childrenIds: [], role: 'assistant', content: text, model: 'numbered', done: true, timestamp: 1700000001 },
  };
  return { message: answer, form: { chat: { title: text, models: ['numbered'], history: { messages, currentId: answer } } } };
}

/** The body of a first turn, which makes a chat. */
export function newTurn(content = '[[tokens=1 delay=0]]') {
  const [question, answer] = [randomUUID(), randomUUID()];
  const user_message = { id: question, role: 'user', content, parentId: null, childrenIds: [answer] };
  return { model: 'numbered', stream: true, parent_id: null, id: answer, session_id: '', user_message, background_tasks: {} };
}

async function makeChat(owner, text) {
  const { message, form } = chatForm(text);
  const { json } = await owner.post('/api/v1/chats/new', form, { expect: 200 });
  return { chat: json.id, message };
}

async function makeModel(owner, text) {
  const id = `preset-${randomUUID()}`;
  const form = { id, name: text, base_model_id: 'numbered', meta: { description: text }, params: { system: text } };
  await owner.post('/api/v1/models/create', form, { expect: 200 });
  await owner.post(`/api/v1/models/model/update?id=${id}`, { ...form, name: `${text} again` }, { expect: 200 });
  const { json: now } = await owner.get(`/api/v1/models/model?id=${id}`, { expect: 200 });
  const { json: all } = await owner.get(`/api/v1/models/model/history?id=${id}`, { expect: 200 });
  return { model: id, version: all.find((one) => one.id !== now.version_id).id };
}

/** A base with a file in a folder. */
async function makeKnowledge(owner, text) {
  const { json: base } = await owner.post('/api/v1/knowledge/create', { name: text, description: text }, { expect: 200 });
  const { json: directory } = await owner.post(`/api/v1/knowledge/${base.id}/dirs/create`, { name: text }, { expect: 200 });
  const { json: file } = await upload(owner, text, `${text}.txt`, { metadata: { text }, expect: 200 });
  await owner.post(`/api/v1/knowledge/${base.id}/file/add`, { file_id: file.id, directory_id: directory.id }, { expect: 200 });
  return { knowledge: base.id, directory: directory.id, file: file.id };
}

/** kind → how `owner` gets one, with everything that belongs to it. */
const kMakers = {
  chat: makeChat,
  message: makeChat,
  share: async (owner, text) => {
    const { chat } = await makeChat(owner, text);
    const { json } = await owner.post(`/api/v1/chats/${chat}/share`, {}, { expect: 200 });
    return { share: json.share_id };
  },
  /** A chat that is shared, for the routes that name the chat and not the link. */
  sharedChat: async (owner, text) => {
    const made = await makeChat(owner, text);
    await owner.post(`/api/v1/chats/${made.chat}/share`, {}, { expect: 200 });
    return made;
  },
  folder: async (owner, text) => {
    const name = `${text} ${randomUUID()}`;
    const { json } = await owner.post('/api/v1/folders/', { name, data: { system_prompt: text } }, { expect: 200 });
    return { folder: json.id };
  },
  feedback: async (owner, text) => {
    const { json } = await owner.post('/api/v1/evaluations/feedback', { type: 'rating', data: { rating: 1, comment: text }, meta: {} }, { expect: 200 });
    return { feedback: json.id };
  },
  file: async (owner, text) => {
    const { json } = await upload(owner, text, `${text}.html`, { type: 'text/html', metadata: { text }, expect: 200 });
    return { file: json.id };
  },
  knowledge: makeKnowledge,
  directory: makeKnowledge,
  model: makeModel,
  version: makeModel,
  key: async (owner, text) => {
    const { json } = await owner.post('/api/v1/auths/api_keys', { name: text }, { expect: 200 });
    return { key: json.key.id };
  },
};

/** Things that administrators make. */
const kAdminMakers = {
  user: async (admin) => {
    const name = `u${randomUUID().slice(0, 8)}`;
    const account = { name, email: `${name}@x.io`, password: 'a good pass 17', role: 'user' };
    const { json } = await admin.post('/api/v1/auths/add', account, { expect: 200 });
    return { user: json.id };
  },
  /** An answer that is being written. */
  task: async (admin) => {
    const form = { ...newTurn('[[tokens=300 delay=20]]'), session_id: 'nobody' };
    const { json } = await admin.post('/api/chat/completions', form, { expect: 200 });
    return { task: json.task_ids[0] };
  },
  group: async (admin) => {
    const { json } = await admin.post('/api/v1/groups/create', { name: randomUUID(), description: 'x' }, { expect: 200 });
    return { group: json.id };
  },
};

/** What is nobody's. */
const kFixed = { connection: '0', word: 'openid', prefix: 'ui', rest: 'echo' };

export const kPrivate = new Set(Object.keys(kMakers));
export const kinds = new Set([...Object.keys(kMakers), ...Object.keys(kAdminMakers), ...Object.keys(kFixed)]);

/** A set of things of one owner, each made when first asked for. */
export class Things {
  /** What was made so far. */
  ids = {};

  constructor(owner, admin, text = 'mine') {
    Object.assign(this, { owner, admin, text });
  }

  async id(kind) {
    if (kind === 'sharedChat') return (this.ids.sharedChat ??= (await kMakers.sharedChat(this.owner, this.text)).chat);
    if (kind in this.ids) return this.ids[kind];
    const maker = kMakers[kind];
    if (maker) Object.assign(this.ids, await maker(this.owner, this.text));
    else if (kAdminMakers[kind]) Object.assign(this.ids, await kAdminMakers[kind](this.admin));
    else this.ids[kind] = kFixed[kind];
    return this.ids[kind];
  }

  /** All that can be private, at once. */
  async all() {
    for (const kind of kinds) await this.id(kind);
    return this.ids;
  }
}

/** Things that are not there, with ids of the shape of those that are; new ones each time. */
export function nothings() {
  const shapes = { connection: () => '77', model: () => `preset-${randomUUID()}` };
  const ids = Object.fromEntries([...kinds].map((kind) => [kind, (shapes[kind] ?? randomUUID)()]));
  return { ids, id: (kind) => ids[kind] };
}

/** Everything that Bob can see of his own, as one text: the same before and after what others tried. */
export async function worldOf(bob, things) {
  const paths = [
    '/api/v1/auths/', '/api/v1/chats/?include_pinned=true&include_folders=true', '/api/v1/chats/all', '/api/v1/chats/archived', '/api/v1/chats/pinned',
    '/api/v1/chats/shared', '/api/v1/chats/all/tags', '/api/v1/folders/', '/api/v1/users/user/settings', '/api/v1/users/user/info',
    '/api/v1/users/user/variables', '/api/v1/users/groups', '/api/v1/users/permissions', '/api/v1/models/list', '/api/v1/auths/api_keys',
    '/api/v1/evaluations/feedbacks/user', `/api/v1/chats/${things.chat}`, `/api/v1/chats/shared/${things.sharedChat}/access`,
    `/api/v1/chats/share/${things.share}`, `/api/v1/folders/${things.folder}`, `/api/v1/evaluations/feedback/${things.feedback}`,
    `/api/v1/models/model?id=${things.model}`, `/api/v1/models/model/history?id=${things.model}`, `/api/v1/chats/folder/${things.folder}/list`,
    `/api/v1/files/${things.file}`, `/api/v1/files/${things.file}/content`, '/api/v1/files/user/search',
    '/api/v1/knowledge/', `/api/v1/knowledge/${things.knowledge}`, `/api/v1/knowledge/${things.knowledge}/files?directory_id=${things.directory}`,
  ];
  const parts = [];
  for (const path of paths) {
    const reply = await bob.get(path);
    parts.push(`${path} ${reply.status} ${withoutTimes(reply.text)}`);
  }
  return parts.join('\n');
}

/** When somebody was last seen is no change; an answer under way grows. */
function withoutTimes(text) {
  return text.replace(/#\d+( t\d+)+/g, '#').replace(/"(last_active_at|last_used_at|expires_at|last_read_at|updated_at)":\d+|"(last_used_at)":null/g, '"$1$2":0').replace(/"token":"[^"]*"/g, '"token":""');
}

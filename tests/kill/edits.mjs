// Edits that go on until the server dies, and what must be there afterwards: everything that was acknowledged, and of the one
// edit under way all or nothing.
import assert from 'node:assert/strict';
import { sleep } from '../lib/until.mjs';

let counter = 0;

/** A thing that is edited again and again. `state` is what was acknowledged last, `doubt` what the edit under way makes of it. */
class Edited {
  constructor(admin) {
    this.admin = admin;
    this.state = null;
    this.doubt = null;
    this.acknowledged = 0;
  }

  /** Edits until the connection breaks; a refusal while the server lives is a fault. */
  async editUntilDeath(random) {
    for (;;) {
      counter += 1;
      const [next, send] = this.next(counter);
      this.doubt = next;
      let reply;
      try {
        reply = await send();
      } catch {
        return;
      }
      assert.equal(reply.status, 200, `${this.constructor.name}: ${reply.text}`);
      this.state = next;
      this.acknowledged += 1;
      this.learn(reply.json);
      await sleep(random.next() * 15);
    }
  }

  learn() {}

  async check() {
    const found = await this.read();
    const fits = [this.state, this.doubt].some((state) => JSON.stringify(state) === JSON.stringify(found));
    assert.ok(fits, `${this.constructor.name}: found ${JSON.stringify(found)}, acknowledged ${JSON.stringify(this.state)}, under way ${JSON.stringify(this.doubt)}`);
    this.state = found;
    this.doubt = found;
  }
}

class Title extends Edited {
  constructor(admin, chatId) {
    super(admin);
    this.path = `/api/v1/chats/${chatId}`;
  }

  next(n) {
    const title = `Title ${n}`;
    return [title, () => this.admin.post(this.path, { chat: { title } })];
  }

  async read() {
    return (await this.admin.get(this.path, { expect: 200 })).json.title;
  }
}

class Text extends Edited {
  constructor(admin, chatId, messageId) {
    super(admin);
    Object.assign(this, { chatId, messageId });
  }

  next(n) {
    const content = `Edited ${n} times, ${'and again '.repeat(n % 20)}`;
    return [content, () => this.admin.post(`/api/v1/chats/${this.chatId}/messages/${this.messageId}`, { content })];
  }

  async read() {
    return (await this.admin.message(this.chatId, this.messageId)).content;
  }
}

class Tags extends Edited {
  constructor(admin, chatId) {
    super(admin);
    this.path = `/api/v1/chats/${chatId}/tags`;
    this.state = [];
  }

  next(n) {
    if (this.state.length > 4) {
      const [first, ...rest] = this.state;
      return [rest, () => this.admin.request('DELETE', this.path, { name: first })];
    }
    const name = `tag${String(n).padStart(9, '0')}`;
    return [[...this.state, name], () => this.admin.post(this.path, { name })];
  }

  async read() {
    return (await this.admin.get(this.path, { expect: 200 })).json.map((tag) => tag.name).sort();
  }
}

/** Chats come and go in a folder. */
class Made extends Edited {
  constructor(admin, folderId) {
    super(admin);
    this.folderId = folderId;
    this.state = [];
    this.ids = new Map();
  }

  next(n) {
    const [first, ...rest] = this.state;
    if (this.state.length > 2) return [rest, () => this.admin.delete(`/api/v1/chats/${this.ids.get(first)}`)];
    const title = `Made ${String(n).padStart(9, '0')}`;
    return [[...this.state, title], () => this.admin.post('/api/v1/chats/new', { chat: { title, models: ['numbered'] }, folder_id: this.folderId })];
  }

  learn(json) {
    if (json?.id) this.ids.set(json.title, json.id);
  }

  async read() {
    const { json } = await this.admin.get(`/api/v1/chats/folder/${this.folderId}`, { expect: 200 });
    for (const chat of json) this.ids.set(chat.title, chat.id);
    return json.map((chat) => chat.title).sort();
  }
}

class FolderName extends Edited {
  constructor(admin, folderId) {
    super(admin);
    this.path = `/api/v1/folders/${folderId}`;
  }

  next(n) {
    const name = `Folder ${n}`;
    return [name, () => this.admin.post(`${this.path}/update`, { name })];
  }

  async read() {
    return (await this.admin.get(this.path, { expect: 200 })).json.name;
  }
}

class Settings extends Edited {
  next(n) {
    const ui = { n, note: `setting ${n}` };
    return [ui, () => this.admin.post('/api/v1/users/user/settings/update', { ui })];
  }

  async read() {
    return (await this.admin.get('/api/v1/users/user/settings', { expect: 200 })).json?.ui ?? null;
  }
}

/** One of each, on chats and a folder of their own. */
export async function editedThings(admin, socket) {
  const one = await admin.ask('[[tokens=3]]', { socket });
  const folder = async (name) => (await admin.post('/api/v1/folders/', { name }, { expect: 200 })).json.id;
  const things = [
    new Title(admin, one.chatId),
    new Text(admin, one.chatId, one.userId),
    new Tags(admin, one.chatId),
    new Made(admin, await folder('Made')),
    new FolderName(admin, await folder('Renamed')),
    new Settings(admin),
  ];
  for (const thing of things) {
    thing.state = await thing.read();
    thing.doubt = thing.state;
  }
  return things;
}

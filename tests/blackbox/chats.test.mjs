// What a client does with its chats, each ability once, through the real program.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

const kChats = '/api/v1/chats';

forEachDatabase((db) => {
  describe('chats', () => {
    let provider;
    let server;
    let admin;
    let bob;
    before(async () => {
      provider = await startProvider();
      const env = { BYPASS_MODEL_ACCESS_CONTROL: 'true', ANTIPHON_RATE_LIMITS: '0' };
      server = await startServer({ provider, databaseUrl: await db.create(), env });
      admin = await server.admin();
      bob = await server.user(admin, 'Bob');
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    /** A chat of two turns, as a client that keeps its own history sends it. */
    const twoTurns = (title, word = 'gardens') => {
      const said = [['u1', 'user', `About ${word}`], ['a1', 'assistant', 'First answer'], ['u2', 'user', 'More'], ['a2', 'assistant', 'Second answer']];
      const messages = Object.fromEntries(
        said.map(([id, role, content], i) => [id, { id, role, content, parentId: said[i - 1]?.[0] ?? null, childrenIds: said[i + 1] ? [said[i + 1][0]] : [], done: true, timestamp: 1_760_000_000 + i }]),
      );
      return { title, models: ['numbered'], history: { messages, currentId: 'a2' } };
    };
    const make = async (title, word, more = {}) =>
      (await bob.post(`${kChats}/new`, { chat: twoTurns(title, word), ...more }, { expect: 200 })).json.id;
    const titles = (reply) => reply.json.map((chat) => chat.title);
    const messages = async (id, client = bob) => (await client.chat(id)).chat.history.messages;

    it('are made, read, renamed and deleted', async () => {
      const id = await make('Draft');
      assert.deepEqual(Object.keys(await messages(id)).sort(), ['a1', 'a2', 'u1', 'u2']);
      await bob.post(`${kChats}/${id}`, { chat: { title: 'Renamed' } }, { expect: 200 });
      const chat = await bob.chat(id);
      assert.equal(chat.title, 'Renamed');
      assert.equal(Object.keys(chat.chat.history.messages).length, 4, 'a new name costs no message');
      assert.equal((await bob.delete(`${kChats}/${id}`, { expect: 200 })).json, true);
      assert.equal((await bob.get(`${kChats}/${id}`)).status, 401);
    });

    it('are read by the branch, in pages, with the neighbours of each message', async () => {
      const said = [['q', null, 'user'], ...Array.from({ length: 400 }, (_, n) => [`a${n}`, 'q', 'assistant']), ['u', 'a7', 'user'], ['b', 'u', 'assistant']];
      const childrenOf = (id) => said.filter(([, parentId]) => parentId === id).map(([child]) => child);
      const messages = Object.fromEntries(said.map(([id, parentId, role]) => [id, { id, role, content: `${id} says `.padEnd(300, 'much '), parentId, childrenIds: childrenOf(id), done: true }]));
      const reply = await bob.post(`${kChats}/new`, { chat: { title: 'Branches', history: { messages, currentId: 'b' } } }, { expect: 200 });
      const { id } = reply.json;
      const branch = async (query) => (await bob.get(`${kChats}/${id}/branch?${query}`, { expect: 200 })).json.branch;
      const ids = ({ messages: list }) => list.map((message) => message.id);

      const open = await bob.get(`${kChats}/${id}/branch`, { expect: 200 });
      assert.deepEqual(ids(open.json.branch), ['q', 'a7', 'u', 'b']);
      assert.deepEqual(open.json.branch.places, { a7: { index: 7, count: 400, previous: 'a6', next: 'a8' } });
      assert.ok(open.text.length < reply.text.length / 40, `${open.text.length} of ${reply.text.length} bytes`);
      assert.equal(open.json.title, 'Branches');

      const end = await branch('limit=2');
      assert.deepEqual([ids(end), end.complete], [['u', 'b'], false]);
      const top = await branch(`limit=2&until=${end.messages[0].parentId}`);
      assert.deepEqual([ids(top), top.complete], [['q', 'a7'], true]);

      const other = await bob.post(`${kChats}/${id}/branch`, { leaf: 'a399' }, { expect: 200 });
      assert.deepEqual(ids(other.json.branch), ['q', 'a399']);
      assert.deepEqual(ids(await branch('limit=100')), ['q', 'a399'], 'the chat remembers it');
      await bob.post(`${kChats}/${id}/branch`, { leaf: 'nowhere' }, { expect: 404 });
      await bob.post(`${kChats}/${id}/branch`, {}, { expect: 422 });
    });

    it('are listed in pages of sixty, the newest first', async () => {
      const carl = await server.user(admin, 'Carl');
      for (let i = 0; i < 61; i += 1) await carl.post(`${kChats}/new`, { chat: { title: `Chat ${i}` } }, { expect: 200 });
      const pages = [];
      for (const page of [1, 2, 3]) pages.push(titles(await carl.get(`${kChats}/?page=${page}`, { expect: 200 })));
      assert.deepEqual(pages.map((page) => page.length), [60, 1, 0]);
      assert.equal(new Set(pages.flat()).size, 61);
    });

    it('are pinned and archived, which moves them from list to list', async () => {
      const [pinned, archived] = [await make('To pin'), await make('To archive')];
      await bob.post(`${kChats}/${pinned}/pin`, {}, { expect: 200 });
      await bob.post(`${kChats}/${archived}/archive`, {}, { expect: 200 });
      assert.deepEqual(titles(await bob.get(`${kChats}/pinned`)), ['To pin']);
      assert.deepEqual(titles(await bob.get(`${kChats}/archived?page=1`)), ['To archive']);
      const listed = titles(await bob.get(`${kChats}/?page=1`));
      assert.equal(listed.includes('To pin') || listed.includes('To archive'), false, `${listed}`);
      await bob.post(`${kChats}/${archived}/archive`, {}, { expect: 200 });
      await bob.post(`${kChats}/${pinned}/pin`, {}, { expect: 200 });
      const again = titles(await bob.get(`${kChats}/?page=1`));
      assert.ok(again.includes('To pin') && again.includes('To archive'), `${again}`);
    });

    it('are cloned whole and forked at a message', async () => {
      const id = await make('Original');
      const clone = (await bob.post(`${kChats}/${id}/clone`, {}, { expect: 200 })).json;
      assert.notEqual(clone.id, id);
      assert.equal(Object.keys(await messages(clone.id)).length, 4);
      const fork = (await bob.post(`${kChats}/${id}/fork`, { message_id: 'a1' }, { expect: 200 })).json;
      assert.deepEqual(Object.values(await messages(fork.id)).map((m) => m.content).sort(), ['About gardens', 'First answer']);
      assert.equal(Object.keys(await messages(id)).length, 4);
    });

    it('are shared by link, which shows what was there then, and unshared', async () => {
      const id = await make('For others');
      const { share_id: link } = (await bob.post(`${kChats}/${id}/share`, {}, { expect: 200 })).json;
      const [friend, stranger] = [await server.user(admin, 'Fay'), await server.user(admin, 'Sid')];
      const open = (who) => who.get(`${kChats}/share/${link}`);
      assert.equal((await open(friend)).status, 401, 'a link alone opens nothing');
      const grants = [{ principal_type: 'user', principal_id: friend.user.id, permission: 'read' }];
      await bob.post(`${kChats}/shared/${id}/access/update`, { access_grants: grants }, { expect: 200 });
      await bob.post(`${kChats}/${id}/messages/a2`, { content: 'Later thoughts' }, { expect: 200 });
      assert.equal((await open(friend)).json.chat.history.messages.a2.content, 'Second answer');
      assert.equal((await open(stranger)).status, 401);
      await bob.delete(`${kChats}/${id}/share`, { expect: 200 });
      assert.equal((await open(friend)).status, 401);
    });

    it('carry tags, and are found by them', async () => {
      const id = await make('Tagged');
      const { json } = await bob.post(`${kChats}/${id}/tags`, { name: 'Deep Work' }, { expect: 200 });
      assert.deepEqual(json.map((tag) => tag.id), ['deep_work']);
      assert.deepEqual((await bob.get(`${kChats}/all/tags`)).json.map((tag) => tag.name), ['Deep Work']);
      assert.deepEqual(titles(await bob.post(`${kChats}/tags`, { name: 'Deep Work' })), ['Tagged']);
      await bob.request('DELETE', `${kChats}/${id}/tags`, { name: 'Deep Work' }, { expect: 200 });
      assert.deepEqual((await bob.get(`${kChats}/all/tags`)).json, []);
    });

    it('lie in folders in folders, whose prompt reaches the model', async () => {
      const outer = (await bob.post('/api/v1/folders/', { name: 'Outer', data: { system_prompt: 'Speak like a gardener.' } }, { expect: 200 })).json;
      const inner = (await bob.post('/api/v1/folders/', { name: 'Inner', parent_id: outer.id }, { expect: 200 })).json;
      assert.equal(inner.parent_id, outer.id);
      const id = await make('Filed');
      await bob.post(`${kChats}/${id}/folder`, { folder_id: inner.id }, { expect: 200 });
      assert.deepEqual(titles(await bob.get(`${kChats}/folder/${inner.id}/list?page=1`)), ['Filed']);
      const socket = await bob.connect();
      const turn = await bob.ask('Filed too [[tokens=3]]', { socket, body: { folder_id: inner.id } });
      const call = provider.calls.findLast((one) => JSON.stringify(one.messages).includes('Filed too') && !one.task);
      assert.match(call.messages[0].content, /Speak like a gardener\./);
      assert.equal((await bob.chat(turn.chatId)).folder_id, inner.id);
      await bob.delete(`/api/v1/folders/${outer.id}?delete_contents=false`, { expect: 200 });
      assert.equal((await bob.get(`${kChats}/${id}`)).status, 200, 'chats outlive their folder when asked to');
    });

    it('are searched in titles and texts, with snippets and operators', async () => {
      const [plain, marked] = [await make('Zeppelins', 'airships'), await make('Marked', 'airships')];
      await bob.post(`${kChats}/${marked}/tags`, { name: 'Flying' }, { expect: 200 });
      await bob.post(`${kChats}/${marked}/pin`, {}, { expect: 200 });
      const old = await make('Old', 'airships');
      await bob.post(`${kChats}/${old}/archive`, {}, { expect: 200 });
      const folder = (await bob.post('/api/v1/folders/', { name: 'Sky' }, { expect: 200 })).json;
      await bob.post(`${kChats}/${plain}/folder`, { folder_id: folder.id }, { expect: 200 });
      await bob.post(`${kChats}/${plain}/share`, {}, { expect: 200 });
      const find = async (text) => titles(await bob.get(`${kChats}/search?text=${encodeURIComponent(text)}`, { expect: 200 })).sort();
      const hit = (await bob.get(`${kChats}/search?text=airship`)).json;
      assert.deepEqual(hit.map((chat) => chat.snippet), ['About airships', 'About airships']);
      for (const [text, wanted] of [
        ['zeppelin', ['Zeppelins']], ['airships', ['Marked', 'Zeppelins']], ['airships tag:flying', ['Marked']], ['airships tag:none', ['Zeppelins']],
        ['airships pinned:true', ['Marked']], ['airships archived:true', ['Old']], ['airships folder:sky', ['Zeppelins']], ['airships shared:true', ['Zeppelins']],
      ]) assert.deepEqual(await find(text), wanted, text);
    });

    it('are exported and imported without loss', async () => {
      const dora = await server.user(admin, 'Dora');
      await dora.post(`${kChats}/new`, { chat: twoTurns('Travels') }, { expect: 200 });
      const lines = (await dora.get(`${kChats}/all`, { expect: 200 })).text.trim().split('\n').map((line) => JSON.parse(line));
      assert.equal(lines.length, 1);
      const eve = await server.user(admin, 'Eva');
      const { chat, created_at, updated_at, pinned, meta } = lines[0];
      await eve.post(`${kChats}/import`, { chats: [{ chat, created_at, updated_at, pinned, meta }] }, { expect: 200 });
      const [copy] = (await eve.get(`${kChats}/?page=1`)).json;
      assert.deepEqual([copy.title, copy.created_at, copy.updated_at], ['Travels', created_at, updated_at]);
      const there = await messages(copy.id, eve);
      assert.deepEqual(Object.values(there).map((m) => m.content).sort(), Object.values(chat.history.messages).map((m) => m.content).sort());
    });

    it('lose or change one message without touching the others', async () => {
      const id = await make('Edited');
      await bob.post(`${kChats}/${id}/messages/a1`, { content: 'A better answer' }, { expect: 200 });
      await bob.delete(`${kChats}/${id}/messages/a2`, { expect: 200 });
      const left = await messages(id);
      assert.equal(left.a1.content, 'A better answer');
      assert.equal(left.u2.content, 'More');
      assert.equal(left.a2, undefined);
    });

    it('never lose history to a client that knows less of it', async () => {
      const id = await make('Shared between windows');
      const { u1 } = await messages(id);
      await bob.post(`${kChats}/${id}`, { chat: { history: { messages: { u1: { ...u1, childrenIds: [] } }, currentId: 'u1' } } }, { expect: 200 });
      assert.deepEqual(Object.keys(await messages(id)).sort(), ['a1', 'a2', 'u1', 'u2']);
    });
  });
});

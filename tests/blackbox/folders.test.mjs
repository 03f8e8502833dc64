// Folders that several people see: who may do what there, and what stays when the sharing ends.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

const kFolders = '/api/v1/folders';
const kChats = '/api/v1/chats';
const grant = (principal_id, permission = 'read', principal_type = 'user') => ({ principal_type, principal_id, permission });

forEachDatabase((db) => {
  describe('shared folders', () => {
    let provider;
    let server;
    let admin;
    let bob;
    let eve;
    before(async () => {
      provider = await startProvider();
      const env = { BYPASS_MODEL_ACCESS_CONTROL: 'true', ANTIPHON_RATE_LIMITS: '0', USER_PERMISSIONS_FOLDERS_ALLOW_SHARING: 'true' };
      server = await startServer({ provider, databaseUrl: await db.create(), env });
      admin = await server.admin();
      bob = await server.user(admin, 'Bob');
      eve = await server.user(admin, 'Eve');
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    const make = async (name, data) => (await bob.post(`${kFolders}/`, { name, data }, { expect: 200 })).json.id;
    const share = (id, access_grants, expect = 200) => bob.post(`${kFolders}/${id}/access/update`, { access_grants }, { expect });
    const ask = async (client, content, folder_id) => client.ask(`${content} [[tokens=2]]`, { socket: await client.connect(), body: { folder_id, params: { system: 'my own words' } } });
    const shared = async (client) => (await client.get(`${kFolders}/shared`, { expect: 200 })).json;
    const inside = async (client, id) => (await client.get(`${kFolders}/${id}/shared/chats?page=1`, { expect: 200 })).json;

    it('row 69: are read by whom they are shared with, and by nobody else', async () => {
      const id = await make('Plans', { system_prompt: 'Speak like a planner.' });
      const { chatId } = await ask(bob, 'The plan', id);
      const { chatId: elsewhere } = await ask(bob, 'Something else');
      for (const path of [`${kFolders}/${id}`, `${kFolders}/${id}/shared/chats`]) assert.equal((await eve.get(path)).status, 404, path);
      assert.equal((await eve.get(`${kChats}/${chatId}`)).status, 401);

      const { json } = await share(id, [grant(eve.user.id)]);
      assert.deepEqual(json.access_grants.map((one) => [one.principal_id, one.permission, one.resource_type]), [[eve.user.id, 'read', 'folder']]);
      const [line] = await shared(eve);
      assert.deepEqual([line.id, line.name, line.owner_name, line.permission], [id, 'Plans', 'Bob', 'read']);
      const folder = (await eve.get(`${kFolders}/${id}`, { expect: 200 })).json;
      assert.deepEqual([folder.write_access, folder.data, folder.access_grants], [false, null, []]);
      const { chats, folder_permission, total, has_more } = await inside(eve, id);
      assert.deepEqual([chats.map((chat) => chat.id), chats[0].user_id, folder_permission], [[chatId], bob.user.id, 'read']);
      assert.deepEqual([chats[0].readonly, chats[0].participants, total, has_more], [true, [{ id: bob.user.id, name: bob.user.name }], 1, false]);
      const reply = await eve.get(`${kChats}/${chatId}`, { expect: 200 });
      assert.match(reply.text, /The plan/);
      assert.doesNotMatch(reply.text, /my own words/, 'how the model was set up is the owner\'s');
      const fork = (await eve.post(`${kChats}/${chatId}/fork`, {}, { expect: 200 })).json;
      assert.equal(fork.user_id, eve.user.id);
      assert.equal(fork.folder_id, null);

      assert.equal((await eve.get(`${kChats}/${elsewhere}`)).status, 401);
      assert.equal((await admin.get(`${kFolders}/${id}`)).status, 404);
      for (const [method, path, body] of [
        ['POST', `${kChats}/${chatId}`, { chat: { title: 'Mine' } }], ['DELETE', `${kChats}/${chatId}`], ['POST', `${kChats}/${chatId}/share`, {}],
        ['POST', `${kFolders}/${id}/update`, { name: 'Mine' }], ['DELETE', `${kFolders}/${id}`], ['POST', `${kFolders}/${id}/access/update`, { access_grants: [] }],
        ['POST', `${kChats}/new`, { chat: { title: 'x' }, folder_id: id }], ['POST', `${kFolders}/`, { name: 'sub', parent_id: id }],
      ]) assert.ok([401, 404].includes((await eve.request(method, path, body)).status), `${method} ${path}`);
      assert.equal((await bob.chat(chatId)).title, (await eve.get(`${kChats}/${chatId}`)).json.title);
    });

    it('take chats of whom they are open to for writing, and keep their words from those they are closed to', async () => {
      const id = await make('Team', { system_prompt: 'Speak like a team.' });
      await share(id, [grant(eve.user.id, 'write')]);
      const { chatId } = await ask(eve, 'From Eve', id);
      const call = provider.calls.findLast((one) => JSON.stringify(one.messages).includes('From Eve') && !one.task);
      assert.match(JSON.stringify(call.messages), /Speak like a team\./);
      assert.deepEqual((await inside(bob, id)).chats.map((chat) => chat.id), [chatId]);
      assert.equal((await inside(bob, id)).folder_permission, 'write');
      assert.match((await bob.get(`${kChats}/${chatId}`, { expect: 200 })).text, /From Eve/);
      assert.equal((await bob.delete(`${kChats}/${chatId}`)).status, 404);
      await eve.post(`${kFolders}/${id}/update`, { name: 'Our team' }, { expect: 200 });
      assert.ok((await bob.get(`${kFolders}/`)).json.some((folder) => folder.name === 'Our team'));

      await share(id, []);
      assert.ok(!(await shared(eve)).some((folder) => folder.id === id));
      assert.equal((await eve.get(`${kFolders}/${id}`)).status, 404);
      assert.ok((await eve.get(`${kChats}/?page=1`)).json.some((chat) => chat.id === chatId), 'her chat is in her own list');
      await eve.ask('Again [[tokens=2]]', { socket: await eve.connect(), chatId, parentId: (await eve.chat(chatId)).chat.history.currentId });
      const later = provider.calls.findLast((one) => JSON.stringify(one.messages).includes('Again') && !one.task);
      assert.doesNotMatch(JSON.stringify(later.messages), /Speak like a team/);
      await bob.delete(`${kFolders}/${id}`, { expect: 200 });
      const kept = await eve.chat(chatId);
      assert.equal(kept.folder_id, null, 'deleting the folder takes her chat out of it, and no more');
    });

    it('are shared with groups, and not beyond what the owner may', async () => {
      const id = await make('Grouped');
      const group = (await admin.post('/api/v1/groups/create', { name: 'Readers', description: '' }, { expect: 200 })).json.id;
      await share(id, [grant(group, 'read', 'group')]);
      assert.equal((await eve.get(`${kFolders}/${id}`)).status, 404);
      await admin.post(`/api/v1/groups/id/${group}/users/add`, { user_ids: [eve.user.id] }, { expect: 200 });
      assert.equal((await eve.get(`${kFolders}/${id}`)).status, 200);
      await share(id, [grant('*')], 403);
      await share(id, [grant('*', 'read', 'anyone')], 400);
      assert.equal((await bob.post(`${kFolders}/${id}/access/update`, { access_grants: [], share_mode: 'continue' })).status, 400);
      assert.equal((await eve.get(`${kFolders}/${id}`)).status, 200, 'a refused change changes nothing');
    });
  });
});

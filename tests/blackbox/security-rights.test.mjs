// Who may do what to whom, where the matrix cannot tell it from the declaration: bodies that name things, switches and permissions,
// what goes on without a request, and what answers hold.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { publish, threePeople, turnOf } from '../lib/security.mjs';
import { sleep, until } from '../lib/until.mjs';
import { upload } from '../lib/uploads.mjs';
import { startProvider } from '../provider/provider.mjs';

const kComplete = '/api/chat/completions';

forEachDatabase((db) => {
  describe('rights', () => {
    let provider;
    let server;
    let admin;
    let bob;
    let eve;
    let bobs; // his chat: {id, question, answer}
    before(async () => {
      provider = await startProvider();
      ({ server, admin, bob, eve } = await threePeople(db, { provider, env: { ENABLE_OLLAMA_API: 'true', OLLAMA_BASE_URL: provider.url } }));
      await publish(admin, 'numbered');
      const turn = await bob.ask('Bobs question [[tokens=3]]', { socket: await bob.connect() });
      bobs = { id: turn.chatId, answer: turn.messageId, before: await bob.chat(turn.chatId) };
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    /** Refused; of a model one may not use, a turn says what it says of one that is not there, in upstream's words. */
    const isDenied = (reply, what) => {
      const unknownModel = reply.status === 400 && reply.json?.detail === 'Model not found';
      assert.ok(unknownModel || [401, 403, 404].includes(reply.status), `${what}: ${reply.status} ${reply.text.slice(0, 200)}`);
    };
    const bobsIsUnchanged = async () => assert.deepEqual((await bob.chat(bobs.id)).chat, bobs.before.chat);

    it("row 58: a turn in somebody else's chat, or a continuation of it, is refused and starts nothing", async () => {
      const calls = provider.calls.length;
      for (const fields of [{ chat_id: bobs.id }, { chat_id: bobs.id, session_id: 'x' }, { chat_id: bobs.id, assistant_message_id: bobs.answer }]) {
        isDenied(await eve.post(kComplete, turnOf(fields)), JSON.stringify(fields));
      }
      isDenied(await eve.post(`/api/tasks/chat/${bobs.id}/stop`), 'stop');
      await bobsIsUnchanged();
      assert.equal(provider.calls.length, calls);
    });

    it("row 63: no turn writes into a channel, nor over somebody else's message, first or second of several", async () => {
      const channel = await eve.post(kComplete, turnOf({ chat_id: `channel:${randomUUID()}` }));
      assert.equal(channel.status, 403, channel.text);
      const mine = await eve.ask('mine [[tokens=1]]', { socket: await eve.connect() });
      const own = { chat_id: mine.chatId, parent_id: mine.messageId };
      for (const ids of [[bobs.answer], [randomUUID(), bobs.answer]]) {
        const message_ids = ids.map((message_id) => ({ model_id: 'numbered', message_id }));
        await eve.post(kComplete, turnOf({ ...own, id: ids[0], message_ids }));
        await eve.post(kComplete, turnOf({ id: ids[0], message_ids }));
      }
      await eve.post(kComplete, turnOf({ ...own, assistant_message_id: bobs.answer }));
      await sleep(300);
      await bobsIsUnchanged();
    });

    it("row 65: nothing is filed in somebody else's folder, by whatever route", async () => {
      const folder = (await bob.post('/api/v1/folders/', { name: 'Bobs' }, { expect: 200 })).json.id;
      const calls = provider.calls.length;
      isDenied(await eve.post(kComplete, turnOf({ folder_id: folder })), 'a first turn');
      isDenied(await eve.post(kComplete, turnOf({ folder_id: randomUUID() })), 'a first turn in no folder');
      assert.equal(provider.calls.length, calls);
      const chat = { title: 'x', history: { messages: {}, currentId: null } };
      isDenied(await eve.post('/api/v1/chats/new', { chat, folder_id: folder }), 'new');
      isDenied(await eve.post('/api/v1/chats/import', { chats: [{ chat }, { chat, folder_id: folder }] }), 'import');
      const own = (await eve.post('/api/v1/chats/new', { chat }, { expect: 200 })).json.id;
      isDenied(await eve.post(`/api/v1/chats/${own}/folder`, { folder_id: folder }), 'move');
      isDenied(await eve.post('/api/v1/folders/', { name: 'sub', parent_id: folder }), 'subfolder');
      assert.equal((await eve.get(`/api/v1/chats/${own}`)).json.folder_id, null);
      assert.equal((await eve.post(kComplete, turnOf({ folder_id: null }))).status, 200);
    });

    it("row 66: a version of somebody else's model is not reached through one's own", async () => {
      await admin.post('/api/v1/configs/settings', { changes: { 'user.permissions': { workspace: { models: true } } } }, { expect: 200 });
      const form = (id) => ({ id, name: id, base_model_id: 'numbered', meta: {}, params: { system: 'of Bob' } });
      for (const [who, id] of [[bob, 'bobs'], [eve, 'eves']]) await who.post('/api/v1/models/create', form(id), { expect: 200 });
      await bob.post('/api/v1/models/model/update?id=bobs', form('bobs'), { expect: 200 });
      const versions = (await bob.get('/api/v1/models/model/history?id=bobs', { expect: 200 })).json;
      for (const { id } of versions) {
        isDenied(await eve.get(`/api/v1/models/model/history/${id}?id=eves`), 'read');
        isDenied(await eve.post('/api/v1/models/model/update/version?id=eves', { version_id: id }), 'restore');
        const removed = await eve.delete(`/api/v1/models/model/history/${id}?id=eves`);
        if (removed.status === 200) assert.equal(removed.json, false);
      }
      assert.deepEqual((await bob.get('/api/v1/models/model/history?id=bobs')).json, versions);
    });

    it('row 68: a model one may not use is reached by none of sixteen ways', async () => {
      await admin.post('/api/v1/configs/settings', { changes: { 'user.permissions': { workspace: { models: true, models_import: true } } } }, { expect: 200 });
      const restricted = 'numbered-slow'; // Of the same server, given to nobody.
      await admin.get('/api/models?refresh=true', { expect: 200 });
      const calls = provider.calls.length;
      const messages = [{ role: 'user', content: '[[tokens=1]]' }];
      const base = { id: `own-${randomUUID()}`, name: 'x', base_model_id: restricted, meta: {}, params: {} };
      await eve.post('/api/v1/models/create', base);
      await eve.post('/api/v1/models/import', { models: [{ ...base, id: `${base.id}-2` }] });
      const plain = { model: restricted, messages, stream: false, max_tokens: 5, input: 'x', prompt: 'x' };
      const ways = [
        [kComplete, plain],
        ['/api/v1/chat/completions', plain],
        [kComplete, { ...plain, model: base.id }],
        [kComplete, { ...plain, model: `${base.id}-2` }],
        [kComplete, turnOf({ model: restricted })],
        [kComplete, turnOf({ message_ids: [{ model_id: 'numbered', message_id: randomUUID() }, { model_id: restricted, message_id: randomUUID() }] })],
        [kComplete, { ...plain, model: 'numbered', model_item: { id: restricted, base_model_id: restricted, owned_by: 'arena' } }],
        ['/openai/chat/completions', plain],
        [`/openai/chat/completions?bypass_filter=true&url_idx=0`, { ...plain, bypass_filter: true, url_idx: 0 }],
        ['/openai/responses', plain],
        ['/openai/embeddings', plain],
        ['/api/v1/messages', plain],
        ['/api/message', plain],
        ['/ollama/api/chat/0', { ...plain, model: 'pebble:1b' }],
        ['/ollama/api/generate', { ...plain, model: 'pebble:7b' }],
        ['/ollama/api/show', { model: 'pebble:1b' }],
        ['/ollama/v1/chat/completions', { ...plain, model: 'pebble:1b' }],
      ];
      for (const [path, body] of ways) {
        const reply = await eve.post(path, body);
        // With a model of one's own beside it the call may go on, but never to the other one.
        if (body.model !== 'numbered' || body.message_ids?.length > 1) isDenied(reply, `${path} ${JSON.stringify(body).slice(0, 120)}`);
      }
      const reached = provider.calls.slice(calls).filter((call) => call.model !== 'numbered');
      assert.deepEqual(reached.map((call) => `${call.path} ${call.model}`), []);
      assert.equal((await admin.post(kComplete, plain)).status, 200, 'the administrator may');
    });

    it("rows 55, 129: what a model asks of tools is an attacker's word: no id of others, no address, no tool that is not there", async () => {
      const args = JSON.stringify({ chat_id: bobs.id, user_id: bob.user.id, url: `${provider.url}/fetched`, query: 'Bobs question', path: '/etc/passwd' });
      for (const tool of ['get_current_timestamp', 'view_chat', 'search_chats', 'fetch_url', '__proto__']) {
        const calls = provider.calls.length;
        const turn = turnOf();
        turn.user_message.content = `ask ${tool} [[tokens=1]]`;
        provider.script({ tool, args, tokens: 1 }, { contains: `ask ${tool}` });
        await eve.post(kComplete, turn, { expect: 200 });
        const told = JSON.stringify(provider.calls.slice(calls).map((call) => call.messages.filter((message) => message.role === 'tool')));
        assert.match(told, /"role":"tool"/, `${tool}: the model was answered`);
        assert.doesNotMatch(told, /Bobs question|root:x:0/, tool);
      }
      assert.equal(provider.calls.filter((call) => call.path.includes('fetched')).length, 0);
    });

    it('row 27: an import that points at files of the server or of others brings none of them', async () => {
      const calls = provider.calls.length;
      for (const url of ['file:///etc/passwd', '/etc/passwd', '../../etc/passwd', `/api/v1/files/${bobs.id}/content`, `${server.url}/api/v1/chats/${bobs.id}`]) {
        const files = [{ type: 'file', id: bobs.id, url }, { type: 'image', url }];
        const messages = { q: { id: 'q', parentId: null, childrenIds: [], role: 'user', content: '[[tokens=1]]', files, timestamp: 1 } };
        const made = await eve.post('/api/v1/chats/import', { chats: [{ chat: { title: url, files, history: { messages, currentId: 'q' } }, meta: { tags: [url] } }] });
        assert.ok(made.status < 500, `${made.status}`);
        if (made.status !== 200) continue;
        await eve.post(kComplete, turnOf({ chat_id: made.json[0].id, parent_id: 'q', user_message: { id: 'q', role: 'user', content: '[[tokens=1]]' } }));
        assert.doesNotMatch((await eve.get(`/api/v1/chats/${made.json[0].id}`)).text, /root:x:0|Bobs question/);
      }
      assert.doesNotMatch(JSON.stringify(provider.calls.slice(calls).map((call) => call.body)), /root:x:0|Bobs question/);
      const foreign = await eve.post('/api/v1/chats/import', { chats: [{ chat: { title: 'x' }, folder_id: randomUUID() }] });
      isDenied(foreign, 'a folder that is not hers');
    });

    it('rows 47, 49: a file named in a message is neither read nor fetched, and its name is no way to a chat', async () => {
      const calls = provider.calls.length;
      const named = ['fid', '/api/v1/files/fid/content', `${server.url}/api/v1/files/fid/content`, `${server.url}/api/v1/chats/${bobs.id}`, 'file:///etc/passwd', `${provider.url}/fetched`];
      for (const url of named) {
        const content = [{ type: 'text', text: '[[tokens=1]]' }, { type: 'image_url', image_url: { url } }];
        const files = [{ type: 'file', id: bobs.id, url }, { type: 'chat', id: bobs.id }, { type: 'image', url }];
        await eve.post(kComplete, { model: 'numbered', messages: [{ role: 'user', content }], stream: false, files });
        const turn = turnOf({ files });
        turn.user_message.content = '[[tokens=1]]';
        turn.user_message.files = files;
        await eve.post(kComplete, turn);
      }
      const told = JSON.stringify(provider.calls.slice(calls).map((call) => call.body));
      assert.ok(provider.calls.length >= calls + named.length);
      for (const secret of ['Bobs question', 'root:x:0']) assert.ok(!told.includes(secret), secret);
      assert.equal(provider.calls.filter((call) => call.path.includes('fetched')).length, 0);
    });

    it('row 64: what users learn of one another is a name and a face', async () => {
      const group = (await admin.post('/api/v1/groups/create', { name: 'G', description: 'd', data: { config: { share: true } } }, { expect: 200 })).json.id;
      await admin.post(`/api/v1/groups/id/${group}/users/add`, { user_ids: [bob.user.id] }, { expect: 200 });
      const allowed = ['id', 'name', 'email', 'role', 'bio', 'groups', 'is_active', 'last_active_at', 'timezone', 'status_emoji', 'status_message', 'status_expires_at'];
      const found = (await eve.get('/api/v1/users/search?query=bob', { expect: 200 })).json.users[0];
      const info = (await eve.get(`/api/v1/users/${bob.user.id}/info`, { expect: 200 })).json;
      for (const shown of [found, info]) assert.deepEqual(Object.keys(shown).filter((key) => !allowed.includes(key)), []);
      const shown = (await eve.get(`/api/v1/groups/id/${group}/info`)).json;
      assert.deepEqual(Object.keys(shown).filter((key) => ['permissions', 'data', 'meta', 'user_ids', 'users'].includes(key)), []);
      for (const path of ['members', 'export']) isDenied(await eve.get(`/api/v1/groups/id/${group}/${path}`), path);
      isDenied(await eve.post(`/api/v1/groups/id/${group}/users`), 'users');
    });

    it('row 73, lesson 6: a field that would give more is never bound', async () => {
      await eve.post('/api/v1/auths/update/profile', { name: 'Eve', profile_image_url: '/user.png', role: 'admin', email: 'root@x.io', id: admin.user.id });
      await eve.post('/api/v1/users/user/settings/update', { role: 'admin', ui: { role: 'admin' } });
      await eve.post('/api/v1/users/user/info/update', { role: 'admin' });
      await eve.post('/api/v1/users/user/status/update', { role: 'admin', user_id: bob.user.id, status_message: 'x' });
      const me = (await eve.get('/api/v1/auths/', { expect: 200 })).json;
      assert.deepEqual([me.id, me.role, me.email], [eve.user.id, 'user', 'eve@x.io']);
      const chat = (await eve.post('/api/v1/chats/new', { chat: { title: 'x', user_id: bob.user.id }, user_id: bob.user.id }, { expect: 200 })).json;
      assert.equal(chat.user_id, eve.user.id);
    });

    it('row 80: what waits in the background is not done for somebody who was let go', async () => {
      const carl = await server.user(admin, 'Carl');
      const socket = await carl.connect();
      const turn = await carl.send('Carls [[tokens=40 delay=20]]', { socket, tasks: true });
      await turn.tokens(2);
      await admin.post(`/api/v1/users/${carl.user.id}/update`, { role: 'pending' }, { expect: 200 });
      const background = () => provider.calls.filter((call) => call.task && JSON.stringify(call.messages).includes('Carls')).length;
      const before = background(); // The title is asked for as soon as there is a question.
      await until(() => provider.calls.every((call) => call.closedAt), { ms: 10_000, what: 'answers under way end' });
      await sleep(1500);
      assert.equal(background(), before, 'no tags, no follow-ups');
    });

    it('rows 91, 130: no code of users is taken in by any way, and there is no SCIM', async () => {
      for (const path of ['/api/v1/tools/', '/api/v1/functions/', '/api/v1/pipelines/', '/api/v1/skills/', '/api/v1/files/', '/api/v1/retrieval/']) {
        const before = (await admin.get(path)).text;
        for (const who of [eve, admin]) {
          for (const verb of ['create', 'add', 'upload', 'import', 'sync', 'load/url', '']) {
            const reply = await who.post(`${path}${verb}`, { id: 'x', name: 'x', content: 'import os', meta: {}, url: 'https://example.org' });
            // Files are taken as forms only, kept as bytes and never run.
            const expected = `${path}${verb}` === '/api/v1/files/' ? [422] : [404, 405];
            assert.ok(expected.includes(reply.status) && reply.json?.detail, `${path}${verb}: ${reply.status} ${reply.text.slice(0, 100)}`);
          }
        }
        assert.equal((await admin.get(path)).text, before, path);
      }
      for (const path of ['/scim/v2/Users', '/api/v1/scim/v2/Users?filter=userName%20eq%20%22a%22%20or%201%20eq%201']) {
        for (const who of [server.client(), eve, admin]) {
          const reply = await who.get(path);
          assert.ok(reply.status === 404 && reply.json?.detail, `${path}: ${reply.status}`);
        }
      }
    });

    describe('row 69: a permission that is taken away closes every way to what it names', () => {
      /** [permission, what is tried] – each is allowed first and refused afterwards. */
      const chatForm = { chat: { title: 'x', history: { messages: {}, currentId: null } } };
      const newChat = async () => (await eve.post('/api/v1/chats/new', chatForm, { expect: 200 })).json.id;
      const answered = async () => {
        const turn = turnOf({ session_id: 'nobody' });
        const { chat_id: chat } = (await eve.post(kComplete, turn, { expect: 200 })).json;
        await until(async () => (await eve.message(chat, turn.id)).done, { ms: 10_000, what: 'the answer is done' });
        return { chat, question: turn.user_message.id, answer: turn.id };
      };
      const cases = {
        'chat.delete': [async () => eve.delete(`/api/v1/chats/${await newChat()}`), async () => eve.delete('/api/v1/chats/')],
        'chat.file_upload': [() => upload(eve, 'x', 'x.txt')],
        'chat.share': [async () => eve.post(`/api/v1/chats/${await newChat()}/share`)],
        'chat.import': [
          async () => eve.post('/api/v1/chats/import', { chats: [chatForm] }),
          async () => eve.post(`/api/v1/chats/${await newChat()}/clone`),
        ],
        'chat.export': [() => eve.get('/api/v1/chats/all'), () => eve.get('/api/v1/chats/all/archived')],
        'chat.edit': [
          async () => {
            const { chat, question } = await answered();
            return eve.post(`/api/v1/chats/${chat}/messages/${question}`, { content: 'changed' });
          },
        ],
        'chat.delete_message': [
          async () => {
            const { chat, answer } = await answered();
            return eve.delete(`/api/v1/chats/${chat}/messages/${answer}`);
          },
        ],
        'chat.continue_response': [
          async () => {
            const { chat, question, answer } = await answered();
            return eve.post(kComplete, turnOf({ chat_id: chat, parent_id: question, assistant_message_id: answer, user_message: undefined }));
          },
        ],
        'chat.regenerate_response': [
          async () => {
            const { chat, question } = await answered();
            return eve.post(kComplete, turnOf({ chat_id: chat, parent_id: question, user_message: undefined }));
          },
          async () => {
            const { chat, question } = await answered();
            return eve.post(kComplete, turnOf({ chat_id: chat, user_message: { id: question, role: 'user', content: '[[tokens=1]]' } }));
          },
        ],
        'chat.multiple_models': [() => eve.post(kComplete, turnOf({ message_ids: [0, 1].map(() => ({ model_id: 'numbered', message_id: randomUUID() })) }))],
        'chat.temporary': [
          () => eve.post(kComplete, turnOf({ chat_id: `temporary:${randomUUID()}`, messages: [{ role: 'user', content: '[[tokens=1]]' }], session_id: 'x' })),
          () => eve.post(kComplete, turnOf({ chat_id: `local:${randomUUID()}`, messages: [{ role: 'user', content: '[[tokens=1]]' }], session_id: 'x' })),
        ],
        'features.folders': [
          () => eve.get('/api/v1/folders/'),
          () => eve.post('/api/v1/folders/', { name: randomUUID() }),
          () => eve.get('/api/v1/folders/shared'),
        ],
      };
      const setPermission = async (leaf, on) => {
        const [branch, name] = leaf.split('.');
        await admin.post('/api/v1/configs/settings', { changes: { 'user.permissions': { [branch]: { [name]: on } } } }, { expect: 200 });
      };
      for (const [leaf, tries] of Object.entries(cases)) {
        it(leaf, async () => {
          await setPermission(leaf, true);
          const before = [];
          for (const attempt of tries) before.push((await attempt()).status);
          assert.deepEqual(before, tries.map(() => 200), 'allowed first');
          await setPermission(leaf, false);
          try {
            for (const attempt of tries) isDenied(await attempt(), leaf);
          } finally {
            await setPermission(leaf, true);
          }
        });
      }

      it('chat.edit, by a whole-chat write: new messages come, old words stay', async () => {
        const { chat, question, answer } = await answered();
        const before = (await eve.chat(chat)).chat.history.messages;
        await setPermission('chat.edit', false);
        try {
          const messages = structuredClone(before);
          messages[question].content = 'forged question';
          messages[answer].content = 'forged answer';
          messages[answer].output = [{ type: 'message', content: [{ type: 'output_text', text: 'forged answer' }] }];
          await eve.post(`/api/v1/chats/${chat}`, { chat: { history: { messages, currentId: answer } } }, { expect: 200 });
          const after = (await eve.chat(chat)).chat.history.messages;
          assert.equal(after[question].content, before[question].content);
          assert.equal(after[answer].content, before[answer].content);
          assert.doesNotMatch(JSON.stringify(after), /forged/);
        } finally {
          await setPermission('chat.edit', true);
        }
      });

      it('chat.temporary_enforced: nothing is kept', async () => {
        await setPermission('chat.temporary_enforced', true);
        try {
          isDenied(await eve.post(kComplete, turnOf()), 'a turn that is kept');
        } finally {
          await setPermission('chat.temporary_enforced', false);
        }
      });

      it('chat.params, chat.system_prompt: what the caller sets does not reach the model', async () => {
        const told = async () => {
          await eve.post(kComplete, turnOf({ params: { temperature: 0.123, system: 'my own system prompt' } }), { expect: 200 });
          return provider.calls.filter((call) => !call.task).at(-1).body;
        };
        const free = await told();
        assert.equal(free.temperature, 0.123);
        assert.match(JSON.stringify(free.messages), /my own system prompt/);
        for (const [leaf, check] of [['chat.params', (body) => assert.equal(body.temperature, undefined)], ['chat.system_prompt', (body) => assert.doesNotMatch(JSON.stringify(body.messages), /my own system prompt/)]]) {
          await setPermission(leaf, false);
          try {
            check(await told());
          } finally {
            await setPermission(leaf, true);
          }
        }
      });
    });

    describe('row 69: a switch that is off closes the API behind it', () => {
      const off = async (key, value, act) => {
        const all = (await admin.get('/api/v1/configs/settings', { expect: 200 })).json;
        await admin.post('/api/v1/configs/settings', { changes: { [key]: value } }, { expect: 200 });
        try {
          await act();
        } finally {
          await admin.post('/api/v1/configs/settings', { changes: {}, reset: [key] });
        }
        return all;
      };
      it('API keys', async () => {
        await off('auth.enable_api_keys', false, async () => {
          for (const who of [eve, admin]) isDenied(await who.post('/api/v1/auths/api_keys', { name: 'k' }), 'make');
        });
      });
      it('OpenAI-compatible servers', async () => {
        await off('openai.enable', false, async () => {
          const reply = await admin.post('/openai/chat/completions', { model: 'numbered', messages: [{ role: 'user', content: 'x' }] });
          assert.equal(reply.status, 503, reply.text);
          isDenied(await eve.post(kComplete, { model: 'numbered', messages: [{ role: 'user', content: 'x' }] }), 'completions');
        });
      });
      it('Ollama', async () => {
        await off('ollama.enable', false, async () => {
          const reply = await admin.post('/ollama/api/chat', { model: 'pebble:1b', messages: [{ role: 'user', content: 'x' }] });
          assert.ok([403, 404, 503].includes(reply.status), `${reply.status} ${reply.text}`);
        });
      });
      it('signing up', async () => {
        const reply = await server.client().signUp({ name: 'N', email: 'n@x.io', password: 'a good pass 17' }, { expect: null });
        assert.equal(reply.status, 403);
      });
    });
  });

  describe('row 69: administrators who may not look into chats', () => {
    let server;
    let admin;
    let bob;
    before(async () => {
      ({ server, admin, bob } = await threePeople(db, { env: { ENABLE_ADMIN_CHAT_ACCESS: 'false', ENABLE_ADMIN_EXPORT: 'false' } }));
    });
    after(() => server?.close());

    it('see, copy, share, delete and export none', async () => {
      const { json: chat } = await bob.post('/api/v1/chats/new', { chat: { title: 'Bobs', history: { messages: {}, currentId: null } } }, { expect: 200 });
      const share = (await bob.post(`/api/v1/chats/${chat.id}/share`, {}, { expect: 200 })).json.share_id;
      const tries = [
        ['GET', `/api/v1/chats/${chat.id}`], ['GET', `/api/v1/chats/list/user/${bob.user.id}`], ['GET', `/api/v1/chats/share/${share}`], ['GET', '/api/v1/chats/all/db'],
        ['POST', `/api/v1/chats/${chat.id}/clone`], ['POST', `/api/v1/chats/${share}/clone/shared`], ['POST', `/api/v1/chats/${chat.id}/share`],
        ['POST', `/api/v1/chats/${chat.id}/fork`], ['DELETE', `/api/v1/chats/${chat.id}`], ['DELETE', `/api/v1/chats/${chat.id}/share`],
      ];
      for (const [method, path] of tries) {
        const reply = await admin.request(method, path, method === 'POST' ? {} : undefined);
        assert.ok([401, 403, 404].includes(reply.status), `${method} ${path}: ${reply.status} ${reply.text.slice(0, 200)}`);
        assert.doesNotMatch(reply.text, /Bobs/);
      }
      assert.equal((await bob.get(`/api/v1/chats/${chat.id}`)).status, 200);
    });
  });
});

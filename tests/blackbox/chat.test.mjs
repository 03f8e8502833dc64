// Whole chat turns: what the client sees, what the provider gets, what is kept.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

forEachDatabase((db) => {
  describe('a chat', () => {
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
    const send = (content, options) => admin.send(content, { socket, ...options });
    const callOf = (turn) => provider.calls.find((call) => call.serial === readTokens(turn.text).serial);

    it('lists the models of its provider', async () => {
      const { json } = await admin.get('/api/models', { expect: 200 });
      const ids = json.data.map((model) => model.id);
      assert.ok(ids.includes('numbered'));
      assert.ok(ids.includes('n200d5'));
    });

    it('streams every token once and in order, then says done, and keeps the text', async () => {
      const turn = await ask('Count, please [[tokens=100 delay=3]]');
      turn.checkTokens(100);
      assert.equal(turn.error, null);
      assert.equal(turn.usage.completion_tokens, 100);
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.content, turn.text);
      assert.equal(message.done, true);
      assert.equal(message.output[0].content[0].text, turn.text);
      assert.deepEqual(turn.taskIds.length, 1);
    });

    it('begins while the provider still speaks', async () => {
      const turn = await ask('[[tokens=50 delay=20]]');
      assert.ok(turn.firstTextAt - turn.startedAt < 500, `${turn.firstTextAt - turn.startedAt} ms to the first token`);
      const deltas = turn.events.filter((event) => event.data?.type === 'response.output_text.delta');
      assert.ok(deltas.length >= 5, `${deltas.length} deltas`);
    });

    it('tells the order active, text, finish, done, idle', async () => {
      const turn = await ask('[[tokens=5 delay=2]]');
      await until(() => turn.events.some((event) => event.type === 'chat:active' && event.data.active === false), { ms: 5000 });
      const place = (test) => turn.events.findIndex(test);
      const active = place((event) => event.type === 'chat:active' && event.data.active);
      const text = place((event) => event.data?.type === 'response.output_text.delta');
      const done = place((event) => event.type === 'chat:completion' && event.data.done);
      const idle = place((event) => event.type === 'chat:active' && event.data.active === false);
      assert.ok(active >= 0 && active < text && text < done && done < idle, `${[active, text, done, idle]}`);
    });

    it('sends the provider OpenAI fields only, with its own key', async () => {
      const turn = await ask('[[tokens=3]]');
      const call = callOf(turn);
      const known = ['stream', 'stream_options', 'model', 'messages', 'tools', 'tool_choice', 'temperature', 'max_tokens'];
      assert.deepEqual(Object.keys(call.body).filter((key) => !known.includes(key)), []);
      assert.equal(call.headers.authorization, 'Bearer provider-key');
      assert.equal(JSON.stringify(call.headers).includes(admin.token), false, 'our token must not leave');
    });

    it('gives the provider the branch it is on, and no other', async () => {
      const first = await ask('One [[tokens=3]]');
      const again = await ask('One [[tokens=3]]', { chatId: first.chatId, userId: first.userId });
      const second = await ask('Two [[tokens=3]]', { chatId: first.chatId, parentId: again.messageId });
      const messages = callOf(second).messages.map(({ role, content }) => [role, content]);
      assert.deepEqual(messages.slice(-3), [
        ['user', 'One [[tokens=3]]'],
        ['assistant', again.text],
        ['user', 'Two [[tokens=3]]'],
      ]);
      const { history } = (await admin.chat(first.chatId)).chat;
      assert.deepEqual(history.messages[first.userId].childrenIds, [first.messageId, again.messageId]);
      assert.equal(history.currentId, second.messageId);
    });

    it('gives title, tags and follow-ups after the first turn', async () => {
      const turn = await ask('Name me [[tokens=3]]', { tasks: true });
      await until(() => turn.types.includes('chat:message:follow_ups') && turn.types.includes('chat:tags'), { ms: 10_000 });
      const chat = await until(async () => {
        const read = await admin.chat(turn.chatId);
        return /^Title \d+$/.test(read.title) && read;
      });
      assert.ok(chat.meta.tags.includes('numbers'), JSON.stringify(chat.meta));
      assert.equal(chat.chat.history.messages[turn.messageId].followUps.length, 2);
      const tasks = provider.calls.filter((call) => JSON.stringify(call.messages).includes('Name me') && call.task);
      assert.deepEqual(tasks.map((call) => call.task).sort(), ['follow_ups', 'tags', 'title']);
    });

    it('stops within a second, closes the provider, and keeps what was seen', async () => {
      const turn = await send('[[tokens=500 delay=10]]');
      await turn.tokens(20);
      const call = callOf(turn);
      const at = Date.now();
      assert.equal((await admin.stop(turn.chatId)).json.status, true);
      await turn.done(2000);
      await until(() => call.closedAt, { ms: 1000, what: 'the provider connection is closed' });
      assert.equal(call.closedBy, 'client');
      assert.ok(call.closedAt - at < 1000, `${call.closedAt - at} ms`);
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.done, true);
      const [kept, seen] = [readTokens(message.content), readTokens(turn.text)];
      assert.ok(kept.count >= seen.count && kept.count < 500, `${kept.count} kept, ${seen.count} seen`);
      assert.deepEqual((await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids, []);
    });

    it('continues a stopped answer without a seam', async () => {
      const content = '[[tokens=60 delay=10]]';
      const turn = await send(content);
      await turn.tokens(10);
      await admin.stop(turn.chatId);
      await turn.done();
      const options = { chatId: turn.chatId, userId: turn.userId, continueId: turn.messageId };
      const more = await ask(content, options);
      assert.equal(readTokens(more.text).count, 60);
      assert.equal((await admin.message(turn.chatId, turn.messageId)).content, more.text);
    });

    it('shows in GET, during an answer, no less than was streamed', async () => {
      const turn = await send('[[tokens=100 delay=10]]');
      await turn.tokens(15);
      const seen = readTokens(turn.text).count;
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.done, false);
      assert.ok(readTokens(message.content).count >= seen);
      assert.equal((await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids.length, 1);
      await turn.done();
      turn.checkTokens(100);
    });

    it('shows another socket of the same account the same answer', async () => {
      const other = await admin.connect();
      const turn = await ask('[[tokens=30 delay=3]]');
      const texts = (seen) =>
        seen
          .filter((event) => event.message_id === turn.messageId && event.data.data?.type === 'response.output_text.delta')
          .map((event) => event.data.data.delta)
          .join('');
      await until(() => texts(other.seen) === turn.deltaText, { ms: 2000 });
    });

    it('answers with several models at once', async () => {
      const turn = await ask('[[tokens=10 delay=5]]', { models: ['numbered', 'n50d5'] });
      await turn.others[0].done();
      assert.equal(turn.taskIds.length, 2);
      assert.notEqual(turn.checkTokens(10).serial, turn.others[0].checkTokens(10).serial);
    });

    it('gives calls of tools the caller brought back to him, and runs none', async () => {
      const tools = [{ type: 'function', function: { name: 'his', parameters: { type: 'object', properties: {} } } }];
      const content = 'Call [[tool=his args="{}" calls=2]]';
      const before = provider.answers.length;
      const turn = await ask(content, { body: { tools } });
      assert.deepEqual(turn.output.items.map((item) => [item.type, item.name]), [['function_call', 'his'], ['function_call', 'his']]);
      const id = crypto.randomUUID();
      const user_message = { id: crypto.randomUUID(), role: 'user', content, childrenIds: [] };
      const request = { model: 'numbered', tools, parent_id: null, id, user_message };
      const { json } = await admin.post('/api/chat/completions', request, { expect: 200 });
      assert.equal(json.choices[0].finish_reason, 'tool_calls');
      assert.deepEqual(json.choices[0].message.tool_calls.map((call) => call.function), Array(2).fill({ name: 'his', arguments: '{}' }));
      assert.equal(provider.answers.length - before, 2);
      await ask('No tools', { body: { tools: [] } });
      assert.equal('tools' in provider.answers.at(-1).body, false, 'an empty list is refused by model servers');
    });

    it('refuses a turn that would follow itself, its own answer, or nothing (row 120)', async () => {
      const first = await ask('First [[tokens=2]]');
      const post = (parentId, question, answer) =>
        admin.post('/api/chat/completions', {
          model: 'numbered',
          session_id: socket.id,
          chat_id: first.chatId,
          parent_id: parentId,
          message_ids: [{ model_id: 'numbered', message_id: answer }],
          user_message: { id: question, role: 'user', content: 'Round' },
        });
      for (const [parent, question, answer] of [['a', 'q', 'a'], ['q', 'q', 'a'], ['nowhere', 'q', 'a'], [null, 'q', '..'], [null, 'q\u0001', 'a']]) {
        assert.equal((await post(parent, question, answer)).status, 409, `${parent} ${question} ${answer}`);
      }
      const { messages } = (await admin.chat(first.chatId)).chat.history;
      assert.deepEqual(Object.keys(messages).sort(), [first.userId, first.messageId].sort());
    });

    it('asks what was asked, whatever the parameters say', async () => {
      const instead = [{ role: 'user', content: 'Something else' }];
      const params = { messages: instead, model: 'other', stream: false, custom_params: { messages: JSON.stringify(instead), model: 'other', top_k: '5' } };
      await ask('The question [[tokens=2]]', { body: { params } });
      const { body } = provider.answers.at(-1);
      assert.deepEqual([body.messages.at(-1).content, body.model, body.stream, body.top_k], ['The question [[tokens=2]]', 'numbered', true, 5]);
    });

    it('says so when the model says nothing', async () => {
      const turn = await ask('Silence [[tokens=0]]');
      assert.match(turn.error.content, /empty answer/);
      assert.match((await admin.message(turn.chatId, turn.messageId)).error.content, /empty answer/);
    });

    it('that is temporary shows its tasks to nobody else', async () => {
      const bob = await server.user(admin, 'Tom');
      const chatId = `temporary:${socket.id}`;
      const turn = await send('Slowly', { model: 'numbered-slow', chatId, body: { messages: [{ role: 'user', content: 'Slowly' }] } });
      assert.equal((await admin.get(`/api/tasks/chat/${chatId}`, { expect: 200 })).json.task_ids.length, 1);
      assert.deepEqual((await bob.get(`/api/tasks/chat/${chatId}`, { expect: 200 })).json.task_ids, []);
      await bob.post(`/api/tasks/chat/${chatId}/stop`, {}, { expect: 401 });
      await admin.stop(chatId);
      await turn.done();
    });

    it('takes a repeated request for the same one: one provider call, one task', async () => {
      const turn = await send('Once [[tokens=50 delay=10]]');
      const body = {
        ...{ stream: true, model: 'numbered', session_id: socket.id, chat_id: turn.chatId, id: turn.messageId, parent_id: null },
        message_ids: [{ model_id: 'numbered', message_id: turn.messageId, modelIdx: 0 }],
        user_message: { id: turn.userId, parentId: null, childrenIds: [turn.messageId], role: 'user', content: 'Once [[tokens=50 delay=10]]' },
      };
      const repeat = await admin.post('/api/chat/completions', body, { expect: 200 });
      assert.deepEqual(repeat.json.task_ids, turn.taskIds);
      await turn.done();
      turn.checkTokens(50);
      assert.equal(provider.answers.filter((call) => JSON.stringify(call.messages).includes('Once ')).length, 1);
    });

    it('is nobody else\'s: not to read, to stop, to write or to hear', async () => {
      const turn = await send('[[tokens=50 delay=10]]');
      const eve = await server.user(admin, `Eve${db.name}`);
      const ear = await eve.connect();
      assert.equal((await eve.get(`/api/v1/chats/${turn.chatId}`)).status, 401);
      await eve.post(`/api/tasks/chat/${turn.chatId}/stop`);
      const theft = await eve.post('/api/chat/completions', {
        ...{ stream: true, model: 'numbered', session_id: ear.id, chat_id: turn.chatId, id: 'x', parent_id: turn.messageId },
        user_message: { id: 'y', parentId: turn.messageId, role: 'user', content: 'mine' },
      });
      assert.ok(theft.status >= 400 && theft.status < 500, `${theft.status}`);
      await turn.done();
      turn.checkTokens(50);
      assert.deepEqual(ear.seen, []);
    });

    it('runs twenty answers at once without mixing them', async () => {
      const turns = await Promise.all(Array.from({ length: 20 }, () => ask('[[tokens=60 delay=5]]')));
      const serials = turns.map((turn) => turn.checkTokens(60).serial);
      assert.equal(new Set(serials).size, 20);
    });
  });
});

// kill -9 and SIGTERM while answers stream: what was seen is kept, and no answer stays unfinished.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

forEachDatabase((db) => {
  describe('a server that dies', () => {
    let provider;
    let server;
    let admin;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create() });
      admin = await server.admin();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    const finished = (turn) =>
      until(
        async () => {
          const message = await admin.message(turn.chatId, turn.messageId);
          return message.done && message;
        },
        { ms: 10_000, every: 50, what: 'the message is done after the restart' },
      );

    it('keeps every token a client saw, and finishes the message at the next start', async () => {
      const socket = await admin.connect({ reconnection: false });
      const turn = await admin.send('[[tokens=400 delay=5]]', { socket });
      await turn.tokens(100);
      await server.kill();
      const seen = readTokens(turn.text);
      assert.ok(seen.count < 400, 'the answer was still running');
      await server.start();
      const message = await finished(turn);
      const kept = readTokens(message.content);
      assert.equal(kept.serial, seen.serial);
      assert.ok(kept.count >= seen.count, `${kept.count} kept of ${seen.count} seen`);
      assert.deepEqual((await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids, []);
    });

    it('lets the answer be continued where it broke off', async () => {
      const content = '[[tokens=200 delay=5]]';
      const turn = await admin.send(content, { socket: await admin.connect({ reconnection: false }) });
      await turn.tokens(50);
      await server.restart();
      const before = await finished(turn);
      assert.ok(before.error || before.content, 'closed with a reason or continued');
      const socket = await admin.connect();
      const options = { socket, chatId: turn.chatId, userId: turn.userId, continueId: turn.messageId };
      if (readTokens(before.content).count < 200) await admin.ask(content, options);
      assert.equal(readTokens((await admin.message(turn.chatId, turn.messageId)).content).count, 200);
    });

    it('before the first token asks the provider again, and a stop ends it', async () => {
      const turn = await admin.send('[[hang=1]]', { socket: await admin.connect({ reconnection: false }) });
      await server.restart();
      // The provider hangs again, so the answer is live and not of unknown fate.
      await until(async () => (await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids.length === 1, {
        ms: 10_000,
        what: 'a live task after the restart',
      });
      await admin.post(`/api/tasks/chat/${turn.chatId}/stop`, {}, { expect: 200 });
      await finished(turn);
    });

    it('keeps what was acknowledged: chats, titles, accounts', async () => {
      const socket = await admin.connect({ reconnection: false });
      const turn = await admin.ask('[[tokens=10]]', { socket });
      await admin.post(`/api/v1/chats/${turn.chatId}`, { chat: { title: 'Named before the crash' } }, { expect: 200 });
      const user = await server.user(admin, `Late${db.name}`);
      await server.restart();
      assert.equal((await admin.chat(turn.chatId)).title, 'Named before the crash');
      assert.equal((await user.get('/api/v1/auths/')).status, 200);
      assert.equal(readTokens((await admin.message(turn.chatId, turn.messageId)).content).count, 10);
    });

    it('lets a client that reconnects by itself see the whole end', async () => {
      const socket = await admin.connect();
      const turn = await admin.send('[[tokens=300 delay=5]]', { socket });
      await turn.tokens(30);
      socket.io.engine.close();
      await until(() => socket.connected, { ms: 5000, what: 'the socket is back' });
      await turn.done();
      turn.checkTokens(300);
    });

    it('tells the end to a client that had only just come, and is not known any more', async () => {
      for (let i = 0; i < 3; i += 1) {
        const turn = await admin.send('[[tokens=300 delay=5]]', { socket: await admin.connect() });
        await turn.tokens(5);
        await server.restart();
        await turn.done();
        assert.equal(turn.text, (await admin.message(turn.chatId, turn.messageId)).content);
        assert.ok(turn.error?.content);
        turn.socket.disconnect();
      }
    });

    it('lets a running answer end after SIGTERM, and says meanwhile that it is not ready', async () => {
      const socket = await admin.connect({ reconnection: false });
      const turn = await admin.send('[[tokens=150 delay=10]]', { socket });
      await turn.tokens(20);
      const ending = server.terminate(30_000);
      await until(async () => (await fetch(`${server.url}/ready`)).status === 503, { ms: 1000, what: 'not ready' });
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
      assert.deepEqual(await ending, { code: 0, signal: null });
      turn.checkTokens(150);
      assert.equal(turn.final?.done, true, 'its client saw the end');
      await server.start();
      const message = await admin.message(turn.chatId, turn.messageId);
      assert.equal(message.done, true);
      assert.equal(message.content, turn.text);
      assert.equal(message.error, undefined);
    });

    it('hands an answer that is too long for SIGTERM to the next start, with every token', async () => {
      server.env.ANTIPHON_DRAIN_SECONDS = '1';
      await server.restart();
      const turn = await admin.send('[[tokens=3000 delay=5]]', { socket: await admin.connect({ reconnection: false }) });
      await turn.tokens(50);
      const at = performance.now();
      assert.deepEqual(await server.terminate(30_000), { code: 0, signal: null });
      const took = performance.now() - at;
      assert.ok(took > 900 && took < 6000, `it ended after ${took} ms`);
      delete server.env.ANTIPHON_DRAIN_SECONDS;
      const seen = readTokens(turn.text).count;
      await server.start();
      const message = await finished(turn);
      assert.ok(readTokens(message.content).count >= seen);
      assert.ok(message.error?.content, 'it says why, and Continue works');
      // On PostgreSQL its owner has left, so nobody waits for a lease.
      assert.deepEqual((await admin.get(`/api/tasks/chat/${turn.chatId}`)).json.task_ids, []);
    });

    it('takes the same request at the same time for one', async () => {
      const socket = await admin.connect();
      const prepared = admin.prepare('Twice at once [[tokens=40 delay=5]]', { socket });
      const replies = await Promise.all(Array.from({ length: 8 }, () => admin.post('/api/chat/completions', prepared.body, { expect: 200 })));
      prepared.turns[0].accepted(replies[0]);
      for (const reply of replies) assert.deepEqual(reply.json.task_ids, replies[0].json.task_ids);
      await prepared.turns[0].done();
      prepared.turns[0].checkTokens(40);
      const asked = () => provider.answers.filter((call) => JSON.stringify(call.messages).includes('Twice at once')).length;
      assert.equal(asked(), 1);
      // … and after its end, and after a restart.
      await server.restart();
      const late = await admin.post('/api/chat/completions', prepared.body, { expect: 200 });
      assert.deepEqual(late.json.task_ids, replies[0].json.task_ids);
      assert.equal(asked(), 1);
    });
  });
});

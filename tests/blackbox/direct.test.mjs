// Models that only the user's browser reaches: it is asked over its socket and passes on what its model server says. The browser
// here is a Socket.IO client. On SQLite it is asked by the process it is connected to, on PostgreSQL by another replica.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startFleet } from '../lib/fleet.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';

const kModel = { id: 'mine', name: 'My own', direct: true, urlIdx: '0', owned_by: 'openai' };
const kEnv = { ENABLE_DIRECT_CONNECTIONS: 'True' };
const chunk = (content, more = {}) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'mine', choices: [{ index: 0, delta: { content }, ...more }] })}`;

/** An administrator at two replicas of one deployment, or twice at one process: the browser is `here`, questions go `there`. */
async function startPlaces(db, env = kEnv) {
  if (db.name === 'sqlite') {
    const server = await startServer({ env });
    const admin = await server.admin();
    return { admin, here: admin, there: admin, close: () => server.close() };
  }
  const fleet = await startFleet({ replicas: 2, balancer: null, env });
  const admin = await fleet.admin();
  return { admin, here: fleet.at(0, admin), there: fleet.at(1, admin), kill: () => fleet.replicas[0].kill(), close: () => fleet.close() };
}

/** The browser: answers `request:chat:completion` by `work({data, say}, acknowledge)`. Gives the list of what it is asked. */
function serveModel(socket, work) {
  const asked = [];
  socket.on('events', (event, acknowledge) => {
    if (event.data?.type !== 'request:chat:completion') return;
    asked.push(event);
    const data = event.data.data;
    work({ data, say: (line) => socket.emit(data.channel, line) }, acknowledge);
  });
  return asked;
}

forEachDatabase((db) => {
  describe('a direct model', () => {
    let places;
    before(async () => {
      places = await startPlaces(db);
    });
    after(() => places?.close());

    async function browser(work) {
      const socket = await places.here.connect();
      return { socket, asked: serveModel(socket, work) };
    }
    const send = (socket, options = {}) => places.there.send('Count, please', { socket, model: 'mine', ...options, body: { model_item: kModel, ...options.body } });
    const ended = (turn) =>
      until(
        async () => {
          const read = await places.there.message(turn.chatId, turn.messageId);
          return read.done && read;
        },
        { ms: 15_000, every: 100, what: 'the answer ends' },
      );
    const errorOf = (turn) => turn.error?.content ?? turn.error;

    it('is asked through its browser; every word comes in order, and is kept', async () => {
      const { socket, asked } = await browser(async ({ say }, acknowledge) => {
        acknowledge({ status: true });
        for (let n = 0; n < 300; n += 1) say(chunk(`w${n} `));
        say(chunk('', { finish_reason: 'stop' }));
        say(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 300, total_tokens: 301 } })}`);
        say('data: [DONE]');
        say({ done: true });
      });
      const turn = await send(socket);
      await turn.done();
      const words = Array.from({ length: 300 }, (_, n) => `w${n} `).join('');
      assert.equal(turn.error, null);
      assert.equal(turn.text, words);
      const message = await places.there.message(turn.chatId, turn.messageId);
      assert.equal(message.content, words);
      assert.equal(message.done, true);
      assert.equal(message.usage.completion_tokens, 300);
      assert.equal(asked.length, 1, 'it is asked once');
      const { data } = asked[0].data;
      assert.equal(asked[0].chat_id, turn.chatId);
      assert.equal(asked[0].message_id, turn.messageId);
      assert.equal(data.session_id, socket.id);
      assert.equal(data.form_data.model, 'mine');
      assert.equal(data.form_data.stream, true);
      assert.equal(data.form_data.messages.at(-1).content, 'Count, please');
      assert.deepEqual(data.model, kModel);
      assert.match(data.channel, new RegExp(`^${places.admin.user.id}:${socket.id}:[^:]+$`));
    });

    it('takes a question of half a megabyte', async () => {
      const { socket, asked } = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('read'));
        say({ done: true });
      });
      const turn = await places.there.send('x'.repeat(500_000), { socket, model: 'mine', body: { model_item: kModel } });
      await turn.done();
      assert.equal(turn.text, 'read');
      assert.equal(asked[0].data.data.form_data.messages.at(-1).content.length, 500_000);
    });

    it('answers whole when it is not to stream', async () => {
      const { socket, asked } = await browser((_, acknowledge) => acknowledge({ choices: [{ index: 0, message: { role: 'assistant', content: 'All at once' }, finish_reason: 'stop' }] }));
      const turn = await send(socket, { body: { stream: false } });
      await turn.done();
      assert.equal((await places.there.message(turn.chatId, turn.messageId)).content, 'All at once');
      assert.equal(asked[0].data.data.form_data.stream, false);
    });

    it('says what its model server says when that refuses, at once or in the middle', async () => {
      const refused = await browser((_, acknowledge) => acknowledge({ error: { message: 'no credit' } }));
      const first = await send(refused.socket);
      await first.done();
      assert.equal(errorOf(first), 'no credit');
      const broken = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('half'));
        say('data: {"error":{"message":"overloaded"}}');
        say({ done: true });
      });
      const second = await send(broken.socket);
      await second.done();
      assert.equal(errorOf(second), 'overloaded');
      assert.equal((await places.there.message(second.chatId, second.messageId)).content, 'half');
    });

    it('is heard from the socket that was asked only, and of its user', async () => {
      let speak;
      const { socket, asked } = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        speak = say;
      });
      const other = await places.here.connect();
      const turn = await send(socket);
      await until(() => asked.length === 1, { what: 'the browser is asked' });
      const { channel } = asked[0].data.data;
      for (const ear of [other, await places.there.connect()]) ear.emit(channel, chunk('foreign'));
      await sleep(300);
      speak(chunk('own'));
      speak({ done: true });
      await turn.done();
      assert.equal(turn.text, 'own');
    });

    it('is stopped as any other', async () => {
      const { socket } = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('begun'));
      });
      const turn = await send(socket);
      await until(() => turn.text === 'begun', { what: 'it has begun' });
      await places.there.stop(turn.chatId);
      await until(() => turn.cancelled, { what: 'it is stopped' });
      const message = await places.there.message(turn.chatId, turn.messageId);
      assert.equal(message.content, 'begun');
      assert.equal(message.done, true);
    });

    it('ends in an error that says so, with what has come, when its browser goes', async () => {
      const { socket } = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('half of it'));
      });
      const turn = await send(socket);
      await until(() => turn.text === 'half of it', { what: 'it has begun' });
      socket.disconnect();
      const message = await ended(turn);
      assert.match(message.error.content, /browser.*has gone/);
      assert.equal(message.content, 'half of it');
    });

    it('S44 ends in an error that says so, with what has come, when its browser was cut off and came back', async () => {
      const { socket, asked } = await browser(({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('half of it'));
      });
      const turn = await send(socket);
      await until(() => turn.text === 'half of it', { what: 'it has begun' });
      const before = socket.id;
      socket.io.engine.close();
      await until(() => socket.connected && socket.recovered, { what: 'the browser is back' });
      assert.equal(socket.id, before);
      for (const word of [' and', ' more']) socket.emit(asked[0].data.data.channel, chunk(word));
      const message = await ended(turn);
      assert.match(message.error.content, /cut off|lost on its way/);
      assert.equal(message.content, 'half of it');
    });

    it('ends in an error when there is no such browser', async () => {
      const turn = await send(await places.here.connect(), { body: { session_id: 'nobody-has-this-sid' } });
      await turn.done(10_000);
      assert.match(errorOf(turn), /not connected/);
    });

    it('answers programs too, when they name the browser', async () => {
      const { socket } = await browser(({ data, say }, acknowledge) => {
        if (!data.form_data.stream) return acknowledge({ choices: [{ message: { role: 'assistant', content: 'whole' } }] });
        acknowledge({ status: true });
        say(chunk('piece'));
        say({ done: true });
      });
      const body = { model: 'mine', model_item: kModel, session_id: socket.id, messages: [{ role: 'user', content: 'Hi' }] };
      const whole = await places.there.post('/api/chat/completions', { ...body, stream: false }, { expect: 200 });
      assert.equal(whole.json.choices[0].message.content, 'whole');
      const pieces = await places.there.post('/api/chat/completions', { ...body, stream: true }, { expect: 200 });
      assert.match(pieces.text, /"content":"piece"/);
      assert.match(pieces.text, /data: \[DONE\]/);
    });

    it('is refused without a socket', async () => {
      const reply = await places.there.post('/api/chat/completions', { model: 'mine', model_item: kModel, messages: [{ role: 'user', content: 'Hi' }] }, { expect: 400 });
      assert.match(reply.json.detail, /session_id/);
    });

    if (db.name === 'postgres')
      it('ends in an error that says so, with what has come, when the replica of its browser dies', async () => {
        const { socket } = await browser(({ say }, acknowledge) => {
          acknowledge({ status: true });
          say(chunk('half of it'));
        });
        const turn = await send(socket);
        await until(() => turn.text === 'half of it', { what: 'it has begun' });
        socket.io.reconnection(false);
        await places.kill();
        const message = await ended(turn);
        assert.match(message.error.content, /browser.*has gone/);
        assert.equal(message.content, 'half of it');
      });
  });

  it('is refused where an administrator has not switched direct connections on, and taken as soon as one does', async () => {
    const places = await startPlaces(db, {});
    try {
      const socket = await places.here.connect();
      serveModel(socket, ({ say }, acknowledge) => {
        acknowledge({ status: true });
        say(chunk('yes'));
        say({ done: true });
      });
      const { body } = places.there.prepare('Go', { socket, model: 'mine', body: { model_item: kModel } });
      const refused = await places.there.post('/api/chat/completions', body, { expect: 403 });
      assert.deepEqual(Object.keys(refused.json), ['detail']);
      const page = (await places.there.get('/api/v1/configs/connections', { expect: 200 })).json;
      await places.there.post('/api/v1/configs/connections', { ...page, ENABLE_DIRECT_CONNECTIONS: true }, { expect: 200 });
      const turn = await places.there.send('Go', { socket, model: 'mine', body: { model_item: kModel } });
      await turn.done();
      assert.equal(turn.text, 'yes');
    } finally {
      await places.close();
    }
  });
});

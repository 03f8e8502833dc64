// The authorization matrix for sockets: every event the server declares × everybody who may connect × own, foreign and missing things;
// and what a socket is held to before and after its sign-in. Rows 92, 93, 97–100, U7.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { makePeople } from '../lib/matrix/people.mjs';
import { readTable } from '../lib/matrix/table.mjs';
import { kSecret, newTurn } from '../lib/matrix/world.mjs';
import { startCanary } from '../lib/security.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kEnv = { ANTIPHON_RATE_LIMITS: '0', ENABLE_API_KEYS: 'true', USER_PERMISSIONS_FEATURES_API_KEYS: 'true' };
const { events } = readTable();

/** What is said in an event that names a thing: {what, argument(id), own: the acknowledgement for one's own; undefined: none}. */
const kSaid = {
  'user-join': [],
  'events:chat': [
    { what: 'join', own: true },
    { what: 'typing', own: true, data: { typing: true } },
    { what: 'leave', own: true },
    { what: 'typing', own: false, data: { typing: true } },
    { what: 'last_read_at', own: undefined },
    { what: 'message', own: undefined, data: { content: 'x' } },
  ],
};

/** The acknowledgement, or undefined when none comes in time. */
async function ask(socket, event, argument, ms = 400) {
  try {
    return await socket.timeout(ms).emitWithAck(event, argument);
  } catch {
    return undefined;
  }
}

/** A websocket spoken by hand, for frames no client would send. */
async function handMade(server, { headers = [] } = {}) {
  const socket = connect(server.port, '127.0.0.1');
  const got = [];
  let closed = false;
  socket.on('data', (data) => got.push(data));
  for (const event of ['end', 'close', 'error']) socket.on(event, () => (closed = true));
  await once(socket, 'connect');
  const lines = ['GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1', `Host: 127.0.0.1:${server.port}`, 'Upgrade: websocket', 'Connection: Upgrade'];
  lines.push('Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, ...headers, '', '');
  socket.write(lines.join('\r\n'));
  const text = () => Buffer.concat(got).toString('latin1');
  await until(() => closed || text().includes('\r\n\r\n'), { what: 'an answer to the handshake' });
  const frame = (opcode, payload = '', { final = true } = {}) => {
    const body = Buffer.from(payload);
    const head = [(final ? 0x80 : 0) | opcode];
    if (body.length < 126) head.push(0x80 | body.length);
    else if (body.length < 65_536) head.push(0x80 | 126, body.length >> 8, body.length & 255);
    else head.push(0x80 | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (body.length >> shift) & 255));
    return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
  };
  return {
    text,
    frame,
    get closed() {
      return closed;
    },
    write: (bytes) => !closed && socket.write(bytes),
    close: () => socket.destroy(),
    /** Until the server has closed it. */
    gone: (ms, what) => until(() => closed, { ms, what }),
  };
}

forEachDatabase((db) => {
  describe('events of sockets', () => {
    let provider;
    let server;
    let people;
    let bob;
    let admin;
    let eve;
    let chats; // of Bob and of Eve
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: kEnv });
      ({ people, admin, bob, eve } = await makePeople(server));
      chats = {};
      for (const [name, who, text] of [['bob', bob, kSecret], ['eve', eve, 'mine'], ['admin', admin, 'mine']]) {
        const form = { chat: { title: text, history: { messages: {}, currentId: null } } };
        chats[name] = (await who.post('/api/v1/chats/new', form, { expect: 200 })).json.id;
      }
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    /** The token somebody would present, or null. */
    const tokenOf = (person) => person.headers.Authorization?.slice(7) ?? person.headers['x-api-key'] ?? null;
    const signsIn = (person) => person.via === 'session' && !person.dead && person.role !== 'pending';
    const socketOf = (person) => server.client().connect({ token: tokenOf(person), reconnection: false });

    it('are all explained here', () => {
      assert.deepEqual(events.map((event) => event.name).sort(), Object.keys(kSaid).sort());
      for (const event of events) if (event.object) assert.ok(kSaid[event.name].length, `${event.name} names a ${event.object.kind}`);
    });

    it('are heard from nobody who has not signed in, whatever he says (row 92, U7)', async () => {
      for (const person of people.filter((one) => !one.cookie && !signsIn(one))) {
        const socket = await socketOf(person);
        for (const event of events.filter((one) => one.who !== 'anyone')) {
          const said = kSaid[event.name].map(({ what, data }) => ask(socket, event.name, { chat_id: chats.bob, data: { type: what, data } }, 250));
          assert.deepEqual(await Promise.all(said), said.map(() => undefined), `${person.name}: ${event.name}`);
        }
        const joined = await ask(socket, 'user-join', { auth: { token: tokenOf(person) ?? '' } });
        assert.equal(joined, null, `${person.name}: user-join`);
        assert.deepEqual(socket.seen, []);
        socket.disconnect();
      }
    });

    it("answer for somebody else's thing as for none, and tell nobody of it", async () => {
      const bobsSocket = await bob.connect();
      assert.equal(await ask(bobsSocket, 'events:chat', { chat_id: chats.bob, data: { type: 'join' } }), true);
      await sleep(100);
      const before = await bob.get('/api/v1/chats/');
      bobsSocket.seen.length = 0;
      for (const name of ['other user', 'admin']) {
        const person = people.find((one) => one.name === name);
        const socket = await socketOf(person);
        for (const event of events.filter((one) => one.object)) {
          for (const { what, data } of kSaid[event.name]) {
            const say = (id) => ask(socket, event.name, { [event.object.right]: id, data: { type: what, data } });
            const [foreign, none] = [await say(chats.bob), await say(randomUUID())];
            assert.deepEqual(foreign, none, `${name}: ${event.name} ${what}`);
            assert.notEqual(foreign, true, `${name}: ${event.name} ${what}`);
          }
        }
        assert.doesNotMatch(JSON.stringify(socket.seen), new RegExp(`${kSecret}|${bob.user.id}`));
        socket.disconnect();
      }
      await sleep(200);
      assert.deepEqual(bobsSocket.seen, [], 'Bob hears nothing of it');
      assert.equal((await bob.get('/api/v1/chats/')).text, before.text);
    });

    it("work with one's own thing", async () => {
      for (const [who, id] of [[eve, chats.eve], [admin, chats.admin]]) {
        const socket = await who.connect();
        for (const event of events.filter((one) => one.object)) {
          for (const { what, own, data } of kSaid[event.name]) {
            assert.deepEqual(await ask(socket, event.name, { [event.object.right]: id, data: { type: what, data } }), own, `${event.name} ${what}`);
          }
        }
      }
    });

    it("let nobody aim an answer at somebody else's socket (row 93)", async () => {
      await admin.post('/api/v1/models/create', { id: 'numbered', name: 'n', meta: {}, params: {}, access_grants: [{ principal_type: 'user', principal_id: '*', permission: 'read' }] });
      const bobsSocket = await bob.connect();
      const evesSocket = await eve.connect();
      await sleep(100);
      bobsSocket.seen.length = 0;
      const reply = await eve.post('/api/chat/completions', { ...newTurn('[[tokens=3]]'), session_id: bobsSocket.id });
      assert.equal(reply.status, 200);
      await until(() => evesSocket.seen.some((event) => event.data.type === 'chat:completion' && event.data.data.done), { what: 'the answer comes to Eve' });
      await sleep(100);
      assert.deepEqual(bobsSocket.seen, []);
      assert.ok(!JSON.stringify(evesSocket.seen).includes(bobsSocket.id), 'no socket id of others is shown');
    });
  });
});

describe('a socket', () => {
  let server;
  let admin;
  before(async () => {
    server = await startServer({ env: { ANTIPHON_RATE_LIMITS: '0' } });
    admin = await server.admin();
  });
  after(() => server?.close());

  it('waits for its sign-in with at most twenty of its address (row 92)', async () => {
    const sockets = [];
    for (let i = 0; i < 40; i += 1) sockets.push(await handMade(server));
    for (const socket of sockets) socket.write(socket.frame(1, '40'));
    await until(() => sockets.filter((socket) => socket.closed).length >= 20, { what: 'those beyond twenty are closed' });
    await sleep(200);
    assert.equal(sockets.filter((socket) => !socket.closed).length, 20);
    for (const socket of sockets) socket.close();
    const free = await admin.connect({ reconnection: false });
    assert.ok(free.connected);
  });

  it('takes no more than 64 KiB before its sign-in (row 97)', async () => {
    const canary = await startCanary(server);
    const socket = await handMade(server);
    socket.write(socket.frame(1, '40'));
    await sleep(100);
    socket.write(socket.frame(1, `42["user-join","${'x'.repeat(70_000)}"]`));
    await socket.gone(3000, 'a large message before the sign-in ends the socket');
    await canary.stop();
  });

  it('agrees to no compression (row 98)', async () => {
    const socket = await handMade(server, { headers: ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] });
    assert.match(socket.text(), /^HTTP\/1\.1 101/);
    assert.doesNotMatch(socket.text(), /Sec-WebSocket-Extensions/i);
    const compressed = Buffer.from(socket.frame(1, 'xx'));
    compressed[0] |= 0x40; // RSV1
    socket.write(compressed);
    await socket.gone(3000, 'a compressed frame ends the socket');
  });

  const floods = {
    pings: (socket) => Array.from({ length: 5000 }, () => socket.frame(9, 'x')),
    'empty fragments': (socket) => [socket.frame(1, '', { final: false }), ...Array.from({ length: 5000 }, () => socket.frame(0, '', { final: false }))],
    'small messages': (socket) => Array.from({ length: 5000 }, () => socket.frame(1, '3')),
  };
  for (const [name, frames] of Object.entries(floods)) {
    it(`is closed within two seconds of a flood of ${name} (row 99)`, async () => {
      const canary = await startCanary(server);
      const socket = await handMade(server);
      socket.write(socket.frame(1, '40'));
      await sleep(100);
      for (const bytes of frames(socket)) socket.write(bytes);
      await socket.gone(2000 + 3000, 'the flood ends the socket');
      await canary.stop();
    });
  }
});

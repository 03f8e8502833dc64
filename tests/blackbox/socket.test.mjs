// Socket.IO with npm's own client, and with frames no client would send (rows 92, 96, 97, 99, 100).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { raw, statuses } from '../lib/raw.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kPath = '/ws/socket.io/';

describe('the socket', () => {
  let provider;
  let server;
  let admin;
  before(async () => {
    provider = await startProvider();
    server = await startServer({ provider });
    admin = await server.admin();
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
  });

  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    it(`carries a whole answer by ${transports.join(' then ')}`, async () => {
      const socket = await admin.connect({ transports });
      const turn = await admin.ask('[[tokens=60 delay=5]]', { socket });
      turn.checkTokens(60);
      if (transports.length === 2) assert.equal(socket.io.engine.transport.name, 'websocket');
    });
  }

  it('acknowledges user-join with the account, and null for a bad token', async () => {
    const socket = await admin.connect();
    const good = await socket.emitWithAck('user-join', { auth: { token: admin.token } });
    assert.deepEqual([good.id, good.name], [admin.user.id, admin.user.name]);
    const waiting = await server.client().connect({ token: null, reconnection: false });
    assert.equal(await waiting.timeout(3000).emitWithAck('user-join', { auth: { token: 'bad' } }), null);
  });

  it('without a token hears nothing until user-join brings one (row 92)', async () => {
    const socket = await server.client().connect({ token: null, reconnection: false });
    const own = await admin.connect();
    await admin.ask('[[tokens=3]]', { socket: own });
    assert.deepEqual(socket.seen, []);
    await socket.emitWithAck('user-join', { auth: { token: admin.token } });
    await admin.ask('[[tokens=3]]', { socket: own });
    await until(() => socket.seen.length > 0, { ms: 2000 });
  });

  it('refuses a foreign origin and accepts its own (row 92)', async () => {
    const open = (origin) => {
      const lines = ['GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1', `Host: 127.0.0.1:${server.port}`, `Origin: ${origin}`];
      lines.push('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');
      return raw(server.port, `${lines.join('\r\n')}\r\n\r\n`, { ms: 500 });
    };
    assert.deepEqual(statuses((await open(server.url)).text), [101]);
    const refused = await open('https://evil.example');
    assert.deepEqual(statuses(refused.text), [403]);
    assert.match(refused.text, /CORS_ALLOW_ORIGIN/);
    assert.deepEqual(statuses((await open('null')).text), [403]);
  });

  it('keeps sid, rooms and every token over a cut connection', async () => {
    const socket = await admin.connect();
    const { id } = socket;
    const turn = await admin.send('[[tokens=300 delay=5]]', { socket });
    for (const at of [30, 100, 170]) {
      await turn.tokens(at);
      socket.io.engine.close();
      await until(() => socket.connected, { ms: 5000 });
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    }
    await turn.done();
    turn.checkTokens(300);
  });

  it('joins no room a client names (row 100)', async () => {
    const eve = await server.user(admin, 'Eve');
    const ear = await eve.connect();
    for (const name of ['join', 'subscribe', 'user-join', 'join-channels']) ear.emit(name, `user:${admin.user.id}`);
    ear.emit('events:chat', { chat_id: 'x', data: { type: 'join' } });
    await admin.ask('[[tokens=3]]', { socket: await admin.connect() });
    await sleep(200);
    assert.deepEqual(ear.seen, []);
  });

  describe('refuses malformed openings (row 96)', () => {
    const queries = ['', 'EIO=3&transport=polling', 'EIO=4', 'EIO=4&transport=foo', 'EIO=4&transport=polling&sid=nobody', 'EIO=four&transport=polling'];
    for (const query of queries) {
      it(`GET ?${query}`, async () => {
        assert.equal((await server.client().get(`${kPath}?${query}`)).status, 400);
      });
    }
  });

  describe('closes only the socket that sends nonsense (row 96)', () => {
    const packets = ['9', '41', '4', '""', '42[', '42{}', '451-["x"]', '459999999-["x",{"_placeholder":true,"num":0}]', '42/evil,["x"]', '4\u0000', '42["x"'];
    for (const packet of packets) {
      it(JSON.stringify(packet), async () => {
        const canary = await admin.connect({ reconnection: false });
        const socket = await admin.connect({ reconnection: false, transports: ['polling'] });
        const { sid } = await openPolling(server);
        const reply = await server.client().request('POST', `${kPath}?EIO=4&transport=polling&sid=${sid}`, packet, {
          headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
        });
        assert.ok(reply.status < 500, `${reply.status}`);
        assert.equal((await admin.get('/health')).status, 200);
        assert.ok(canary.connected && socket.connected);
      });
    }
  });

  it('survives frames that announce more than they carry (row 97)', async () => {
    const head = ['GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1', `Host: 127.0.0.1:${server.port}`, 'Upgrade: websocket'];
    head.push('Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', '');
    const huge = Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
    const reply = await raw(server.port, [head.join('\r\n'), huge], { pause: 100, ms: 3000 });
    assert.equal(reply.closed, true);
    assert.equal((await admin.get('/health')).status, 200);
  });
});

async function openPolling(server) {
  const { text } = await server.client().get(`${kPath}?EIO=4&transport=polling`, { expect: 200 });
  const open = JSON.parse(text.slice(1));
  await server.client().request('POST', `${kPath}?EIO=4&transport=polling&sid=${open.sid}`, '40', { headers: { 'Content-Type': 'text/plain' } });
  return open;
}

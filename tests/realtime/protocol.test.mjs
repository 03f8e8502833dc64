// Socket.IO with npm's own client against the hub alone: transports, acknowledgements, bytes, bursts (rows 79, 92, 96, 97).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { sleep, until } from '../lib/until.mjs';
import { Probe } from './probe.mjs';

const kTransports = [['websocket'], ['polling'], ['polling', 'websocket']];

describe('the hub and the real client', () => {
  let probe;
  before(async () => {
    probe = await new Probe().start();
  });
  after(() => probe?.close());

  for (const transports of kTransports) {
    const by = transports.join(' then ');

    it(`connects by ${by}`, async () => {
      const socket = await probe.connect('alice', { transports });
      if (transports.length === 2) await until(() => socket.io.engine.transport.name === 'websocket');
      else assert.equal(socket.io.engine.transport.name, transports[0]);
      assert.equal(await socket.emitWithAck('echo', 'after'), 'after');
    });

    it(`acknowledges whatever JSON holds, by ${by}`, async () => {
      const socket = await probe.connect('alice', { transports });
      for (const value of ['Grüße, 世界 🌍\u2028', 0, -1.5, true, null, [], { a: [{ b: 'c' }] }, 'x'.repeat(200_000)]) {
        assert.deepEqual(await socket.timeout(5000).emitWithAck('echo', value), value);
      }
    });

    it(`answers what the server asks, by ${by}`, async () => {
      const socket = await probe.connect('carol', { transports });
      socket.on('events', (event, answer) => answer(event.data.type === 'confirmation'));
      assert.equal(await probe.get('/probe/call', { sid: socket.id, user: 'carol' }), true);
      const foreign = await probe.get('/probe/call', { sid: socket.id, user: 'mallory' });
      assert.ok(foreign.error, 'row 93');
    });

    it(`delivers a burst of 1000 in order, by ${by}`, async () => {
      const socket = await probe.connect('alice', { transports });
      const seen = [];
      socket.on('n', (event) => seen.push(event));
      await socket.emitWithAck('burst', 1000);
      await until(() => seen.length === 1000);
      assert.deepEqual(seen.map((event) => event.n), [...Array(1000).keys()]);
      assert.ok(seen.every((event) => event.text === 'Grüße, 世界 🌍'));
    });

    it(`takes a burst of 150 in order, by ${by}`, async () => {
      const socket = await probe.connect('alice', { transports });
      const answers = await Promise.all([...Array(150).keys()].map((n) => socket.emitWithAck('echo', n)));
      assert.deepEqual(answers, [...Array(150).keys()]);
    });

    it(`carries bytes both ways, by ${by}`, async () => {
      const socket = await probe.connect('alice', { transports });
      assert.deepEqual(await socket.emitWithAck('echo', { a: Buffer.from([0, 1, 255]), b: [Buffer.from('x')] }), { a: [0, 1, 255], b: [[120]] });
      const came = new Promise((settle) => socket.once('bytes', settle));
      await socket.emitWithAck('bytes');
      assert.deepEqual((await came).map((bytes) => Buffer.from(bytes).toString('hex')), ['0001ff', Buffer.from('second').toString('hex')]);
    });

    it(`connects without a token, and signs in by user-join, by ${by}`, async () => {
      const socket = await probe.connect(null, { transports });
      assert.equal(await socket.timeout(2000).emitWithAck('user-join', { auth: { token: 'bad' } }), null);
      await assert.rejects(socket.timeout(200).emitWithAck('echo', 1));
      assert.deepEqual(await socket.emitWithAck('user-join', { auth: { token: 'alice' } }), { id: 'alice', name: 'alice' });
      assert.equal(await socket.emitWithAck('echo', 1), 1);
    });

    it(`closes the sockets of a revoked session at once, by ${by} (row 79)`, async () => {
      const token = `dave/${by}`;
      const socket = await probe.connect(token, { transports, reconnection: false });
      if (transports.length === 2) await until(() => socket.io.engine.transport.name === 'websocket');
      const gone = new Promise((settle) => socket.once('disconnect', settle));
      const begin = performance.now();
      await probe.post('/probe/revoke', { token });
      assert.equal(await gone, 'io server disconnect');
      assert.ok(performance.now() - begin < 1000);
    });
  }

  it('tells a client that is sent away in the midst of its upgrade (row 79)', async () => {
    const token = 'dave/late';
    const socket = probe.client(token, { transports: ['polling', 'websocket'] });
    const gone = new Promise((settle) => socket.once('disconnect', settle));
    // The packet that ends the upgrade is late, as it may be on a slow line. The client has CONNECTed by then.
    socket.io.once('open', () => socket.io.engine.once('upgrading', (websocket) => {
      const send = websocket.send.bind(websocket);
      websocket.send = async (packets) => {
        websocket.send = send;
        await probe.post('/probe/revoke', { token });
        send(packets);
      };
    }));
    assert.equal(await gone, 'io server disconnect');
    assert.equal(socket.active, false, 'it does not come again');
  });

  it('tells clients that are sent away at any moment of their upgrade (row 79)', async () => {
    const reasons = await Promise.all([...Array(60).keys()].map(async (n) => {
      const token = `late/${n}`;
      const socket = await probe.connect(token, { transports: ['polling', 'websocket'] });
      const gone = new Promise((settle) => socket.once('disconnect', settle));
      await new Promise((settle) => setTimeout(settle, n));
      await probe.post('/probe/revoke', { token });
      return gone;
    }));
    assert.deepEqual([...new Set(reasons)], ['io server disconnect']);
  });

  it('many clients at once, upgrading, all get what they ask for', async () => {
    const sockets = await Promise.all([...Array(60).keys()].map((n) => probe.connect(`u${n}`, { transports: ['polling', 'websocket'] })));
    const answers = await Promise.all(sockets.map((socket, n) => socket.timeout(10_000).emitWithAck('echo', n)));
    assert.deepEqual(answers, [...Array(60).keys()]);
    await until(() => sockets.every((socket) => socket.io.engine.transport.name === 'websocket'));
    for (const socket of sockets) socket.disconnect();
  });

  it('survives frames no client would send, each closing its own socket only (row 96)', async () => {
    const good = await probe.connect('alice');
    const bad = ['9', '41', '4', '42[', '451-["x"', '459999999-["x"]', '42/evil,["x"]', '43[]', 'x'.repeat(70_000), '40', '5', '2probe'];
    for (const frame of bad) {
      const socket = new WebSocket(`${probe.url.replace('http', 'ws')}/ws/socket.io/?EIO=4&transport=websocket`);
      await new Promise((settle) => (socket.onopen = settle));
      socket.send('40{"token":"bad"}');
      socket.send(frame);
      const closed = new Promise((settle) => (socket.onclose = settle));
      await Promise.race([closed, sleep(3000).then(() => assert.fail(`not closed: ${frame.slice(0, 40)}`))]);
    }
    assert.equal(await good.emitWithAck('echo', 'alive'), 'alive');
  });

  it('answers bad requests as Engine.IO does (row 96)', async () => {
    for (const [query, code] of [['EIO=3&transport=polling', 5], ['transport=polling', 5], ['EIO=4&transport=foo', 0], ['EIO=4&transport=polling&sid=bogus', 1]]) {
      const reply = await fetch(`${probe.url}/ws/socket.io/?${query}`);
      assert.equal(reply.status, 400);
      assert.equal((await reply.json()).code, code);
    }
    const large = await fetch(`${probe.url}/ws/socket.io/?EIO=4&transport=polling&sid=bogus`, { method: 'POST', body: 'x'.repeat(5_000_000) });
    assert.ok([400, 413].includes(large.status));
  });

  it('refuses a foreign origin by polling, naming the line to set, and takes listed ones (row 92)', async () => {
    const handshake = (origin) => fetch(`${probe.url}/ws/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    const refused = await handshake('https://evil.example');
    assert.equal(refused.status, 403);
    assert.match(JSON.stringify(await refused.json()), /CORS_ALLOW_ORIGIN=\\"https:\/\/listed.example;https:\/\/evil.example\\"/);
    assert.equal((await handshake('https://listed.example')).status, 200);
    assert.equal((await handshake(probe.url)).status, 200);
  });

  it('keeps the connection by pings, and drops who does not answer', async () => {
    const quick = await new Probe({ PROBE_PING_MS: '300' }).start();
    try {
      for (const transports of kTransports) {
        const socket = await quick.connect('alice', { transports, reconnection: false });
        await sleep(1500);
        assert.ok(socket.connected);
        assert.equal(await socket.emitWithAck('echo', 1), 1);
      }
      const mute = new WebSocket(`${quick.url.replace('http', 'ws')}/ws/socket.io/?EIO=4&transport=websocket`);
      const closed = new Promise((settle) => (mute.onclose = settle));
      mute.onopen = () => mute.send('40{"token":"bob"}');
      await Promise.race([closed, sleep(4000).then(() => assert.fail('a mute client was kept'))]);
    } finally {
      await quick.close();
    }
  });
});

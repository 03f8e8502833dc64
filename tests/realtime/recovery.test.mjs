// Connection state recovery with the unmodified client: cuts, kills and restarts; every token once, in order.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, until } from '../lib/until.mjs';
import { Cutter } from '../lib/cutter.mjs';
import { Probe } from './probe.mjs';

async function withProbe(env, work) {
  const probe = await new Probe(env).start();
  const cutter = await new Cutter(probe).start();
  try {
    await work(probe, cutter);
  } finally {
    cutter.close();
    await probe.close();
  }
}

const upTo = (count) => [...Array(count).keys()].map((n) => n + 1);

/** Waits a little longer than the last token, so that a doubled one would be seen. */
async function checkTokens(socket, count) {
  await until(() => socket.tokens.length >= count, { ms: 30_000, what: `${count} tokens, got ${socket.tokens.length}` });
  await sleep(200);
  assert.deepEqual(socket.tokens, upTo(count));
}

describe('a client that is cut off', () => {
  // engine.io-client 6.6 stops polling when its upgrade breaks midway, and notices at the next heartbeat that is missing.
  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    it(`gets 200 tokens once each over 3 cuts, by ${transports.join(' then ')}`, () =>
      withProbe({ PROBE_PING_MS: '1000' }, async (probe, cutter) => {
        const socket = await probe.connect('alice', { url: cutter.url, transports });
        const sid = socket.id;
        await probe.post('/probe/say', { user: 'alice', count: 200, every: 5 });
        for (const after of [30, 90, 150]) {
          await until(() => socket.tokens.length >= after, { every: 2 });
          cutter.cut();
        }
        await checkTokens(socket, 200);
        assert.equal(socket.id, sid);
        assert.ok(socket.recoveries.slice(1).every(Boolean), `recovered: ${socket.recoveries}`);
        if (transports[0] === 'websocket') assert.equal(socket.recoveries.length, 4);
      }));
  }

  it('gets everything though it was cut before the first event (S28b)', () =>
    withProbe({}, async (probe, cutter) => {
      const socket = await probe.connect('alice', { url: cutter.url, reconnectionDelay: 300, reconnectionDelayMax: 300 });
      cutter.cut();
      await probe.post('/probe/say', { user: 'alice', count: 50, every: 0 });
      await checkTokens(socket, 50);
      assert.equal(socket.recovered, true);
    }));

  it('reads from the log what memory does not hold', () =>
    withProbe({ PROBE_RESUME_BYTES: '1' }, async (probe, cutter) => {
      const socket = await probe.connect('alice', { url: cutter.url, reconnectionDelay: 300, reconnectionDelayMax: 300 });
      await probe.post('/probe/say', { user: 'alice', count: 200, every: 2 });
      for (const after of [20, 120]) {
        await until(() => socket.tokens.length >= after, { every: 2 });
        cutter.cut();
      }
      await checkTokens(socket, 200);
      const counts = await probe.get('/probe/counts');
      assert.ok(counts.from_log >= 1, JSON.stringify(counts));
    }));

  it('recovers when it signed in by user-join only', () =>
    withProbe({}, async (probe, cutter) => {
      const socket = probe.client(null, { url: cutter.url });
      socket.on('connect', () => socket.emit('user-join', { auth: { token: 'alice' } }, () => (socket.joined = true)));
      await until(() => socket.joined);
      await probe.post('/probe/say', { user: 'alice', count: 100, every: 4 });
      for (const after of [20, 60]) {
        await until(() => socket.tokens.length >= after, { every: 2 });
        cutter.cut();
      }
      await checkTokens(socket, 100);
    }));
});

describe('a server that is killed', () => {
  it('goes on with its clients after each of 3 restarts, every token once', () =>
    withProbe({}, async (probe) => {
      const socket = await probe.connect('alice');
      const sid = socket.id;
      await probe.post('/probe/flush');
      for (let round = 0; round < 3; round += 1) {
        const goal = socket.tokens.length + 20;
        await probe.post('/probe/say', { user: 'alice', count: 5000, every: 2 });
        await until(() => socket.tokens.length >= goal, { every: 2 });
        await probe.kill();
        await probe.start();
      }
      await until(() => socket.connected);
      await probe.post('/probe/say', { user: 'alice', count: 50, every: 1 });
      const total = await until(async () => {
        const before = socket.tokens.length;
        await sleep(500);
        return socket.tokens.length === before && before;
      });
      assert.deepEqual(socket.tokens, upTo(total));
      assert.ok(total >= 110);
      assert.equal(socket.id, sid);
      assert.deepEqual(socket.recoveries, [false, true, true, true]);
    }));

  it('tells clients that come after a graceful end nothing twice either', () =>
    withProbe({}, async (probe) => {
      const sockets = await Promise.all([...Array(20).keys()].map((n) => probe.connect('alice', { reconnectionDelay: 20 + n })));
      await probe.post('/probe/say', { user: 'alice', count: 100, every: 1 });
      await Promise.all(sockets.map((socket) => checkTokens(socket, 100)));
      await probe.post('/probe/flush');
      await probe.kill();
      await probe.start();
      await until(() => sockets.every((socket) => socket.connected));
      await probe.post('/probe/say', { user: 'alice', count: 100, every: 1 });
      await Promise.all(sockets.map((socket) => checkTokens(socket, 200)));
    }));
});

// PostgreSQL goes away while answers stream, and comes back; processes that stutter, and one that takes over from another.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { makeServer, startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kLeaseMs = 5000;

describe('PostgreSQL', () => {
  let cluster;
  let provider;
  let server;
  let admin;
  before(async () => {
    cluster = await startPostgres();
    provider = await startProvider();
    server = await startServer({ provider, databaseUrl: cluster.createDatabase(), env: { ANTIPHON_DRAIN_SECONDS: '2' } });
    admin = await server.admin();
  });
  after(async () => {
    if (cluster?.halted) cluster.resume();
    await server?.close();
    await provider?.stop();
    cluster?.stop();
  });

  beforeEach(() => cluster.halted && cluster.resume());

  const live = () => rows(server, 'SELECT run_id FROM run WHERE state < 10');

  it('stops in the middle of answers: they wait, and lose and double nothing', async () => {
    const socket = await admin.connect();
    const turns = await Promise.all([3, 5, 8].map((delay) => admin.send(`[[tokens=900 delay=${delay}]]`, { socket })));
    await Promise.all(turns.map((turn) => turn.tokens(100)));
    cluster.halt();
    await sleep(300);
    const held = turns.map((turn) => readTokens(turn.text).count);
    const reply = await admin.get('/api/v1/chats/', { signal: AbortSignal.timeout(20_000) });
    assert.equal(reply.status, 503, reply.text);
    assert.ok(reply.json.detail.length > 10, 'a sentence for people');
    assert.equal((await fetch(`${server.url}/ready`)).status, 503);
    assert.equal((await fetch(`${server.url}/health`)).status, 200, 'alive all the same');
    await sleep(2500);
    assert.deepEqual(turns.map((turn) => readTokens(turn.text).count), held, 'nothing is shown that is not stored');
    cluster.resume();
    const back = performance.now();
    await until(() => turns.every((turn, i) => turn.final || readTokens(turn.text).count > held[i]), { ms: 10_000, what: 'output goes on' });
    assert.ok(performance.now() - back < 4000, `output went on after ${performance.now() - back} ms`);
    for (const turn of turns) {
      await turn.done(20_000);
      turn.checkTokens(900);
      assert.equal((await admin.message(turn.chatId, turn.messageId)).content, turn.text);
    }
    assert.equal(provider.answers.length, 3, 'nobody was asked twice');
    assert.deepEqual(await live(), []);
    await until(async () => (await fetch(`${server.url}/ready`)).status === 200, { what: 'ready again' });
  });

  it('stops at the end of an answer: the end is saved when it is back', async () => {
    const socket = await admin.connect();
    const turn = await admin.send('[[tokens=60 delay=10]]', { socket });
    await turn.tokens(20);
    cluster.halt();
    await sleep(1500);
    assert.equal(turn.final, null, 'no end before it is stored');
    cluster.resume();
    await turn.done(15_000);
    turn.checkTokens(60);
    assert.equal((await admin.message(turn.chatId, turn.messageId)).done, true);
  });

  it('flaps: no answer is left of unknown fate', { timeout: 120_000 }, async () => {
    const socket = await admin.connect();
    const prepared = [];
    for (let i = 0; i < 6; i += 1) {
      const sending = Array.from({ length: 4 }, () => admin.prepare(`[[tokens=80 delay=${5 + i}]]`, { socket }));
      prepared.push(...sending);
      const posts = sending.map((one) => admin.submit(one).catch(() => null));
      await sleep(i * 17);
      cluster.halt();
      await sleep(150 * i);
      cluster.resume();
      await Promise.all(posts);
    }
    // Whoever was not told asks again.
    for (const one of prepared) {
      await until(() => admin.submit(one), { ms: 20_000, every: 200, what: 'the same request once more' });
    }
    await Promise.all(prepared.map((one) => one.turns[0].done(30_000)));
    for (const { turns } of prepared) {
      const message = await admin.message(turns[0].chatId, turns[0].messageId);
      assert.equal(message.done, true);
      assert.equal(message.content, turns[0].text);
      if (!message.error) assert.equal(readTokens(message.content).count, 80);
    }
    await until(async () => (await live()).length === 0, { ms: 15_000, every: 200, what: 'no run is left' });
  });

  it('is away when the server is to end: it ends all the same, and later nothing is missing', async () => {
    const socket = await admin.connect({ reconnection: false });
    const turn = await admin.send('[[tokens=2000 delay=5]]', { socket });
    await turn.tokens(50);
    cluster.halt();
    const outcome = await server.terminate(25_000);
    assert.deepEqual(outcome, { code: 0, signal: null });
    const seen = readTokens(turn.text).count;
    cluster.resume();
    await server.start();
    const message = await until(
      async () => {
        const read = await admin.message(turn.chatId, turn.messageId);
        return read.done && read;
      },
      { ms: 15_000, every: 100, what: 'the answer has an end' },
    );
    assert.ok(readTokens(message.content).count >= seen);
  });

  it('ends all connections, again and again: nobody is refused, and the answers are whole', async () => {
    const socket = await admin.connect();
    const turns = await Promise.all([3, 5, 8].map((delay) => admin.send(`[[tokens=300 delay=${delay}]]`, { socket })));
    for (let i = 0; i < 8; i += 1) {
      cluster.disconnect(server.env.DATABASE_URL.split('/').at(-1));
      await admin.get('/api/v1/chats/', { expect: 200 });
      await sleep(100);
    }
    for (const turn of turns) {
      await turn.done(20_000);
      turn.checkTokens(300);
    }
  });

  it('hangs in the middle of answers: /ready says so, they wait, and lose and double nothing', { timeout: 90_000 }, async () => {
    const socket = await admin.connect();
    const turns = await Promise.all([3, 5].map((delay) => admin.send(`[[tokens=900 delay=${delay}]]`, { socket })));
    await Promise.all(turns.map((turn) => turn.tokens(100)));
    cluster.pause();
    try {
      await sleep(300);
      const held = turns.map((turn) => readTokens(turn.text).count);
      assert.equal((await fetch(`${server.url}/ready`)).status, 503);
      assert.equal((await fetch(`${server.url}/health`)).status, 200, 'alive all the same');
      const reply = await admin.get('/api/v1/chats/', { signal: AbortSignal.timeout(60_000) });
      assert.equal(reply.status, 503, reply.text);
      assert.deepEqual(turns.map((turn) => readTokens(turn.text).count), held, 'nothing is shown that is not stored');
    } finally {
      cluster.wake();
    }
    for (const turn of turns) {
      await turn.done(30_000);
      turn.checkTokens(900);
    }
    await until(async () => (await fetch(`${server.url}/ready`)).status === 200, { what: 'ready again' });
  });

  it('hangs when the server is to end: it ends within ten seconds of its time for answers', { timeout: 90_000 }, async () => {
    const socket = await admin.connect({ reconnection: false });
    const turn = await admin.send('[[tokens=3000 delay=5]]', { socket });
    await turn.tokens(50);
    cluster.pause();
    try {
      const outcome = await server.terminate(2000 + 10_000 + 3000);
      assert.deepEqual(outcome, { code: 0, signal: null });
    } finally {
      cluster.wake();
    }
    await server.start();
    const message = await admin.message(turn.chatId, turn.messageId);
    assert.ok(readTokens(message.content).count >= readTokens(turn.text).count);
  });

  it('is away when the server starts: the refusal says where it looked', async () => {
    cluster.halt();
    const late = await makeServer({ databaseUrl: cluster.url('postgres') });
    try {
      const said = await late.startsNot();
      assert.match(said, new RegExp(String(cluster.port)));
      assert.doesNotMatch(said, /terminate called|exception/i);
    } finally {
      cluster.resume();
      await late.close();
    }
  });
});

describe('a process that stands still', () => {
  let cluster;
  let provider;
  before(async () => {
    cluster = await startPostgres();
    provider = await startProvider();
  });
  after(async () => {
    await provider?.stop();
    cluster?.stop();
  });

  for (const [title, url] of [['on SQLite', () => ''], ['on PostgreSQL', () => cluster.createDatabase()]]) {
    it(`longer than its lease ${title} goes on where it was`, async () => {
      const server = await startServer({ provider, databaseUrl: url() });
      try {
        const admin = await server.admin();
        const turn = await admin.send('[[tokens=900 delay=5]]', { socket: await admin.connect() });
        await turn.tokens(100);
        server.pause();
        await sleep(kLeaseMs + 2000);
        server.resume();
        await turn.done(20_000);
        turn.checkTokens(900);
        assert.equal((await admin.message(turn.chatId, turn.messageId)).content, turn.text);
      } finally {
        server.resume();
        await server.close();
      }
    });
  }

  /** Two processes on one database; the second ends what the first began. */
  async function pair(work) {
    const databaseUrl = cluster.createDatabase();
    const first = await startServer({ provider, databaseUrl });
    const second = await startServer({ provider, databaseUrl });
    try {
      const [a, b] = [await first.admin(), await second.admin()];
      // Whoever may take over has been in touch with the database for a lease.
      await sleep(kLeaseMs + 500);
      await work({ first, second, a, b });
    } finally {
      await second.close();
      await first.close();
    }
  }

  const ended = (client, turn) =>
    until(
      async () => {
        const read = await client.message(turn.chatId, turn.messageId);
        return read.done && read;
      },
      { ms: 12_000, every: 50, what: 'the other process ends the answer' },
    );

  it('loses its answers to another one, and says nothing more when it wakes', { timeout: 90_000 }, () =>
    pair(async ({ first, a, b }) => {
      const turn = await a.send('[[tokens=3000 delay=5]]', { socket: await a.connect() });
      await turn.tokens(100);
      first.pause();
      const at = performance.now();
      try {
        const message = await ended(b, turn);
        assert.ok(performance.now() - at < 8000 + 1000, `${performance.now() - at} ms`);
        const kept = readTokens(message.content).count;
        assert.ok(kept >= readTokens(turn.text).count);
        first.resume();
        await sleep(2500);
        assert.equal(readTokens((await b.message(turn.chatId, turn.messageId)).content).count, kept, 'the fence holds');
        assert.ok(readTokens(turn.deltaText).count <= kept, 'it shows no token that is not stored');
        const call = provider.answers.at(-1);
        await until(() => call.closedAt, { ms: 3000, what: 'it lets go of its provider' });
      } finally {
        first.resume();
      }
    }));

  it('that was killed is followed by another one within 8 s, with every token', { timeout: 90_000 }, () =>
    pair(async ({ first, a, b }) => {
      const turn = await a.send('[[tokens=3000 delay=5]]', { socket: await a.connect({ reconnection: false }) });
      await turn.tokens(100);
      await first.kill();
      const at = performance.now();
      const message = await ended(b, turn);
      assert.ok(performance.now() - at < 8000 + 1000, `${performance.now() - at} ms`);
      assert.ok(readTokens(message.content).count >= readTokens(turn.text).count);
      assert.ok(message.error?.content);
      await first.start();
    }));
});

// Load balancers, origins and transports (chapter B.2 of the list of faults). No affinity anywhere.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { io } from 'socket.io-client';
import { Cutter } from '../lib/cutter.mjs';
import { startFleet } from '../lib/fleet.mjs';
import { connectPython } from '../lib/python.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { checked, closeForeign } from './checker.mjs';
import { percentile } from './report.mjs';
import { scenario } from './scenario.mjs';

/** Sockets that come back at once; 5,000 of them are a figure of bench/. */
const kCrowd = 300;

for (const kind of ['nginx', 'haproxy']) {
  describe(`behind ${kind}`, () => {
    let provider;
    let fleet;
    let admin;
    before(async () => {
      provider = await startProvider();
      fleet = await startFleet({ replicas: 2, provider, balancer: kind, balancing: { breaks: false } });
      admin = await fleet.admin();
    });
    after(async () => {
      await closeForeign();
      await fleet?.close();
      await provider?.stop();
    });

    const run = (work, options) => checked({ fleet, provider, admin, ...options }, work);

    /** How many of ten sockets connect. */
    async function connects(options) {
      const sockets = Array.from({ length: 10 }, () =>
        io(fleet.url, { path: '/ws/socket.io', auth: { token: admin.token }, forceNew: true, reconnection: false, ...options }),
      );
      const outcomes = await Promise.all(
        sockets.map(
          (socket) =>
            new Promise((settle) => {
              socket.once('connect', () => settle('connected'));
              socket.once('connect_error', (error) => settle(error.message));
            }),
        ),
      );
      for (const socket of sockets) socket.disconnect();
      return outcomes;
    }

    scenario(`S15 ${kind}: long polling without affinity: 10 of 10 connect, and every token arrives`, () =>
      run(async (checker) => {
        assert.deepEqual(await connects({ transports: ['polling'] }), Array(10).fill('connected'));
        const socket = await checker.socket(admin, { transports: ['polling'] });
        const answer = await checker.ask(admin, { socket, tokens: 100, delay: 10 });
        await answer.turn.done(20_000);
        answer.turn.checkTokens(100);
      }));

    scenario(`S15b ${kind}: long polling that is upgraded to a WebSocket at another replica: every token arrives`, () =>
      run(async (checker) => {
        assert.deepEqual(await connects({ transports: ['polling', 'websocket'] }), Array(10).fill('connected'));
        const socket = await checker.socket(admin, { transports: ['polling', 'websocket'] });
        const answer = await checker.ask(admin, { socket, tokens: 100, delay: 10 });
        await answer.turn.done(20_000);
        answer.turn.checkTokens(100);
      }));

    scenario(`S16 ${kind}: WebSockets: 10 of 10 connect, and every token arrives`, () =>
      run(async (checker) => {
        assert.deepEqual(await connects({ transports: ['websocket'] }), Array(10).fill('connected'));
        const sockets = [];
        for (let i = 0; i < 4; i += 1) sockets.push(await checker.socket(admin));
        const answers = await Promise.all(sockets.map((socket) => checker.ask(admin, { socket, tokens: 100, delay: 10 })));
        for (const answer of answers) await answer.turn.done(20_000);
      }));

    for (const transport of ['websocket', 'polling']) {
      scenario(
        `S16b ${kind}: python-socketio by ${transport}: every token arrives`,
        () =>
          run(async (checker) => {
            const socket = await connectPython(fleet.url, admin.token, transport);
            try {
              const answer = await checker.ask(admin, { socket, tokens: 100, delay: 10 });
              await answer.turn.done(20_000);
              answer.turn.checkTokens(100);
            } finally {
              socket.disconnect();
            }
          }),
        { long: true },
      );
    }

    scenario(`S22 ${kind}: a replica stops while requests come: none is refused or cut`, () =>
      run(
        async () => {
          const stopping = fleet.replicas[1];
          stopping.env.ANTIPHON_DRAIN_DELAY_SECONDS = '3';
          await stopping.terminate();
          await stopping.start();
          await sleep(1500);
          let goesOn = true;
          const outcomes = { good: 0, bad: [] };
          const callers = Array.from({ length: 4 }, async () => {
            while (goesOn) {
              const reply = await admin.get('/api/v1/chats/').catch((error) => ({ status: error.cause?.code ?? error.message }));
              if (reply.status === 200) outcomes.good += 1;
              else outcomes.bad.push(reply.status);
              await sleep(5);
            }
          });
          await sleep(500);
          const end = stopping.terminate();
          try {
            const seen = await until(
              async () => {
                const reply = await fetch(`${stopping.url}/ready`).catch(() => null);
                return reply?.status === 503 ? 'said no' : !stopping.isRunning && 'gone';
              },
              { every: 20, what: '/ready says no' },
            );
            assert.equal(seen, 'said no', 'it went without a word: balancers still sent to it');
            assert.deepEqual(await end, { code: 0, signal: null });
            await sleep(500);
          } finally {
            goesOn = false;
            await Promise.all(callers);
            await end;
            await stopping.start();
          }
          assert.deepEqual(outcomes.bad, []);
          assert.ok(outcomes.good > 50, `only ${outcomes.good} requests`);
        },
      ));
  });
}

describe('a load balancer', () => {
  let provider;
  let fleet;
  let admin;
  before(async () => {
    provider = await startProvider();
    fleet = await startFleet({ replicas: 2, provider, balancer: null });
  });
  after(async () => {
    await closeForeign();
    await fleet?.close();
    await provider?.stop();
  });

  async function behind(kind, options) {
    await fleet.startBalancer(kind, options);
    admin = await fleet.admin();
    return (work) => checked({ fleet, provider, admin }, work);
  }

  scenario('S14 that hides the name people use: the refusal says the cure; a page of the same name is served', async () => {
    await behind('nginx', { names: false });
    const page = { Origin: 'https://chat.example' };
    const refused = await admin.get('/ws/socket.io/?EIO=4&transport=polling', { headers: page });
    assert.equal(refused.status, 403, refused.text);
    assert.match(refused.text, /CORS_ALLOW_ORIGIN/, 'it names the setting');
    const told = await admin.get('/api/config', { headers: page, expect: 200 });
    assert.equal(told.json.origin_ok, false, 'the page can say so');
    await fleet.startBalancer('nginx');
    const here = new URL(fleet.url).origin;
    const same = await fleet.at(fleet.url, admin).get('/ws/socket.io/?EIO=4&transport=polling', { headers: { Origin: here } });
    assert.equal(same.status, 200, same.text);
  });

  for (const kind of ['nginx', 'haproxy']) {
    scenario(`S20 ${kind} that sends a question again to the next replica: one answer, one call of the provider`, async () => {
      const run = await behind(kind, { again: true, idle: 2 });
      await run(async (checker) => {
        const socket = await checker.socket(fleet.at(0, admin), {});
        const answer = checker.prepare(admin, { socket, tokens: 60, delay: 5 });
        // Whichever replica it goes to first stands still; after two seconds the other one gets it, and then both have it.
        const [first, second] = fleet.replicas;
        first.pause();
        try {
          const posts = [answer.post(), answer.post()];
          await Promise.all(posts);
        } finally {
          first.resume();
        }
        await answer.turn.done(20_000);
        await sleep(1500);
        assert.equal(answer.callsOf(provider).length, 1);
        const { messages } = (await fleet.at(1, admin).chat(answer.turn.chatId)).chat.history;
        assert.equal(Object.keys(messages).length, 2, 'one question, one answer');
        assert.ok(second.isRunning);
      });
    }, { long: true });
  }

  scenario('S20b a question that is sent to both replicas at once: the same answer, the same task', async () => {
    const run = await behind('haproxy');
    await run(async (checker) => {
      for (let round = 0; round < 5; round += 1) {
        const socket = await checker.socket(fleet.at(round % 2, admin));
        const answer = checker.prepare(admin, { socket, tokens: 30, delay: 3 });
        const replies = await Promise.all([0, 1, 0, 1].map((i) => fleet.at(i, admin).post('/api/chat/completions', answer.prepared.body)));
        assert.deepEqual(replies.map((reply) => reply.status), [200, 200, 200, 200], replies.map((reply) => reply.text).join('\n'));
        assert.equal(new Set(replies.map((reply) => JSON.stringify([reply.json.task_ids, reply.json.chat_id]))).size, 1);
        answer.turn.accepted(replies[0]);
        answer.accepted = true;
        await answer.turn.done(15_000);
        assert.equal(answer.callsOf(provider).length, 1);
      }
    });
  });

  scenario('S21 that closes connections after two silent seconds: the client comes back, and every token arrives', async () => {
    const run = await behind('nginx', { idle: 2 });
    await run(async (checker) => {
      const socket = await checker.socket(admin);
      await until(() => socket.backs.length > 0, { ms: 20_000, what: 'it was closed and came back' });
      const answer = await checker.ask(admin, { socket, tokens: 60, delay: 5, directives: 'stall=30 stallms=5000' });
      await answer.turn.done(30_000);
      assert.equal(answer.turn.text.split(' ').length - 1, 60);
    });
  }, { long: true });

  scenario('S84 all sockets of a replica that stops come back at once elsewhere: each is signed in again, and hears what comes', async () => {
    const run = await behind('haproxy');
    await run(async (checker) => {
      const leaving = fleet.replicas[0];
      const cutter = await new Cutter(leaving).start();
      try {
        const there = fleet.at(cutter.url, admin);
        const sockets = [];
        for (let i = 0; i < kCrowd; i += 20) sockets.push(...(await Promise.all(Array.from({ length: 20 }, () => checker.socket(there)))));
        const at = performance.now();
        const gone = leaving.terminate();
        cutter.turn(fleet.replicas[1]);
        await until(() => sockets.every((socket) => socket.backs.length), { ms: 10_000, what: `all ${kCrowd} are back` });
        const times = sockets.map((socket) => socket.backs.at(-1).ms);
        console.log(`# S84: ${kCrowd} sockets are back after p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms, all in ${(performance.now() - at).toFixed(0)} ms`);
        const answer = await checker.ask(fleet.at(1, admin), { socket: sockets[0], tokens: 20, delay: 5 });
        await answer.turn.done(15_000);
        const heard = (socket) => socket.seen.some((event) => event.message_id === answer.turn.messageId && event.data?.data?.done);
        await until(() => sockets.every(heard), { ms: 5000, what: 'every one of them hears the end of an answer' });
        await gone;
        for (const socket of sockets.slice(1)) socket.disconnect();
      } finally {
        cutter.close();
        await leaving.start();
      }
    });
  }, { long: true });
});

// Answers that stream while replicas come and go (chapter B.3 of the list of faults).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { Cutter } from '../lib/cutter.mjs';
import { kLeaseMs, startFleet } from '../lib/fleet.mjs';
import { breakBus } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { checked, closeForeign } from './checker.mjs';
import { scenario } from './scenario.mjs';

/** Lease, a look around and a claim. */
const kTakeOverMs = 8000;

const kListeners = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'antiphon notify'";

describe('streams over replicas', () => {
  let provider;
  let fleet;
  let admin;
  let a;
  let b;
  before(async () => {
    provider = await startProvider();
    fleet = await startFleet({ replicas: 2, provider });
    admin = await fleet.admin();
    [a, b] = [fleet.at(0, admin), fleet.at(1, admin)];
    await fleet.settled();
  });
  after(async () => {
    await closeForeign();
    await fleet?.close();
    await provider?.stop();
  });

  const run = (work, options) => checked({ fleet, provider, admin, ...options }, work);

  /** Every replica serves and may take over, for the next scenario. */
  async function restore() {
    const down = fleet.replicas.filter((replica) => !replica.isRunning);
    for (const replica of down) await replica.start();
    if (down.length) await fleet.settled();
  }

  const ended = (answer, client) =>
    until(
      async () => {
        const read = await answer.message(client);
        return read?.done && read;
      },
      { ms: kTakeOverMs + 4000, every: 50, what: 'another replica ends the answer' },
    );

  for (const [number, from, to] of [['S24', 0, 1], ['S25', 1, 0]]) {
    scenario(`${number} the socket is at replica ${from} and the question goes to ${to}: every token, no Redis`, () =>
      run(async (checker) => {
        const socket = await checker.socket(fleet.at(from, admin));
        const answer = checker.prepare(fleet.at(to, admin), { socket, tokens: 30, delay: 20 });
        await answer.post();
        await answer.turn.done(15_000);
        answer.turn.checkTokens(30);
      }));
  }

  scenario('S24b the socket is where the question goes: every token, and a second tab elsewhere has the same', () =>
    run(async (checker) => {
      const [socket, tab] = [await checker.socket(a), await checker.socket(b)];
      const answer = checker.prepare(a, { socket, tokens: 60, delay: 10 });
      await answer.post();
      await answer.turn.done(15_000);
      const { messageId } = answer.turn;
      const isEnd = (event) => event.message_id === messageId && event.data?.data?.done;
      await until(() => tab.seen.some(isEnd), { ms: 3000, what: 'the other tab hears of the end' });
      const deltas = tab.seen.filter((event) => event.message_id === messageId && event.data?.data?.type === 'response.output_text.delta');
      assert.equal(deltas.map((event) => event.data.data.delta).join(''), answer.turn.text);
    }));

  scenario('S26 kill -9 of the owner at token 31: within 8 s another ends it, with every token that was seen', async () => {
    await run(async (checker) => {
      const socket = await checker.socket(a);
      const answer = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['interrupted'] });
      await answer.post();
      await answer.turn.tokens(31);
      await fleet.replicas[0].kill();
      const at = performance.now();
      const message = await ended(answer, b);
      assert.ok(performance.now() - at < kTakeOverMs + 1000, `${performance.now() - at} ms`);
      assert.ok(readTokens(message.content).count >= 31);
      await restore();
    });
  });

  scenario('S26b kill -9 of the owner, the client comes back through the load balancer: it hears of the end', async () => {
    await run(async (checker) => {
      const socket = await checker.socket(admin);
      const answer = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['interrupted'] });
      await answer.post();
      await until(() => answer.sent(provider) > 50, { what: 'tokens are sent' });
      await fleet.replicas[0].kill();
      await ended(answer, b);
      await answer.turn.done(5000);
      await restore();
    });
  }, { long: true });

  scenario('S26c kill -9 before the first token: another asks again, and the answer is whole', async () => {
    await run(async (checker) => {
      const socket = await checker.socket(admin);
      const answer = checker.prepare(a, { socket, tokens: 50, delay: 5, directives: 'first=1500' });
      await answer.post();
      await fleet.replicas[0].kill();
      await ended(answer, b);
      await answer.turn.done(5000);
      await restore();
      assert.ok(answer.callsOf(provider).length <= 2);
    });
  }, { long: true });

  scenario('S27 SIGTERM of the owner: a short answer ends in its grace, a long one is handed over within a second', async () => {
    await run(async (checker) => {
      const socket = await checker.socket(admin);
      const short = checker.prepare(a, { socket, tokens: 150, delay: 10 });
      const long = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['interrupted'] });
      await Promise.all([short.post(), long.post()]);
      await until(() => short.sent(provider) > 20 && long.sent(provider) > 20, { what: 'both are under way' });
      const outcome = await fleet.replicas[0].terminate();
      assert.deepEqual(outcome, { code: 0, signal: null });
      const at = performance.now();
      await ended(long, b);
      assert.ok(performance.now() - at < 1000 + 500, `${performance.now() - at} ms after it ended`);
      await ended(short, b);
      await restore();
    });
  });

  scenario('S28 a client moves to the other replica in mid-stream after 2 s: nothing is missing within a second', () =>
    run(async (checker) => {
      const cutter = await new Cutter(fleet.replicas[0]).start();
      try {
        const away = fleet.at(cutter.url, admin);
        const socket = await checker.socket(away, { reconnectionDelay: 2000, reconnectionDelayMax: 2000 });
        const answer = checker.prepare(a, { socket, tokens: 600, delay: 10 });
        await answer.post();
        await answer.turn.tokens(80);
        cutter.turn(fleet.replicas[1]);
        await until(() => socket.backs.length === 1, { ms: 10_000, what: 'it is back' });
        assert.equal(socket.recovered, true, 'it was told that nothing is missing');
        const sent = answer.sent(provider);
        await answer.turn.tokens(sent, 1000);
        await answer.turn.done(20_000);
        answer.turn.checkTokens(600);
      } finally {
        cutter.close();
      }
    }));

  scenario('S28b a client is cut off before the first event and comes back elsewhere: nothing is missing', () =>
    run(async (checker) => {
      const cutter = await new Cutter(fleet.replicas[0]).start();
      try {
        const away = fleet.at(cutter.url, admin);
        const socket = await checker.socket(away, { reconnectionDelay: 1500, reconnectionDelayMax: 1500 });
        // A session is recorded within a second of its sign-in.
        await sleep(1200);
        cutter.turn(fleet.replicas[1]);
        const answer = checker.prepare(a, { socket, tokens: 300, delay: 10 });
        await answer.post();
        await answer.turn.done(20_000);
        assert.equal(socket.recovered, true);
        answer.turn.checkTokens(300);
      } finally {
        cutter.close();
      }
    }));

  scenario('S28c a client flits between the replicas ten times in one answer: every token once', () =>
    run(async (checker) => {
      const cutter = await new Cutter(fleet.replicas[0]).start();
      try {
        const socket = await checker.socket(fleet.at(cutter.url, admin));
        const answer = checker.prepare(b, { socket, tokens: 800, delay: 5 });
        await answer.post();
        for (let i = 1; i <= 10; i += 1) {
          await answer.turn.tokens(i * 60);
          cutter.turn(fleet.replicas[i % 2]);
        }
        await answer.turn.done(20_000);
      } finally {
        cutter.close();
      }
    }));

  scenario('S29 a page is loaded again on the other replica in mid-stream: the whole text so far', () =>
    run(async (checker) => {
      const socket = await checker.socket(a);
      const answer = checker.prepare(a, { socket, tokens: 400, delay: 10 });
      await answer.post();
      await answer.turn.tokens(100);
      const seen = readTokens(answer.turn.text).count;
      const read = await answer.message(b);
      assert.ok(readTokens(read.content).count >= seen, `${seen} tokens were on the screen, the other replica gives ${JSON.stringify(read.content).slice(-40)}`);
      assert.notEqual(read.done, true);
      const tasks = (await b.get(`/api/tasks/chat/${answer.turn.chatId}`, { expect: 200 })).json;
      assert.deepEqual(tasks.task_ids, answer.turn.taskIds);
    }));

  scenario(
    'S30 the owner stands still for 20 s and wakes: another ends the answer, and the one that wakes says nothing',
    () =>
      run(async (checker) => {
        const [own, other] = [await checker.socket(a), await checker.socket(b)];
        const answer = checker.prepare(a, { socket: other, tokens: 5000, delay: 10, ends: ['interrupted'] });
        await answer.post();
        await until(() => answer.sent(provider) > 100, { what: 'tokens are sent' });
        fleet.replicas[0].pause();
        let message;
        try {
          const at = performance.now();
          message = await ended(answer, b);
          assert.ok(performance.now() - at < kTakeOverMs + 1000, `${performance.now() - at} ms`);
          await sleep(Math.max(0, 20_000 - (performance.now() - at)));
        } finally {
          fleet.replicas[0].resume();
        }
        const [call] = answer.callsOf(provider);
        await until(() => call.closedAt, { ms: 5000, what: 'it lets go of its provider' });
        await sleep(1500);
        assert.equal((await answer.message(b)).content, message.content, 'the fence holds');
        const shown = own.seen.filter((event) => event.message_id === answer.turn.messageId && event.data?.data?.type === 'response.output_text.delta');
        const isEnd = (event) => event.message_id === answer.turn.messageId && event.data?.data?.done;
        await until(() => own.seen.some(isEnd), { ms: 8000, what: 'its own client hears of the end' });
        assert.ok(message.content.startsWith(shown.map((event) => event.data.data.delta).join('')), 'it shows no token that is not stored');
        await fleet.settled();
      }),
    { long: true },
  );

  // After 12 s it is taken for dead, so that nobody else is there to be told anything.
  for (const [before, after] of [[0, 3000], [0, 12_000], [12_000, 1000]]) {
    scenario(
      `S30b the replica of a client stands still, for ${before} ms before another begins and ends its answer and ${after} ms after: it hears everything when it wakes`,
      () =>
        run(async (checker) => {
          const socket = await checker.socket(b);
          const answer = checker.prepare(a, { socket, tokens: 50, delay: 5 });
          fleet.replicas[1].pause();
          try {
            await sleep(before);
            await answer.post();
            await until(async () => (await answer.message(a))?.done, { ms: 10_000, what: 'the answer has ended' });
            await sleep(after);
          } finally {
            fleet.replicas[1].resume();
          }
          await answer.settle(10_000, a);
          await fleet.settled();
        }),
      { long: true },
    );
  }

  scenario('S31 stop at another replica: the provider is let go within a second, and all is kept', () =>
    run(async (checker) => {
      const socket = await checker.socket(b);
      const answer = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['stopped'] });
      await answer.post();
      await until(() => answer.sent(provider) > 60, { what: 'tokens are sent' });
      const [call] = answer.callsOf(provider);
      const at = performance.now();
      await b.stop(answer.turn.chatId);
      await until(() => call.closedAt, { ms: 2000, every: 5, what: 'the provider is let go' });
      assert.ok(performance.now() - at < 1000, `${performance.now() - at} ms`);
      assert.equal(call.closedBy, 'client');
      await answer.turn.done(3000);
      assert.ok(answer.turn.cancelled);
      assert.ok(readTokens((await answer.message(a)).content).count >= 20);
    }));

  scenario('S32 stop at another replica while nobody hears the bus: the provider is let go within a second, and all is kept', () =>
    run(async (checker) => {
      const socket = await checker.socket(b);
      const answer = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['stopped'] });
      await answer.post();
      await until(() => answer.sent(provider) > 60, { what: 'tokens are sent' });
      const bus = breakBus(fleet.databaseUrl);
      try {
        // Whoever listens is ended before it has heard anything; the second one sees that it is so.
        await until(async () => (await rows(fleet, kListeners))[0].n === 0, { what: 'nobody listens' });
        const [call] = answer.callsOf(provider);
        const at = performance.now();
        await b.stop(answer.turn.chatId);
        await until(() => call.closedAt, { ms: 2000, every: 5, what: 'the provider is let go' });
        assert.ok(performance.now() - at < 1000, `${performance.now() - at} ms`);
        await answer.turn.done(5000);
        assert.ok(answer.turn.cancelled);
        assert.ok(readTokens((await answer.message(a)).content).count >= 20);
      } finally {
        await bus.stop();
      }
    }), { long: true });

  scenario('S33 stop of an answer whose owner is dead: it ends at once or within the lease, with all its tokens', async () => {
    await run(async (checker) => {
      const socket = await checker.socket(b);
      const answer = checker.prepare(a, { socket, tokens: 3000, delay: 10, ends: ['stopped', 'interrupted'] });
      await answer.post();
      await until(() => answer.sent(provider) > 60, { what: 'tokens are sent' });
      await fleet.replicas[0].kill();
      const at = performance.now();
      const reply = await b.post(`/api/tasks/chat/${answer.turn.chatId}/stop`, {}, { expect: 200 });
      const message = await ended(answer, b);
      assert.ok(performance.now() - at < kLeaseMs + 3000, `${performance.now() - at} ms; ${reply.text}`);
      assert.ok(readTokens(message.content).count >= 20);
      await restore();
    });
  }, { long: true });

  scenario('S34 the provider breaks the connection at token 50: 50 tokens and the error are stored together', () =>
    run(async (checker) => {
      const socket = await checker.socket(b);
      const answer = checker.prepare(a, { socket, tokens: 200, delay: 5, directives: 'break=50', ends: ['failed'] });
      await answer.post();
      await answer.turn.done(10_000);
      const message = await answer.message(b);
      assert.equal(readTokens(message.content).count, 50);
      assert.ok(message.error.content);
    }));

  scenario('S41 a browser that reads a kilobyte a second delays nobody and has everything in the end', () =>
    run(async (checker) => {
      const slow = await checker.socket(a);
      const quick = await checker.socket(b);
      const { _socket: tcp } = slow.io.engine.transport.ws;
      const answer = checker.prepare(a, { socket: quick, tokens: 1500, delay: 2 });
      await answer.post();
      tcp.pause();
      const drip = setInterval(() => {
        tcp.resume();
        setTimeout(() => tcp.pause(), 5);
      }, 1000);
      try {
        await answer.turn.done(20_000);
      } finally {
        clearInterval(drip);
        tcp.resume();
      }
      const isEnd = (event) => event.message_id === answer.turn.messageId && event.data?.data?.done;
      await until(() => slow.seen.some(isEnd), { ms: 15_000, what: 'the slow one has the end' });
    }), { long: true });

  scenario('S42 two tabs on two replicas ask in one chat at once: two questions, two answers, none mixed', () =>
    run(async (checker) => {
      const [one, two] = [await checker.socket(a), await checker.socket(b)];
      const first = checker.prepare(a, { socket: one, tokens: 10, delay: 2 });
      await first.post();
      await first.turn.done();
      const { chatId, messageId } = first.turn;
      const both = [
        checker.prepare(a, { socket: one, tokens: 80, delay: 5, chatId, parentId: messageId }),
        checker.prepare(b, { socket: two, tokens: 80, delay: 5, chatId, parentId: messageId }),
      ];
      await Promise.all(both.map((answer) => answer.post()));
      await Promise.all(both.map((answer) => answer.turn.done(20_000)));
      const { messages } = (await b.chat(chatId)).chat.history;
      assert.equal(Object.keys(messages).length, 6);
      for (const { turn } of both) {
        assert.equal(messages[turn.messageId].parentId, turn.userId);
        assert.equal(messages[turn.userId].parentId, messageId);
      }
      assert.deepEqual(new Set(messages[messageId].childrenIds), new Set(both.map((answer) => answer.turn.userId)));
    }));
});

// What another replica does with a half-written answer: each policy, each way an owner goes (S26, S27, S30, S47).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { startFleet } from '../lib/fleet.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { checked, closeForeign } from './checker.mjs';
import { scenario } from './scenario.mjs';

/** How the owner goes, and how it is there again. */
const kWays = {
  'kill -9': { go: (replica) => replica.kill(), number: 'S26' },
  SIGTERM: { go: (replica) => replica.terminate(), number: 'S27' },
  SIGSTOP: { go: (replica) => replica.pause(), back: (replica) => replica.resume(), number: 'S30' },
};
const kEnds = { keep: ['interrupted'], continue: ['continued'], restart: ['restarted'] };
/** In `make test`; the others are long. */
const kShort = new Set(['kill -9 continue', 'SIGTERM restart']);

/** The entries of the message's history that speak of a take-over. */
const takeovers = (message) => (message.statusHistory ?? []).filter((status) => status.action === 'takeover');

describe('an answer whose owner is gone', () => {
  let provider;
  let fleet;
  let admin;
  before(async () => {
    provider = await startProvider();
    fleet = await startFleet({ replicas: 2, provider });
    admin = await fleet.admin();
    await fleet.settled();
  });
  after(async () => {
    await closeForeign();
    await fleet?.close();
    await provider?.stop();
  });

  const run = (work) => checked({ fleet, provider, admin }, work);

  async function choose(takeover, more = {}) {
    const { json } = await admin.get('/openai/config', { expect: 200 });
    const configs = { 0: { ...json.OPENAI_API_CONFIGS['0'], enable: true, takeover, api_type: 'chat_completions', background: false, ...more, ours_not: 'kept' } };
    const { json: stored } = await admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: configs }, { expect: 200 });
    assert.deepEqual(stored.OPENAI_API_CONFIGS, configs, 'what is not known is kept');
    const other = fleet.at(1, admin);
    const known = async () => (await other.get('/openai/config')).json.OPENAI_API_CONFIGS['0'];
    await until(async () => isDeepStrictEqual(await known(), configs[0]), { what: 'the other replica knows' });
  }

  /** The message, as soon as another replica has ended it. */
  const ended = (answer) =>
    until(async () => {
      const read = await answer.message(fleet.at(1, admin));
      return read?.done && read;
    }, { ms: 40_000, every: 50, what: 'another replica ends the answer' });

  async function restore() {
    const down = fleet.replicas.filter((replica) => !replica.isRunning);
    for (const replica of down) await replica.start();
    if (down.length) await fleet.settled();
  }

  for (const [way, { go, back, number }] of Object.entries(kWays)) {
    for (const policy of Object.keys(kEnds)) {
      scenario(`${number}t ${way} of the owner, policy ${policy}`, () =>
        run(async (checker) => {
          await choose(policy);
          const socket = await checker.socket(fleet.at(1, admin));
          const answer = checker.prepare(fleet.at(0, admin), { socket, tokens: 600, delay: 10, ends: kEnds[policy] });
          await answer.post();
          await answer.turn.tokens(31);
          await go(fleet.replicas[0]);
          const message = await ended(answer);
          await back?.(fleet.replicas[0]);
          await restore();
          const told = takeovers(message);
          assert.deepEqual(told.map((status) => status.policy), policy === 'keep' ? [] : [policy]);
          if (policy === 'keep') return;
          const before = message.content.slice(0, told[0].offset);
          if (policy === 'continue') assert.ok(readTokens(before).count >= 31, `the seam is at ${told[0].offset}`);
          assert.match(told[0].description, policy === 'continue' ? /^The server stopped; continued at \d\d:\d\d UTC$/ : /^The server stopped; begun again at \d\d:\d\d UTC$/);
          const live = answer.turn.events.filter((event) => event.type === 'status');
          assert.equal(live.length, 1, 'who follows is told once');
        }), { long: !kShort.has(`${way} ${policy}`) });
    }
  }

  // The provider goes on by itself: the heir reads on, and asks nobody anew.
  for (const [way, { go, back, number }] of Object.entries(kWays)) {
    for (const [what, directives] of [['text', ''], ['thoughts', 'reasoning=200']]) {
      scenario(`${number}r ${way} of the owner in ${what} that a cursor stands behind`, () =>
        run(async (checker) => {
          await choose('keep', { api_type: 'responses', background: true });
          try {
            const socket = await checker.socket(fleet.at(1, admin));
            const answer = checker.prepare(fleet.at(0, admin), { socket, tokens: 400, delay: 10, directives, ends: ['whole'] });
            await answer.post();
            if (directives) await until(() => answer.turn.events.filter((event) => event.data?.type === 'response.reasoning_text.delta').length > 5, { ms: 10_000 });
            else await answer.turn.tokens(31);
            await go(fleet.replicas[0]);
            const message = await ended(answer);
            await back?.(fleet.replicas[0]);
            await restore();
            assert.equal(readTokens(message.content).count, 400);
            assert.equal(message.error ?? null, null);
            if (directives) assert.equal(message.output[0].content[0].text, Array.from({ length: 200 }, (_, i) => `r${i}`).join(' '));
            assert.deepEqual(message.output.map((item) => item.type), directives ? ['reasoning', 'message'] : ['message']);
            const [told, ...more] = takeovers(message);
            assert.deepEqual(more, []);
            assert.match(told.description, /^The server stopped; continued at \d\d:\d\d UTC$/);
            const calls = provider.answers.filter((call) => JSON.stringify(call.body).includes(answer.name));
            assert.equal(calls.length, 1, 'the provider was asked once');
            assert.equal(calls[0].cancelled, undefined);
            assert.equal(message.usage?.completion_tokens, 400, 'usage of all of it, once');
          } finally {
            await choose('keep');
          }
        }), { long: number !== 'S26' });
    }
  }

  scenario('S26s an answer that was stopped while its owner was gone is cancelled at the provider', () =>
    run(async (checker) => {
      await choose('keep', { api_type: 'responses', background: true });
      try {
        const socket = await checker.socket(fleet.at(1, admin));
        const answer = checker.prepare(fleet.at(0, admin), { socket, tokens: 2000, delay: 10, ends: ['stopped'] });
        await answer.post();
        await answer.turn.tokens(31);
        await fleet.replicas[0].kill();
        await fleet.at(1, admin).stop(answer.turn.chatId);
        const call = provider.answers.find((one) => JSON.stringify(one.body).includes(answer.name));
        await until(() => call.cancelled, { ms: 15_000, what: 'the provider is told' });
        await restore();
      } finally {
        await choose('keep');
      }
    }));

  scenario('S26g a provider that has the answer no more: the policy decides', () =>
    run(async (checker) => {
      await choose('restart', { api_type: 'responses', background: true });
      try {
        const socket = await checker.socket(fleet.at(1, admin));
        const answer = checker.prepare(fleet.at(0, admin), { socket, tokens: 400, delay: 10, ends: ['restarted'] });
        await answer.post();
        await answer.turn.tokens(31);
        provider.state.responses.clear();
        await fleet.replicas[0].kill();
        const message = await ended(answer);
        await restore();
        assert.equal(readTokens(message.content).count, 400);
        assert.deepEqual(takeovers(message).map((status) => status.policy), ['restart']);
      } finally {
        await choose('keep');
      }
    }));

  scenario('S47t a policy that there is not is refused, and says which there are', async () => {
    const { json } = await admin.get('/openai/config', { expect: 200 });
    const reply = await admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: { 0: { takeover: 'again' } } });
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.json.detail, /keep, continue or restart/);
  });

  for (const policy of Object.keys(kEnds)) {
    scenario(`S34t one process on SQLite that starts again, policy ${policy}`, async () => {
      const server = await startServer({ provider, env: { ANTIPHON_TAKEOVER: policy } });
      try {
        const me = await server.admin();
        const socket = await me.connect();
        const prepared = me.prepare('Write on [[tokens=300 delay=10]]', { socket });
        const [turn] = prepared.turns;
        turn.accepted(await me.post('/api/chat/completions', prepared.body));
        await turn.tokens(31);
        await server.restart();
        const message = await until(async () => {
          const read = await me.message(turn.chatId, turn.messageId);
          return read?.done && read;
        }, { ms: 20_000, every: 50, what: 'it is ended' });
        const { count } = readTokens(message.content);
        assert.ok(policy === 'keep' ? count >= 31 && count < 300 : count === 300, `${count} tokens`);
        assert.equal(Boolean(message.error), policy === 'keep');
        assert.deepEqual(takeovers(message).map((status) => status.policy), policy === 'keep' ? [] : [policy]);
        turn.close();
      } finally {
        await server.close();
      }
    }, { long: policy !== 'continue' });
  }
});

// What another replica does with a half-written answer: each policy, each way an owner goes (S26, S27, S30, S47).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
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

  async function choose(takeover) {
    const { json } = await admin.get('/openai/config', { expect: 200 });
    const configs = { 0: { ...json.OPENAI_API_CONFIGS['0'], enable: true, takeover, ours_not: 'kept' } };
    const { json: stored } = await admin.post('/openai/config/update', { ...json, OPENAI_API_CONFIGS: configs }, { expect: 200 });
    assert.deepEqual(stored.OPENAI_API_CONFIGS, configs, 'what is not known is kept');
    const other = fleet.at(1, admin);
    await until(async () => (await other.get('/openai/config')).json.OPENAI_API_CONFIGS['0']?.takeover === takeover, { what: 'the other replica knows' });
  }

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
          const message = await until(async () => {
            const read = await answer.message(fleet.at(1, admin));
            return read?.done && read;
          }, { ms: 40_000, every: 50, what: 'another replica ends the answer' });
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

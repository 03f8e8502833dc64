// Settings, tokens and stops while replicas and PostgreSQL fail: what several clients saw, as recorded histories that porcupine judges.
// What it promises is said in linear/models.go: each replica knows within a second in which it and the database are there.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { startFleet } from '../lib/fleet.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { Random } from '../lib/random.mjs';
import { adminAccount } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { History } from './history.mjs';
import { Nemesis } from './nemesis.mjs';
import { scenario } from './scenario.mjs';

const kReplicas = 3;
const kSeconds = 40;
const kQuietMs = 3000;
/** A client's patience; then it does not know what came of it. */
const kPatienceMs = 3000;
const kSettings = '/api/v1/configs/models';
const kUnknown = { outcome: 'unknown' };

/** What nobody may see: a read, a minute after that ended, that still finds it. */
const longAfter = (ended, value) => ({ ...ended, op: 'read', replica: 0, value, call: ended.return + 60e9, return: ended.return + 61e9 });

describe('linearizability', () => {
  let provider;
  let cluster;
  let fleet;
  let admin;
  before(async () => {
    provider = await startProvider();
    cluster = await startPostgres();
    fleet = await startFleet({ replicas: kReplicas, provider, databaseUrl: cluster.createDatabase(), balancer: null });
    admin = await fleet.admin();
    await fleet.settled();
  });
  after(async () => {
    if (cluster?.halted) cluster.resume();
    await fleet?.close();
    cluster?.stop();
    await provider?.stop();
  });

  const isBack = () => until(async () => (await Promise.all(fleet.running.map((replica) => replica.isReady()))).every(Boolean), { ms: 20_000, what: 'every replica has its database again' });

  /** Faults one after the other, with a calm moment between, until `end`; the history knows who could not hear of changes. */
  async function disturb(random, history, end) {
    const nemesis = new Nemesis({ fleet, cluster, random, longest: 4000 });
    nemesis.kinds = ['kill', 'standStill', 'restartDatabase'];
    while (performance.now() < end) {
      await sleep(random.between(500, 2500));
      const fault = nemesis.next();
      const [kind, ...rest] = fault.what.split(' ');
      // Who starts reads everything first. Whoever was cut off from the database is back when he says so.
      if (kind === 'kill') await fault.done;
      else if (kind === 'standStill') await history.away(Number(rest[1]), fault.done);
      else await history.away(-1, fault.done.then(isBack));
    }
    await nemesis.rest();
    assert.ok(Object.keys(nemesis.counts).length > 1, 'hardly anything went wrong');
  }

  /** So many clients, each with its own choices, during faults and for a while afterwards. */
  async function recorded(random, history, clients, work) {
    const end = performance.now() + kSeconds * 1000;
    const going = Array.from({ length: clients }, (_, client) => {
      const own = new Random(random.between(1, 1e9));
      return (async () => {
        while (performance.now() < end + kQuietMs) await work(client, own);
      })();
    });
    await Promise.all([disturb(random, history, end), ...going]);
  }

  const options = (more = {}) => ({ ...more, signal: AbortSignal.timeout(kPatienceMs) });

  scenario(
    'L01 a setting is a register: nobody overwrites what he has not seen, and every replica shows it within a second',
    async (random) => {
      const history = new History('setting');
      let written = 0;
      const read = (client, replica) =>
        history.record({ key: 'setting', client, replica, op: 'read' }, async () => {
          const reply = await fleet.at(replica, admin).get(kSettings, options());
          if (reply.status !== 200) return kUnknown;
          return { outcome: 'ok', version: Number(reply.headers.get('etag').replaceAll('"', '')), value: reply.json.DEFAULT_MODELS ?? '' };
        });
      const write = (client, replica, version) => {
        const value = `model-${(written += 1)}`;
        return history.record({ key: 'setting', client, replica, op: 'write', version, value }, async () => {
          const reply = await fleet.at(replica, admin).post(kSettings, { DEFAULT_MODELS: value }, options({ headers: { 'If-Match': `"${version}"` } }));
          return { outcome: { 200: 'ok', 412: 'refused' }[reply.status] ?? 'unknown' };
        });
      };
      await read(0, 0);
      await recorded(random, history, 5, async (client, own) => {
        const seen = await read(client, own.between(0, kReplicas - 1));
        if (seen && own.chance(0.4)) await write(client, own.between(0, kReplicas - 1), seen.version);
        await sleep(own.between(5, 100));
      });
      const said = history.check((records) => {
        // What was overwritten long ago is shown once more.
        const reads = records.filter((record) => record.op === 'read' && record.outcome === 'ok');
        Object.assign(reads.at(-1), { version: reads[0].version, value: reads[0].value });
        return records;
      });
      const outcomes = ['ok', 'refused', 'unknown'].map((outcome) => history.records.filter((record) => record.op === 'write' && record.outcome === outcome).length);
      console.log(`# ${said}; writes: ${outcomes[0]} done, ${outcomes[1]} refused, ${outcomes[2]} unknown`);
      assert.ok(outcomes[0] > 5, 'hardly anybody wrote');
    },
    { long: true },
  );

  scenario(
    'L02 a token is good until its sign-out, nowhere longer than a second, and never again',
    async (random) => {
      const history = new History('token');
      const held = [];
      let made = 0;
      const signIn = async (replica) => {
        const person = fleet.at(replica, { token: null });
        const reply = await person.post('/api/v1/auths/signin', { email: adminAccount.email, password: adminAccount.password }, options()).catch(() => null);
        if (reply?.status === 200) held.push({ key: `token ${(made += 1)}`, token: reply.json.token });
      };
      const use = ({ key, token }, client, replica) =>
        history.record({ key, client, replica, op: 'read' }, async () => {
          const { status } = await fleet.at(replica, { token }).get('/api/v1/auths/', options());
          return { outcome: status === 200 || status === 401 ? 'ok' : 'unknown', value: { 200: 'accepted', 401: 'refused' }[status] };
        });
      const signOut = ({ key, token }, client, replica) =>
        history.record({ key, client, replica, op: 'signout' }, async () => {
          const { status } = await fleet.at(replica, { token }).post('/api/v1/auths/signout', {}, options());
          return { outcome: status === 200 ? 'ok' : 'unknown' };
        });
      await signIn(0);
      await recorded(random, history, 5, async (client, own) => {
        const replica = own.between(0, kReplicas - 1);
        if (client === 0 && own.chance(0.05)) await signIn(replica);
        const mine = held[own.between(Math.max(0, held.length - 4), held.length - 1)];
        if (own.chance(0.01)) await signOut(mine, client, replica);
        else await use(mine, client, replica);
        await sleep(own.between(5, 60));
      });
      const ended = history.records.find((record) => record.op === 'signout' && record.outcome === 'ok');
      assert.ok(ended, 'nobody signed out');
      const said = history.check((records) => [...records, longAfter(ended, 'accepted')]);
      console.log(`# ${said}; ${made} tokens`);
    },
    { long: true },
  );

  scenario(
    'L03 an answer has one end for ever, and who was told that it is stopped never sees it alive again',
    async (random) => {
      const history = new History('run');
      const socket = await fleet.at(0, admin).connect();
      const held = [];
      const ask = async (replica, own) => {
        const asker = fleet.at(replica, admin);
        const { body, turns } = asker.prepare(`[[tokens=${own.between(100, 2000)} delay=10]]`, { socket });
        body.session_id ??= 'nobody';
        const reply = await asker.post('/api/chat/completions', body, options()).catch(() => null);
        if (reply?.status === 200) held.push({ key: turns[0].messageId, chat: reply.json.chat_id });
        turns[0].close();
      };
      const look = ({ key, chat }, client, replica) =>
        history.record({ key, client, replica, op: 'read' }, async () => {
          const reply = await fleet.at(replica, admin).get(`/api/v1/chats/${chat}`, options());
          if (reply.status !== 200) return kUnknown;
          const message = reply.json.chat.history.messages[key];
          return { outcome: 'ok', value: message.done ? `ended ${message.content.length} ${message.error?.content ?? ''}` : 'alive' };
        });
      const stop = ({ key, chat }, client, replica) =>
        history.record({ key, client, replica, op: 'stop' }, async () => {
          const { status } = await fleet.at(replica, admin).post(`/api/tasks/chat/${chat}/stop`, {}, options());
          return { outcome: status === 200 ? 'ok' : 'unknown' };
        });
      while (!held.length) await ask(0, random);
      await recorded(random, history, 5, async (client, own) => {
        const replica = own.between(0, kReplicas - 1);
        if (client < 2 && own.chance(0.1)) await ask(replica, own);
        const mine = held[own.between(Math.max(0, held.length - 6), held.length - 1)];
        if (own.chance(0.05)) await stop(mine, client, replica);
        else await look(mine, client, replica);
        await sleep(own.between(10, 100));
      });
      const ended = history.records.find((record) => record.op === 'stop' && record.outcome === 'ok');
      assert.ok(ended, 'nobody stopped anything');
      const said = history.check((records) => [...records, longAfter(ended, 'alive')]);
      console.log(`# ${said}; ${held.length} answers`);
    },
    { long: true },
  );
});

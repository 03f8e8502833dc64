// Everything at once: clients chat through a load balancer while replicas are killed, stopped and cut off, tables are locked and
// PostgreSQL restarts. In rounds: after each, all is mended and everything checked.
//   ANTIPHON_FAULT_MINUTES=10   how long (default: one round of some seconds)
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { startFleet } from '../lib/fleet.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { connectPython } from '../lib/python.mjs';
import { Random } from '../lib/random.mjs';
import { adminAccount } from '../lib/server.mjs';
import { startToxiproxy } from '../lib/toxiproxy.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { Checker, closeForeign } from './checker.mjs';
import { Nemesis } from './nemesis.mjs';
import { keepLogs, writeReport } from './report.mjs';
import { scenario, seed, wantsAll } from './scenario.mjs';

const kMinutes = Number(process.env.ANTIPHON_FAULT_MINUTES ?? 0);
const kRoundMs = kMinutes ? 60_000 : 15_000;
const kReplicas = 3;
const kClients = 4;
/** A client's patience with one answer, once nothing is broken any more. */
const kPatienceMs = 60_000;

class Mixed {
  constructor(random) {
    this.random = random;
    this.faults = [];
    this.times = { 'take-over after a kill or a long stall': [], 'reconnect of a client': [], 'request with a good token': [], 'first word of an answer': [] };
    this.counts = { rounds: 0, answers: 0, whole: 0, interrupted: 0, stopped: 0, 'loaded again': 0, 'posted more than once': 0, 'reconnects recovered': 0, 'reconnects healed': 0, 'sessions ended': 0 };
    this.balancer = random.chance(0.5) ? 'nginx' : 'haproxy';
  }

  async start() {
    this.provider = await startProvider();
    this.cluster = await startPostgres();
    const url = this.cluster.createDatabase();
    const database = (this.database = url.split('/').at(-1));
    if (wantsAll) {
      this.toxiproxy = await startToxiproxy();
      this.lines = await Promise.all(Array.from({ length: kReplicas }, (_, i) => this.toxiproxy.line(`replica${i}`, this.cluster.port)));
    }
    const each = (i) => (this.lines ? { env: { DATABASE_URL: `postgresql://antiphon@127.0.0.1:${this.lines[i].port}/${database}` } } : {});
    this.fleet = await startFleet({ replicas: kReplicas, provider: this.provider, databaseUrl: url, balancer: this.balancer, each });
    this.admin = await this.fleet.admin();
    await this.fleet.settled();
    this.nemesis = new Nemesis({ ...this, longest: kMinutes ? 20_000 : 4000 });
  }

  async stop() {
    if (this.cluster?.halted) this.cluster.resume();
    await closeForeign();
    await this.fleet?.close();
    await this.toxiproxy?.stop();
    this.cluster?.stop();
    await this.provider?.stop();
  }

  /** What tells of a run that something went wrong with. */
  tables() {
    try {
      const sql = (text) => this.cluster.sql(this.database, text);
      return {
        run: sql('SELECT run_id, chat_id, message_id, state, owner, epoch, attempts, cancel_requested, created_at, updated_at, (SELECT max(seq) FROM run_event e WHERE e.run_id = r.run_id) FROM run r ORDER BY created_at DESC LIMIT 200'),
        node: sql('SELECT * FROM node'),
      };
    } catch (error) {
      return { tables: error.message };
    }
  }

  /** One person, who asks, reads and sometimes stops, until `end`. */
  async chat(checker, socket, random, end) {
    while (performance.now() < end) {
      const ends = ['whole', 'interrupted'];
      const stops = random.chance(0.15);
      if (stops) ends.push('stopped');
      const options = { socket, tokens: random.between(20, 500), delay: random.between(2, 15), ends };
      const [copies, wait] = [random.chance(0.3) ? 3 : 1, random.between(0, 1500)];
      const answer = checker.prepare(this.admin, options);
      const asked = performance.now();
      await answer.post({ ms: kPatienceMs, copies });
      if (stops) {
        await sleep(wait);
        await until(() => this.admin.stop(answer.turn.chatId), { ms: kPatienceMs, every: 300, what: 'a stop is accepted' });
      }
      await answer.settle(kPatienceMs);
      if (answer.turn.firstTextAt) this.times['first word of an answer'].push(answer.turn.firstTextAt - asked);
    }
  }

  /** Somebody signs in and out again and again: what he held must not come back to life. */
  async comeAndGo(checker, end) {
    while (performance.now() < end) {
      await sleep(1500);
      const person = this.fleet.client();
      try {
        await person.signIn(adminAccount);
        await person.post('/api/v1/auths/signout', {}, { expect: 200 });
      } catch {
        continue; // Whether it was carried out is not known.
      }
      checker.revoked(person.token);
      this.counts['sessions ended'] += 1;
    }
  }

  async disturb(end) {
    const going = [];
    while (performance.now() < end) {
      await sleep(this.random.between(500, 4000));
      const fault = this.nemesis.next();
      if (!fault) continue;
      this.faults.push(fault.what);
      going.push(fault.done);
      fault.done.catch(() => {}); // Awaited below.
    }
    await Promise.all(going);
  }

  async round(ms) {
    const checker = new Checker(this.fleet, this.provider, this.admin);
    this.provider.calls.length = 0;
    await checker.start();
    const sockets = [];
    try {
      for (let i = 0; i < kClients; i += 1) sockets.push(await checker.socket(this.admin));
      if (wantsAll) sockets.push(await connectPython(this.fleet.url, this.admin.token));
      const end = performance.now() + ms;
      const people = sockets.map((socket) => this.chat(checker, socket, new Random(this.random.between(1, 1e9)), end));
      await Promise.all([this.disturb(end), this.comeAndGo(checker, end), ...people]);
      await checker.finish({ ms: kPatienceMs });
    } catch (error) {
      error.message += ` (the replicas' logs: ${keepLogs(this.fleet, this.tables())})`;
      await checker.abandon();
      throw error;
    } finally {
      this.count(checker);
      for (const socket of sockets) socket.disconnect();
    }
  }

  count(checker) {
    const { counts, times } = this;
    counts.rounds += 1;
    counts.answers += checker.answers.length;
    for (const end of ['whole', 'interrupted', 'stopped']) counts[end] += checker.answers.filter((answer) => answer.end === end).length;
    counts['loaded again'] += checker.answers.filter((answer) => answer.reloaded).length;
    counts['posted more than once'] += checker.answers.filter((answer) => answer.posts > 1).length;
    counts['reconnects recovered'] += checker.backs.filter((back) => back.recovered).length;
    counts['reconnects healed'] += checker.backs.filter((back) => !back.recovered).length;
    times['reconnect of a client'].push(...checker.backs.map((back) => back.ms));
    times['request with a good token'].push(...checker.goodMs);
  }

  async run() {
    const end = performance.now() + Math.max(kMinutes * 60_000, kRoundMs);
    do await this.round(Math.min(kRoundMs, end - performance.now()));
    while (performance.now() + 10_000 < end);
    await this.nemesis.rest();
  }

  report(outcome) {
    this.times['take-over after a kill or a long stall'] = this.nemesis?.takeOvers ?? [];
    const settings = { minutes: kMinutes, replicas: kReplicas, clients: kClients, 'load balancer': this.balancer };
    return writeReport({ seed, outcome, settings, counts: { ...this.counts, ...this.nemesis?.counts }, times: this.times, faults: this.faults });
  }
}

describe('all faults together', () => {
  scenario(
    `M01 nothing is lost, doubled or left open (seed ${seed})`,
    async (random) => {
      const mixed = new Mixed(random);
      let outcome = 'held';
      try {
        await mixed.start();
        await mixed.run();
        assert.ok(mixed.counts.answers > 0 && mixed.faults.length > 0, 'nobody asked, or nothing went wrong');
      } catch (error) {
        outcome = `FAILED: ${error.message.split('\n')[0]}`;
        throw error;
      } finally {
        console.log(`# mixed faults: ${outcome}; ${mixed.report(outcome)}`);
        // What a failure left behind is not worth a word more.
        await mixed.stop().catch((error) => outcome === 'held' && Promise.reject(error));
      }
    },
    { timeout: 240_000 + kMinutes * 120_000 },
  );
});

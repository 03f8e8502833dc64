// What goes wrong in the mixed loop. Each fault begins, lasts, and is mended before its promise settles.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rows } from '../lib/rows.mjs';
import { sleep, until } from '../lib/until.mjs';

const kLookMs = 250;
const kTables = ['run', 'run_event', 'chat_message', 'chat', 'node', '"user"', 'config', 'revoked'];

export class Nemesis {
  /** `lines[i]`: Toxiproxy between replica i and the database; none: those faults are left out. `longest`: milliseconds. */
  constructor({ fleet, cluster, lines, random, longest }) {
    Object.assign(this, { fleet, cluster, lines, random, longest });
    this.busy = new Set(); //      replicas that suffer already
    this.counts = {};
    this.takeOvers = []; //        milliseconds
    this.watching = [];
    this.kinds = ['kill', 'terminate', 'standStill', 'lock', 'restartDatabase', ...(lines ? ['cut', 'swallow'] : [])];
  }

  #lasts(least, most = this.longest) {
    return this.random.between(least, Math.max(least, Math.min(most, this.longest)));
  }

  /** Every choice is drawn at once, so that a seed gives the same ones however long they take. Null: nobody is left to suffer. */
  next() {
    const { random } = this;
    const kind = this.kinds[random.between(0, this.kinds.length - 1)];
    const index = random.between(0, this.fleet.replicas.length - 1);
    const lasts = this.#lasts(...{ kill: [200, 3000], terminate: [0, 2000], standStill: [3000, 20_000], lock: [500, 4000], restartDatabase: [0, 3000], cut: [1000, 8000], swallow: [2000, 10_000] }[kind]);
    const table = kTables[random.between(0, kTables.length - 1)];
    const ofReplica = !['lock', 'restartDatabase'].includes(kind);
    // Somebody must be there to go on.
    if (ofReplica && (this.busy.has(index) || this.busy.size >= this.fleet.replicas.length - 1)) return null;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const what = `${kind} ${ofReplica ? `replica ${index}` : kind === 'lock' ? table : ''} ${lasts} ms`;
    return { what, done: ofReplica ? this.#suffer(kind, index, lasts) : this[kind](lasts, table) };
  }

  async #suffer(kind, index, lasts) {
    this.busy.add(index);
    try {
      await this[kind](lasts, index);
    } finally {
      this.busy.delete(index);
    }
  }

  async kill(lasts, index) {
    const replica = this.fleet.replicas[index];
    const before = await this.#live();
    await replica.kill();
    this.#watch(before);
    await sleep(lasts);
    await this.#start(replica);
  }

  async terminate(lasts, index) {
    const replica = this.fleet.replicas[index];
    const outcome = await replica.terminate(60_000);
    if (outcome.code !== 0) throw new Error(`SIGTERM of replica ${index} ended with ${JSON.stringify(outcome)}:\n${replica.log.slice(-2000)}`);
    await sleep(lasts);
    await this.#start(replica);
  }

  /** The database may be away just then; a process manager tries again too. */
  #start(replica) {
    return until(
      async () => {
        await replica.start();
        return true;
      },
      { ms: 60_000, every: 500, what: 'the replica starts' },
    );
  }

  async standStill(lasts, index) {
    const replica = this.fleet.replicas[index];
    const before = await this.#live();
    replica.pause();
    if (lasts > 7000) this.#watch(before);
    await sleep(lasts);
    replica.resume();
  }

  async cut(lasts, index) {
    await this.lines[index].cut();
    await sleep(lasts);
    await this.lines[index].restore();
  }

  async swallow(lasts, index) {
    await this.lines[index].swallow();
    await sleep(lasts);
    await this.lines[index].restore();
  }

  /** Somebody's maintenance holds a table. */
  async lock(lasts, table) {
    if (this.cluster.halted) return;
    const statement = `BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(${lasts / 1000}); COMMIT`;
    const child = spawn(`${this.cluster.programs}/psql`, [this.fleet.databaseUrl, '-qXAt', '-c', statement], { stdio: 'ignore', cwd: '/' });
    await once(child, 'close');
  }

  async restartDatabase(lasts) {
    if (this.cluster.halted) return;
    this.cluster.halt();
    await sleep(lasts);
    this.cluster.resume();
  }

  async #live() {
    return rows(this.fleet, 'SELECT run_id, epoch FROM run WHERE state < 10').catch(() => []);
  }

  /** How long until those of `before` that change hands have done so. */
  #watch(before) {
    const at = performance.now();
    const look = async () => {
      let waiting = before.map((run) => run.run_id);
      while (waiting.length && performance.now() - at < 60_000) {
        await sleep(kLookMs);
        const list = waiting.map((id) => `'${id}'`).join(',');
        const now = await rows(this.fleet, `SELECT run_id, epoch, state FROM run WHERE run_id IN (${list})`).catch(() => null);
        if (!now) continue;
        for (const { run_id: id, epoch, state } of now) {
          const had = before.find((run) => run.run_id === id).epoch;
          if (Number(epoch) > Number(had)) this.takeOvers.push(performance.now() - at);
          if (Number(epoch) > Number(had) || Number(state) >= 10) waiting = waiting.filter((one) => one !== id);
        }
      }
    };
    this.watching.push(look());
  }

  async rest() {
    await Promise.all(this.watching);
    this.watching = [];
  }
}

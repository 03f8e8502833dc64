// What must hold in every run of the laboratory (design D.13), whatever fault there was:
//   1  the tokens a client saw are the provider's: contiguous, each once        (answers.mjs)
//   2  what is stored is what the client has                                    (answers.mjs)
//   3  each run has exactly one end, within a time, and nothing behind it       (lib/log.mjs)
//   4  the provider was called as often as the run says it tried                (answers.mjs, here)
//   5  nobody else hears of it: no other user, no other deployment
//   6  a good token is never refused; a revoked one is, a second later
//   7  messages that are not done are as many as runs that live, at any moment
import assert from 'node:assert/strict';
import { checkLog } from '../lib/log.mjs';
import { rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { sleep } from '../lib/until.mjs';
import { Answer } from './answers.mjs';
import { keepLogs } from './report.mjs';

const kSampleMs = 400;
const kRevokedMs = 1000;

/** Another deployment on the same PostgreSQL server, with the same secret and the same people; one a process. */
let foreign = null;
async function foreignDeployment() {
  const server = await startServer({ databaseUrl: (await sharedPostgres()).createDatabase() });
  const admin = await server.admin();
  return { server, socket: await admin.connect() };
}

/** After the last test of a file. */
export async function closeForeign() {
  await (await foreign)?.server.close();
  foreign = null;
}

export class Checker {
  #answers = [];
  #sockets = [];
  #revoked = [];
  #faults = [];
  #sampling = null;
  #stopped = false;

  /** `admin`: a client whose token must stay good. */
  constructor(fleet, provider, admin) {
    Object.assign(this, { fleet, provider, admin });
    this.samples = 0;
    this.goodMs = [];
  }

  async start() {
    foreign ??= foreignDeployment();
    this.foreign = await foreign;
    const name = `By${Date.now()}`;
    const bystander = await this.fleet.user(this.admin, name);
    this.bystander = await this.socket(this.fleet.at(this.fleet.replicas.length - 1, bystander));
    this.#sampling = this.#sample();
    return this;
  }

  /**
   * A socket that behaves as the web client's: it comes back by itself and joins each time. `socket.healed`: it came back
   * without recovery at least once, so that snapshots fill what it missed.
   */
  async socket(client, options) {
    const socket = await client.connect(options);
    this.follow(socket, client.token);
    socket.emit('user-join', { auth: { token: client.token } });
    return socket;
  }

  follow(socket, token) {
    socket.healed = false;
    socket.backs = [];
    socket.lastId = socket.id;
    socket.on('disconnect', () => (socket.lostAt = performance.now()));
    socket.on('connect', () => {
      if (socket.lostAt) socket.backs.push({ at: performance.now(), ms: performance.now() - socket.lostAt, recovered: socket.recovered });
      socket.healed ||= !socket.recovered;
      socket.lastId = socket.id;
      socket.emit('user-join', { auth: { token } });
    });
    this.#sockets.push(socket);
  }

  get backs() {
    return this.#sockets.flatMap((socket) => socket.backs);
  }

  get answers() {
    return this.#answers;
  }

  /** An answer to be checked at the end; not posted yet. */
  prepare(client, options) {
    const answer = new Answer(client, options);
    this.#answers.push(answer);
    return answer;
  }

  async ask(client, options) {
    const answer = this.prepare(client, options);
    await answer.post();
    return answer;
  }

  /** From one second on nobody may accept it. */
  revoked(token) {
    this.#revoked.push({ token, from: performance.now() + kRevokedMs });
  }

  async #sample() {
    while (!this.#stopped) {
      await Promise.all([this.#sampleTokens(), this.#sampleLive()]);
      await sleep(kSampleMs);
    }
  }

  /** Checker 6. Nobody answers, or 503, is no refusal. */
  async #sampleTokens() {
    const whoAmI = async (token) => {
      const asked = performance.now();
      try {
        const reply = await fetch(`${this.fleet.url}/api/v1/auths/`, { headers: { Authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(10_000) });
        await reply.arrayBuffer();
        return { status: reply.status, ms: performance.now() - asked };
      } catch {
        return { status: 0, ms: performance.now() - asked };
      }
    };
    const good = await whoAmI(this.admin.token);
    this.samples += 1;
    if (good.status === 200) this.goodMs.push(good.ms);
    if ([401, 403].includes(good.status)) this.#faults.push(`a good token was refused with ${good.status}`);
    for (const { token, from } of this.#revoked) {
      if (performance.now() < from) continue;
      const { status } = await whoAmI(token);
      if (status === 200) this.#faults.push(`a revoked token was accepted ${Math.round(performance.now() - from + kRevokedMs)} ms later`);
    }
  }

  /** Checker 7, in one statement: one moment. */
  async #sampleLive() {
    let found;
    try {
      found = await rows(
        this.fleet,
        `SELECT (SELECT count(*) FROM chat_message WHERE NOT done) AS messages, (SELECT count(*) FROM run WHERE state < 10) AS runs`,
      );
    } catch {
      return; // The database is away.
    }
    const [{ messages, runs }] = found;
    if (Number(messages) !== Number(runs)) this.#faults.push(`${messages} messages are not done, and ${runs} runs live`);
  }

  /** Everything, once every fault is over. `ms`: within which every answer must have its end. */
  async finish({ ms = 30_000 } = {}) {
    try {
      for (const answer of this.#answers) await answer.check(this.provider, { client: this.admin, ms });
      await this.#checkEnds();
    } finally {
      await this.#rest();
    }
    this.#checkSilence();
    assert.deepEqual([...new Set(this.#faults)], [], 'seen while it ran');
    assert.ok(this.samples > 0, 'nobody looked while it ran');
  }

  /** No more looking; also after a scenario that failed. */
  async #rest() {
    this.#stopped = true;
    await this.#sampling;
    for (const answer of this.#answers) answer.close();
  }

  /** Stops what a failed scenario left running, so that the next one begins in quiet. */
  async abandon() {
    await this.#rest();
    for (const { turn, accepted } of this.#answers) if (accepted) await this.admin.stop(turn.chatId).catch(() => {});
    for (const socket of this.#sockets) socket.disconnect();
  }

  /** Checker 3 and 4, from the database itself. */
  async #checkEnds() {
    const ids = this.#answers.map((answer) => answer.turn.messageId);
    if (!ids.length) return;
    await checkLog(this.fleet, ids);
    const list = ids.map((id) => `'${id}'`).join(',');
    const tried = await rows(this.fleet, `SELECT message_id, attempts FROM run WHERE message_id IN (${list})`);
    for (const answer of this.#answers) {
      const attempts = Number(tried.find((run) => run.message_id === answer.turn.messageId).attempts);
      const calls = answer.calls.length;
      assert.ok(calls <= attempts, `${answer.name}: ${calls} calls of the provider in ${attempts} attempts`);
      if (answer.end === 'whole') assert.ok(calls >= 1, `${answer.name}: an answer and no call`);
    }
  }

  /** Checker 5. */
  #checkSilence() {
    const ours = new Set(this.#answers.flatMap(({ turn }) => [turn.chatId, turn.messageId]).filter(Boolean));
    for (const [who, socket] of [['another user', this.bystander], ['another deployment', this.foreign.socket]]) {
      const heard = socket.seen.filter((event) => ours.has(event.chat_id) || ours.has(event.message_id));
      assert.deepEqual(heard, [], `${who} heard of it`);
    }
  }
}

/** A scenario's frame: a checker around `work(checker)`. */
export async function checked({ fleet, provider, admin, ms }, work) {
  const checker = await new Checker(fleet, provider, admin).start();
  try {
    await work(checker);
    await checker.finish({ ms });
  } catch (error) {
    error.message += ` (the replicas' logs: ${keepLogs(fleet)})`;
    await checker.abandon();
    throw error;
  }
  return checker;
}

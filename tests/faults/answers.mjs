// One answer that is asked for during a fault, and what must be true of it afterwards.
import assert from 'node:assert/strict';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';

let counter = 0;

const countOf = (text, what) => {
  if (!text) return { serial: null, count: 0 };
  try {
    return readTokens(text);
  } catch (error) {
    throw new assert.AssertionError({ message: `${what}: ${error.message}` });
  }
};

const tookOver = (message, policy) => (message.statusHistory ?? []).some((status) => status.action === 'takeover' && status.policy === policy);

/** How an answer may end. A client that was away must know too. */
const kEnds = {
  whole: (answer, message, count) => count === answer.tokens && !message.error,
  // Continue is offered; the last token may have come just before the end was lost.
  interrupted: (answer, message, count) => count <= answer.tokens && /Continue/.test(message.error?.content ?? ''),
  // Another replica went on behind the text so far: all of it, begun by one call and ended by a later one.
  continued: (answer, message, count) => count === answer.tokens && !message.error && tookOver(message, 'continue'),
  // Another replica dropped the text so far and asked anew.
  restarted: (answer, message, count) => count === answer.tokens && !message.error && tookOver(message, 'restart'),
  failed: (answer, message, count) => count <= answer.tokens && Boolean(message.error?.content),
  stopped: (answer, message, count) => count <= answer.tokens && !message.error,
};

export class Answer {
  /**
   * `ends`: how it may end; `directives`: more for the provider. `lost`: PostgreSQL loses some of what is on the screen, which the
   * client shows until it loads the chat again.
   */
  constructor(client, { socket, tokens = 200, delay = 10, directives = '', ends = ['whole'], lost = false, ...options }) {
    counter += 1;
    Object.assign(this, { client, socket, tokens, ends, lost, accepted: false, posts: 0 });
    this.name = `Q${process.pid}x${counter}Q`;
    this.prepared = client.prepare(`${this.name} [[tokens=${tokens} delay=${delay} ${directives}]]`, { socket, ...options });
    // Without a session an answer comes in the request itself. Who is cut off just now asks for the one he had.
    this.prepared.body.session_id ??= socket.lastId;
    [this.turn] = this.prepared.turns;
    this.reloaded = false;
    this.longest = 0;
    this.shrunk = null;
    // After the turn's own listener: what the client shows never becomes less.
    this.watcher = () => {
      const { length } = this.turn.text;
      // A restart says that the text goes, and is the one thing that may make it less.
      const { data } = this.turn.events.at(-1) ?? {};
      if (this.ends.includes('restarted') && data?.output?.length === 0) this.longest = 0;
      if (length < this.longest) this.shrunk ??= `${this.longest} characters became ${length} at ${this.turn.types.at(-1)}`;
      this.longest = Math.max(this.longest, length);
    };
    socket.on('events', this.watcher);
  }

  /**
   * Posts it, the same request again and again until somebody accepts it, as a client does that hears nothing. `copies`: so many
   * at once, as an impatient load balancer does.
   */
  async post({ ms = 40_000, client = this.client, copies = 1 } = {}) {
    const attempt = async () => {
      this.posts += 1;
      let reply;
      try {
        reply = await client.post('/api/chat/completions', this.prepared.body, { signal: AbortSignal.timeout(8000) });
      } catch {
        return false;
      }
      if (reply.status >= 502 && reply.status <= 504) return false;
      for (const turn of this.prepared.turns) turn.accepted(reply);
      return true;
    };
    // until() would take an assertion for a "not yet".
    const end = performance.now() + ms;
    const attempts = async () => (await Promise.all(Array.from({ length: copies }, attempt))).some(Boolean);
    while (!(await attempts())) {
      if (performance.now() > end) assert.fail(`${this.name}: nobody accepted it in ${ms} ms and ${this.posts} tries`);
      await sleep(100);
    }
    this.accepted = true;
    return this.turn;
  }

  message(client = this.client) {
    return client.message(this.turn.chatId, this.turn.messageId);
  }

  /**
   * Until the client knows the end. Whoever came back without recovery, and so may have missed it, loads the chat again, as the
   * web client does.
   */
  async settle(ms, client = this.client) {
    const { turn, socket } = this;
    const knows = async () => {
      if (turn.final || turn.cancelled) return true;
      if (!socket.backs.some((back) => !back.recovered)) return false;
      this.reloaded = Boolean((await this.message(client))?.done);
      return this.reloaded;
    };
    const back = socket.backs.map((one) => (one.recovered ? 'recovered' : 'not recovered')).join(', ');
    try {
      await until(knows, { ms, every: 100, what: `${this.name}: the client hears of the end; it (${socket.kind ?? 'socket.io-client'}, connected ${socket.connected}) has ${turn.text.length} characters, came back: ${back || 'never'}` });
    } catch (error) {
      const stored = await this.message(client).catch((failure) => failure.message);
      const heard = socket.seen?.filter((event) => event.message_id === turn.messageId).length;
      error.message += ` (chat ${turn.chatId}, message ${turn.messageId}: the socket heard ${heard} events of it among ${socket.seen?.length}; stored: ${JSON.stringify(stored)?.slice(0, 300)})`;
      throw error;
    }
  }

  /** Checker 1, 2 and 4. `client`: who reads; `ms`: T, until the end is stored. */
  async check(provider, { client = this.client, ms = 30_000 } = {}) {
    const message = await until(
      async () => {
        const read = await this.message(client);
        return read?.done && read;
      },
      { ms, every: 50, what: `${this.name} has an end` },
    );
    const { count, serial } = countOf(message.content, `${this.name} as stored`);
    const fits = this.ends.some((end) => kEnds[end](this, message, count));
    assert.ok(fits, `${this.name} ended with ${count} of ${this.tokens} tokens and ${JSON.stringify(message.error)}, not ${this.ends.join(' or ')}`);
    const matches = (end) => this.ends.includes(end) && kEnds[end](this, message, count);
    this.end = ['continued', 'restarted'].find(matches) ?? (kEnds.whole(this, message, count) ? 'whole' : this.ends.find(matches));
    this.count = count;
    await this.#checkClient(message, client);
    await this.#checkCalls(provider, serial, count);
    return message;
  }

  async #checkClient(message, client) {
    const { turn } = this;
    await this.settle(10_000, client);
    if (this.lost) return assert.ok(turn.text.startsWith(message.content), this.#difference(message.content));
    if (this.reloaded) return assert.ok(message.content.startsWith(turn.text), this.#difference(message.content));
    const same = () => turn.text === message.content;
    await until(same, { ms: 5000, what: 'the same text' }).catch(() => assert.fail(this.#difference(message.content)));
    assert.equal(this.shrunk, null, `${this.name}: text that was on the screen went away`);
    const streamed = [...turn.deltaText.matchAll(/ t(\d+)/g)].map((match) => Number(match[1]));
    const again = this.end === 'restarted' ? streamed.findIndex((number, i) => i > 0 && number === 0) : -1;
    if (again > 0) streamed.splice(0, again);
    streamed.forEach((number, i) => assert.ok(i === 0 || number > streamed[i - 1], `${this.name}: t${number} came after t${streamed[i - 1]}; ${this.#course(number)}`));
    // Whoever was told that nothing is missing got every token as a delta.
    if (!this.socket.healed && this.end !== 'restarted' && turn.deltaText) return assert.equal(turn.deltaText, turn.text, `${this.name}: tokens on the wire`);
    return undefined;
  }

  /** What came when, around the second coming of a token: milliseconds since the question, event, tokens. */
  #course(number) {
    const { turn, socket } = this;
    const since = (at) => Math.round(at - turn.startedAt);
    const tokens = (text) => (text ? [/ t\d+/.exec(text)?.[0], / t\d+(?=\D*$)/.exec(text)?.[0]].join('…') : '');
    const heard = turn.events.map((event) => `${since(event.at)} ${event.type} ${event.data?.type ?? ''}${tokens(event.data?.delta ?? '')}`);
    const at = turn.events.findLastIndex((event) => event.data?.delta?.includes(` t${number}`));
    const backs = socket.backs.map((back) => `${since(back.at ?? 0)} ${back.recovered ? 'recovered' : 'not recovered'}`);
    return `${socket.kind ?? 'socket.io-client'} (${socket.io?.engine?.transport?.name}) came back ${backs.join(', ') || 'never'}; heard ${heard.slice(Math.max(0, at - 30), at + 3).join(' | ')}`;
  }

  /** Where the client's text and the stored one part, and what came last. */
  #difference(stored) {
    const { turn } = this;
    let at = 0;
    while (at < turn.text.length && turn.text[at] === stored[at]) at += 1;
    const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
    const backs = this.socket.backs.map((back) => (back.recovered ? 'recovered' : 'not recovered'));
    return `${this.name}: from character ${at} on the client has ${around(turn.text)} of ${turn.text.length}, stored is ${around(stored)} of ${stored.length}; ${this.socket.kind ?? 'socket.io-client'} came back ${backs.join(', ')}; events ${turn.types.slice(-6)}`;
  }

  /** The provider's calls for it. */
  callsOf(provider) {
    return provider.answers.filter((call) => call.messages.findLast((message) => message.role === 'user')?.content.includes(this.name));
  }

  /** How many tokens the provider has sent for it. */
  sent(provider) {
    return this.callsOf(provider).at(-1)?.sent ?? 0;
  }

  async #checkCalls(provider, serial, count) {
    this.calls = this.callsOf(provider);
    if (!count) return;
    if (this.end === 'continued') return this.#checkContinuation(serial, count);
    const call = this.calls.find((one) => one.serial === serial);
    assert.ok(call && count <= call.sent, `${this.name}: ${count} tokens stored, the provider sent ${call?.sent}`);
    assert.equal(call, this.calls.at(-1), `${this.name}: asked again although there was text`);
  }

  /** The first call began the text; each later one was given what there was and went on behind it. */
  #checkContinuation(serial, count) {
    assert.equal(this.calls[0].serial, serial, `${this.name}: begun by another call`);
    assert.ok(this.calls.length > 1, `${this.name}: nobody was asked to go on`);
    for (const call of this.calls.slice(1)) {
      const prefix = call.messages.at(-1);
      assert.equal(prefix.role, 'assistant', `${this.name}: asked without the text so far`);
      assert.ok(readTokens(prefix.content).count <= count);
    }
  }

  close() {
    this.turn.close();
    this.socket.off('events', this.watcher);
  }
}

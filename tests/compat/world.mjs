// One side of the comparison while the list of calls is played to it: who calls, and what was seen.
import { Client } from '../lib/client.mjs';
import { sleep, until } from '../lib/until.mjs';
import { Normal } from './normal.mjs';
import { summaryOf } from './events.mjs';

const kText = /^(text\/|application\/(xml|x-ndjson|opensearch))/;

function fill(route, { path = {}, query } = {}) {
  const filled = route.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? `no-${name}`));
  return query ? `${filled}?${new URLSearchParams(query)}` : filled;
}

/** Name and flags of each cookie; values and dates differ by nature, lifetimes by the seconds that went by. */
function cookiesOf(headers) {
  const out = headers.getSetCookie().map((line) => {
    const [pair, ...flags] = line.split(';').map((part) => part.trim());
    const kept = flags.filter((flag) => !/^expires=/i.test(flag)).map((flag) => rounded(flag.toLowerCase()));
    return `${pair.split('=')[0]}: ${kept.sort().join('; ')}`;
  });
  return out.length ? out.sort() : undefined;
}

function rounded(flag) {
  return flag.replace(/^max-age=(\d+)$/, (_, seconds) => `max-age=${Math.ceil(seconds / 3600)} h`);
}

/** Server-sent events as their parsed data; the deltas in between are all of one kind and are told by the joined text. */
function streamOf(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  const events = lines.map((line) => line.slice(5).trim()).map((data) => (data === '[DONE]' ? data : JSON.parse(data)));
  return { first: events[0], events: events.length, last: events.slice(-3) };
}

export class World {
  constructor(side) {
    this.side = side;
    this.normal = new Normal(side);
    this.people = new Map();
    this.records = new Map();
    this.counter = 0;
    this.subject = '';
  }

  /** An id this list chooses, the same on both sides. */
  id() {
    this.counter += 1;
    return `c0ffee00-0000-4000-8000-${String(this.counter).padStart(12, '0')}`;
  }

  person(name) {
    if (!this.people.has(name)) this.people.set(name, new Client(this.side.url));
    return this.people.get(name);
  }

  get provider() {
    return this.side.provider;
  }

  /** Keeps something that is no answer to a call. */
  keepValue(name, route, body) {
    this.#keep(name, { route, status: 200, type: route, body: this.normal.value(body) });
  }

  #keep(name, record) {
    let key = `${this.subject}: ${name}`;
    for (let n = 2; this.records.has(key); n += 1) key = `${this.subject}: ${name} #${n}`;
    this.records.set(key, record);
  }

  /**
   * Makes one call and keeps what came. `route`: "GET /api/v1/chats/{id}". `note` says what is special. `only`: 'shape' compares
   * types alone; `pick` narrows the body, or sorts the lines of one of lines. Gives {status, json, text, headers}.
   */
  async call(who, route, { path, query, body, headers, note = '', pick = (json) => json } = {}) {
    const [method, template] = route.split(' ');
    const client = this.person(who);
    const reply = await client.request(method, fill(template, { path, query }), body, { headers });
    const type = (reply.headers.get('content-type') ?? '').split(';')[0];
    const named = `${route} as ${who}${note ? `, ${note}` : ''}`;
    const seen = this.#body(reply, type, pick);
    this.#keep(named, { route, status: reply.status, type, cookies: cookiesOf(reply.headers), body: seen, said: reply.text.slice(0, 300) });
    return reply;
  }

  #body(reply, type, pick) {
    if (reply.json !== undefined) return reply.status >= 400 ? this.normal.error(reply.json) : this.normal.value(pick(reply.json));
    if (type === 'text/event-stream') return this.normal.value(streamOf(reply.text));
    if (type === 'application/x-ndjson') {
      const lines = pick(reply.text.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
      return this.normal.value({ lines: lines.length, first: lines[0] ?? null, last: lines.at(-1) ?? null });
    }
    if (type === 'text/html') return '<page>';
    if (kText.test(type)) return '<text>';
    return reply.text ? '<bytes>' : '';
  }

  /**
   * Plays one turn of a chat as a browser does and keeps its events, what the model was asked, and the chat afterwards.
   * `act(turn)`: what is done while it runs. `cut`: the answer ends at a moment nobody can choose, so texts are not counted.
   * Gives the turn.
   */
  async turn(who, name, content, { act, background = false, temporary = false, cut = false, settleMs = 400, ...options } = {}) {
    const client = this.person(who);
    client.socket ??= await client.connect();
    const { socket } = client;
    const from = socket.seen.length;
    const serial = this.provider.state.nextSerial;
    const userId = options.userId ?? this.id();
    let turn;
    try {
      if (temporary) options.chatId = `temporary:${socket.id}`;
      turn = await client.send(content, { socket, tasks: background, ...options, userId, newId: () => this.id() });
      await act?.(turn);
      for (const one of [turn, ...(turn.others ?? [])]) await one.done(30_000);
      await until(() => socket.seen.slice(from).some(isIdle), { ms: 5000, every: 10 }).catch(() => {});
    } catch (error) {
      this.#keep(name, { route: 'turn', status: error.message.split('\n')[0].slice(0, 200), type: 'turn', body: null });
      return turn;
    }
    await sleep(settleMs);
    const calls = this.provider.calls.filter((call) => call.serial >= serial && belongs(call, content));
    const events = socket.seen.slice(from).filter((event) => event.chat_id === turn.chatId);
    const chat = temporary ? undefined : (await client.get(`/api/v1/chats/${turn.chatId}`)).json;
    const body = this.normal.value({ reply: turn.reply.json, ...summaryOf(events), asked: askedOf(calls), chat });
    this.#keep(name, { route: 'turn', status: turn.reply.status, type: 'turn', body: cut ? uncounted(body) : body });
    return turn;
  }

  /** Lets a second pass, where the order of two things is what is compared: times are whole seconds. */
  pause() {
    return sleep(1100);
  }

  close() {
    for (const client of this.people.values()) client.close();
  }
}

/** Texts and counts of an answer that was cut somewhere, without what depends on where. */
function uncounted(body) {
  const texts = JSON.stringify(body).replace(/( t\d+)+/g, ' t…');
  return JSON.parse(texts.replace(/"(\w+_tokens)":\d+/g, '"$1":0'));
}

const isIdle = (event) => event.data?.type === 'chat:active' && event.data.data?.active === false;

/** Background prompts of other chats may come late; they quote their own chat. */
const belongs = (call, content) => call.task === null || JSON.stringify(call.messages).includes(JSON.stringify(content).slice(1, -1));

/** What the models were asked for the answers, and which background prompts came. Which tools there are is not compared. */
function askedOf(calls) {
  const answers = calls.filter((call) => call.task === null).sort((a, b) => a.model.localeCompare(b.model));
  return {
    answers: answers.map(({ body }) => ({ ...body, tools: body.tools ? '<tools>' : undefined })),
    tasks: calls.map((call) => call.task).filter(Boolean).sort(),
  };
}

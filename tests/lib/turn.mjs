// One chat turn seen from the socket: its events in order, and the text rebuilt from deltas and snapshots.
import assert from 'node:assert/strict';
import { readTokens } from './tokens.mjs';
import { until } from './until.mjs';

const kDeltas = {
  'response.output_text.delta': 'message',
  'response.reasoning_text.delta': 'reasoning',
  'response.function_call_arguments.delta': 'function_call',
};

function newItem(type, id) {
  if (type === 'function_call') return { type, id, arguments: '' };
  return { type, id, content: [{ type: 'output_text', text: '' }] };
}

/** The output items of an answer, kept as a client keeps them: deltas append, snapshots replace. */
export class Output {
  items = [];

  #find(event, type) {
    const index = event.output_index;
    let item = this.items.find((one) => one?.id === event.item_id) ?? this.items[index];
    if (!item) {
      item = newItem(type, event.item_id);
      this.items[index] = item;
    }
    return item;
  }

  apply(event) {
    const type = kDeltas[event.type];
    if (type) {
      const item = this.#find(event, type);
      if (type === 'function_call') item.arguments += event.delta;
      else {
        // An item may be announced without content; the first delta makes its part.
        item.content ??= [];
        const part = (item.content[event.content_index ?? 0] ??= { type: 'output_text', text: '' });
        part.text += event.delta;
      }
    } else if (event.type === 'response.output_item.added' || event.type === 'response.output_item.done') {
      this.items[event.output_index] = structuredClone(event.item);
    }
  }

  text(type) {
    const found = this.items.filter((item) => item?.type === type);
    return found.map((item) => (item.content ?? []).map((part) => part.text ?? '').join('')).join('\n');
  }
}

export class Turn {
  constructor({ socket, userId, messageId }) {
    Object.assign(this, { socket, userId, messageId, chatId: null, reply: null });
    this.events = []; //       {type, data, at} of this message
    this.output = new Output();
    this.final = null; //      data of the event that said done:true
    this.error = null;
    this.usage = null;
    this.cancelled = false; // a stopped answer ends with chat:tasks:cancel; done:true need not follow
    this.startedAt = performance.now();
    this.listener = (event) => this.#take(event);
    socket.on('events', this.listener);
  }

  accepted(reply) {
    this.reply = reply;
    this.chatId = reply.json?.chat_id ?? null;
    this.taskIds = reply.json?.task_ids ?? [];
    assert.equal(reply.status, 200, `the turn was refused: ${reply.text}`);
    assert.ok(this.chatId, `no chat_id in ${reply.text}`);
  }

  #take(event) {
    if (event.message_id !== this.messageId) return;
    const { type, data } = event.data;
    this.events.push({ type, data, at: performance.now() });
    if (type === 'response:completion') this.output.apply(data ?? {});
    if (type === 'chat:completion') this.#state(data);
    if (type === 'chat:tasks:cancel') {
      if (data?.output) this.output.items = structuredClone(data.output);
      this.cancelled = true;
    }
    if (type === 'chat:message:error') {
      this.error = data.error;
      if (data.done) this.final = data;
    }
  }

  #state(data) {
    if (data.output) this.output.items = structuredClone(data.output);
    if (data.usage) this.usage = data.usage;
    if (data.error) this.error = data.error;
    if (data.done) this.final = data;
  }

  get text() {
    return this.output.text('message');
  }

  get reasoning() {
    return this.output.text('reasoning');
  }

  /** What the deltas alone add up to, snapshots left aside: shows a token lost or doubled on the wire. */
  get deltaText() {
    const deltas = this.events.filter((event) => event.data?.type === 'response.output_text.delta');
    return deltas.map((event) => event.data.delta).join('');
  }

  get types() {
    return this.events.map((event) => event.type);
  }

  get firstTextAt() {
    return this.events.find((event) => event.data?.type === 'response.output_text.delta')?.at;
  }

  async done(ms = 30_000) {
    await until(() => this.final || this.cancelled, { ms, every: 5, what: `answer ${this.messageId} is done; seen ${this.types.slice(-8)}` });
    return this;
  }

  /** Until at least `count` tokens were seen. */
  async tokens(count, ms = 10_000) {
    await until(() => (this.text.match(/ t\d+/g) ?? []).length >= count, { ms, every: 2, what: `${count} tokens` });
    return this;
  }

  /** Every token once and in order, both in the deltas and in the final state. */
  checkTokens(count) {
    const seen = readTokens(this.deltaText);
    assert.equal(this.text, this.deltaText, 'the final state is what the deltas said');
    if (count !== undefined) assert.equal(seen.count, count);
    return seen;
  }

  close() {
    this.socket.off('events', this.listener);
  }
}

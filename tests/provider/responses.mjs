// OpenAI's Responses API: POST /v1/responses, and, of those in the background, GET …/{id}?stream=true&starting_after=N and
// POST …/{id}/cancel. A response in the background is written whether somebody reads it or not; `break` then cuts its readers off
// once, and `cut` ends their streams once without the end. `provider.state.responses` are those it keeps.
import { decide } from './directives.mjs';
import { collect } from './plan.mjs';
import { refuseOrHang, stepsOf } from './openai.mjs';

/** The oldest go first. */
const kMostKept = 1000;

/** Text alone is a text, as it is in chat completions. */
function contentOf(content) {
  if (!Array.isArray(content)) return content;
  const text = (part) => part.text ?? part.refusal ?? '';
  if (content.every((part) => part.type !== 'input_image')) return content.map(text).join('\n');
  return content.map((part) => (part.type === 'input_image' ? { type: 'image_url', image_url: { url: part.image_url } } : { type: 'text', text: text(part) }));
}

/** The request in the words of chat completions, which decide what is answered. */
function asked(body) {
  const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : (body.input ?? []);
  const messages = body.instructions ? [{ role: 'system', content: body.instructions }] : [];
  for (const item of items) {
    if (item.type === 'function_call') {
      messages.push({ role: 'assistant', tool_calls: [{ id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments } }] });
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', tool_call_id: item.call_id, content: item.output });
    } else {
      messages.push({ role: item.role, content: contentOf(item.content) });
    }
  }
  return { ...body, messages };
}

/** What the real one refuses with 400. */
function check(body) {
  for (const key of ['messages', 'max_tokens', 'stop', 'response_format', 'stream_options', 'reasoning_effort']) {
    if (key in body) return `Unknown parameter: '${key}'.`;
  }
  if (!Array.isArray(body.input) && typeof body.input !== 'string') return "Missing required parameter: 'input'.";
  for (const tool of body.tools ?? []) if (tool.type === 'function' && !tool.name) return "Missing required parameter: 'tools[0].name'.";
  if (body.background && body.store === false) return "Background mode requires 'store' to be true.";
  return null;
}

const usageOf = ({ prompt_tokens: input, completion_tokens: output, total_tokens: total }) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: total,
});

/** The events of an answer, step by step; `null` among them is a wait of one token. */
class Writer {
  constructor(response) {
    this.response = response;
    this.open = null;
    this.output = [];
  }

  *begin() {
    yield { type: 'response.created', response: this.shown() };
    yield { type: 'response.in_progress', response: this.shown() };
  }

  shown(more = {}) {
    const { id, model, status } = this.response;
    return { id, object: 'response', created_at: 1700000000, model, status, output: this.output, ...more };
  }

  *turnTo(type, fresh, index = this.output.length) {
    if (this.open?.type === type && !fresh) return;
    yield* this.close();
    this.open = { type, id: `${type}_${this.response.id}_${index}`, status: 'in_progress', ...fresh };
    if (type === 'message') Object.assign(this.open, { role: 'assistant', content: [] });
    if (type === 'reasoning') this.open.summary = [];
    this.text = '';
    yield { type: 'response.output_item.added', output_index: index, item: this.open };
    const at = { item_id: this.open.id, output_index: index };
    if (type === 'message') yield { type: 'response.content_part.added', ...at, content_index: 0, part: { type: 'output_text', text: '' } };
    if (type === 'reasoning') yield { type: 'response.reasoning_summary_part.added', ...at, summary_index: 0, part: { type: 'summary_text', text: '' } };
  }

  *close() {
    if (!this.open) return;
    const item = { ...this.open, status: 'completed' };
    const at = { item_id: item.id, output_index: this.output.length };
    if (item.type === 'message') {
      item.content = [{ type: 'output_text', text: this.text, annotations: [] }];
      yield { type: 'response.output_text.done', ...at, content_index: 0, text: this.text };
    } else if (item.type === 'reasoning') {
      item.summary = [{ type: 'summary_text', text: this.text }];
      yield { type: 'response.reasoning_summary_text.done', ...at, summary_index: 0, text: this.text };
    } else {
      item.arguments = this.text;
      yield { type: 'response.function_call_arguments.done', ...at, arguments: this.text };
    }
    yield { type: 'response.output_item.done', output_index: this.output.length, item };
    this.output.push(item);
    this.open = null;
  }

  *step(step) {
    const at = () => ({ item_id: this.open.id, output_index: this.output.length });
    if (step.kind === 'tool') {
      if (step.id) yield* this.turnTo('function_call', { call_id: step.id, name: step.name, arguments: '' });
      if (step.arguments) yield { type: 'response.function_call_arguments.delta', ...at(), delta: step.arguments };
      this.text += step.arguments;
    } else if (step.kind === 'reasoning') {
      yield* this.turnTo('reasoning');
      this.text += step.text;
      yield { type: 'response.reasoning_summary_text.delta', ...at(), summary_index: 0, delta: step.text };
    } else if (step.kind === 'text') {
      yield* this.turnTo('message');
      this.text += step.text;
      yield { type: 'response.output_text.delta', ...at(), content_index: 0, delta: step.text };
    }
  }

  *end(reason, usage) {
    yield* this.close();
    const more = { usage: usage && usageOf(usage) };
    this.response.status = reason === 'length' ? 'incomplete' : 'completed';
    if (reason === 'length') more.incomplete_details = { reason: 'max_output_tokens' };
    yield { type: `response.${this.response.status}`, response: this.shown(more) };
  }
}

/** One response: its events, and who reads them. */
class Answer {
  constructor(state, call, body) {
    this.state = state;
    this.call = call;
    this.id = `resp_${call.serial}`;
    this.model = call.model;
    this.background = Boolean(body.background);
    this.status = 'in_progress';
    this.events = [];
    this.readers = new Set();
    this.done = false;
  }

  push(event) {
    const numbered = { ...event, sequence_number: this.events.length };
    this.events.push(numbered);
    for (const reader of this.readers) this.send(reader, numbered);
  }

  send(reader, event) {
    const text = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    const { split } = this.call.options;
    if (!split) return reader.write(text);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += split) reader.write(bytes.subarray(at, at + split));
    return undefined;
  }

  read(response, after) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (const event of this.events.slice(after + 1)) this.send(response, event);
    if (this.done) return response.end();
    this.readers.add(response);
    response.on('close', () => {
      this.readers.delete(response);
      if (!this.background) this.stop();
    });
    return undefined;
  }

  /** Cuts the readers off: within the stream, or in good order. */
  shed(cleanly) {
    for (const reader of this.readers) {
      this.readers.delete(reader);
      this.call.closedBy = 'provider';
      if (cleanly) reader.end();
      else reader.socket.destroySoon();
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.done = true;
  }

  finish() {
    this.stop();
    for (const reader of this.readers) reader.end();
    this.readers.clear();
  }

  cancel() {
    if (this.done) return;
    this.status = 'cancelled';
    this.call.cancelled = true;
    this.finish();
  }

  write(steps) {
    this.writer = new Writer(this);
    for (const event of this.writer.begin()) this.push(event);
    this.steps = steps[Symbol.iterator]();
    this.due = performance.now();
    this.run();
  }

  run() {
    let reason = 'stop';
    let usage = null;
    while (!this.done) {
      const { value: step, done } = this.steps.next();
      if (done) {
        for (const event of this.writer.end(this.reason ?? reason, usage)) this.push(event);
        return this.finish();
      }
      if (step.kind === 'finish') this.reason = step.reason;
      else if (step.kind === 'usage') usage = step.usage;
      else if (step.kind === 'break' || step.kind === 'cut') {
        this.shed(step.kind === 'cut');
        if (!this.background) return this.stop();
      } else if (step.kind === 'stall') return undefined;
      else if (step.kind === 'error') {
        this.status = 'failed';
        const error = { code: 'server_error', message: this.call.options.message || 'The provider failed in mid-answer' };
        this.push({ type: 'response.failed', response: this.writer.shown({ error }) });
        return this.finish();
      } else if (step.kind === 'malformed') {
        for (const reader of this.readers) reader.write('data: {"type":"response.output_text.delta","del\n\n');
      } else for (const event of this.writer.step(step)) this.push(event);
      if (!step.timed) continue;
      this.call.sent += 1;
      this.due += this.call.options.delay;
      const wait = this.due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => this.run(), wait);
        return undefined;
      }
    }
    return undefined;
  }
}

function whole(context, call, steps) {
  const { text, reasoning, tools, reason, usage, fault } = collect(steps);
  if (fault) return context.fail(500, call.options.message || 'The provider failed in mid-answer');
  const output = [];
  if (reasoning) output.push({ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: reasoning }] });
  for (const { id, name, arguments: args } of tools) output.push({ type: 'function_call', id: `fc_${id}`, call_id: id, name, arguments: args, status: 'completed' });
  if (text) output.push({ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] });
  const status = reason === 'length' ? 'incomplete' : 'completed';
  return context.json(200, { id: `resp_${call.serial}`, object: 'response', created_at: 1700000000, model: call.model, status, output, usage: usage && usageOf(usage) });
}

function create(context, body) {
  const wrong = check(body);
  if (wrong) return context.fail(400, wrong);
  const translated = asked(body);
  const call = context.record({ ...decide(translated, context.takeOverride(translated)), body, stream: body.stream === true });
  call.messages = context.state.light ? null : translated.messages;
  if (refuseOrHang(context, call)) return undefined;
  const begin = () => {
    if (context.response.destroyed) return undefined;
    const steps = stepsOf(call, translated);
    if (!call.stream) return whole(context, call, steps);
    const answer = new Answer(context.state, call, body);
    const { responses } = context.state;
    if (answer.background) responses.set(answer.id, answer);
    if (responses.size > kMostKept) responses.delete(responses.keys().next().value);
    answer.read(context.response, -1);
    return answer.write(steps);
  };
  const wait = call.task ? call.options.taskdelay : call.options.first;
  if (wait) setTimeout(begin, wait);
  else begin();
  return undefined;
}

/** Of one response; nothing when the path is none of these. */
export function takeResponse(context) {
  const url = new URL(context.request.url, 'http://x');
  const [, id, cancel] = /^\/v1\/responses\/([^/]+)(\/cancel)?$/.exec(url.pathname) ?? [];
  if (!id || context.request.method !== (cancel ? 'POST' : 'GET')) return undefined;
  return () => {
    const answer = context.state.responses.get(decodeURIComponent(id));
    if (!answer) return context.fail(404, `Response with id '${id}' not found.`);
    if (cancel) {
      answer.cancel();
      return context.json(200, answer.writer.shown());
    }
    if (url.searchParams.get('stream') !== 'true') return context.json(200, answer.writer.shown());
    const after = Number(url.searchParams.get('starting_after') ?? -1);
    answer.call.attached = (answer.call.attached ?? 0) + 1;
    return answer.read(context.response, after);
  };
}

export const routes = { 'POST /v1/responses': create };

// The OpenAI-compatible face: /v1/models, /v1/chat/completions.
import { decide, modelNames } from './directives.mjs';
import { collect, planAnswer, planTask } from './plan.mjs';
import { play } from './stream.mjs';

function toolDelta(step) {
  const call = { index: step.index, function: { arguments: step.arguments } };
  if (step.id) Object.assign(call, { id: step.id, type: 'function' });
  if (step.name) call.function.name = step.name;
  return { tool_calls: [call] };
}

/** Server-sent events; the frame around a delta is built once per answer, for speed. */
class SseEncoder {
  constructor(call) {
    const { options } = call;
    const frame = { id: `chatcmpl-${call.serial}`, object: 'chat.completion.chunk', created: 1700000000, model: call.model };
    this.head = `data: ${JSON.stringify(frame).slice(0, -1)}`;
    this.line = options.crlf ? '\r\n' : '\n';
    this.gap = this.line + this.line;
    this.before = options.comment ? `: keep-alive${this.gap}${this.line}` : '';
  }

  choice(delta, finish = 'null') {
    return `${this.before}${this.head},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${finish}}]}${this.gap}`;
  }

  role() {
    return this.choice({ role: 'assistant', content: '' });
  }

  step(step) {
    if (step.kind === 'text') return this.choice({ content: step.text });
    if (step.kind === 'reasoning') return this.choice({ [step.field]: step.text });
    if (step.kind === 'tool') return this.choice(toolDelta(step));
    if (step.kind === 'finish') return this.choice({}, JSON.stringify(step.reason));
    return `${this.head},"choices":[],"usage":${JSON.stringify(step.usage)}}${this.gap}`;
  }

  error(message) {
    return `data: ${JSON.stringify({ error: { message, type: 'server_error' } })}${this.gap}`;
  }

  malformed() {
    return `data: {"choices":[{"delta":{"content":${this.gap}`;
  }

  end() {
    return `data: [DONE]${this.gap}`;
  }
}

function wholeCompletion(call, whole) {
  const message = { role: 'assistant', content: whole.text };
  if (whole.reasoning) message[whole.field] = whole.reasoning;
  if (whole.tools.length) {
    message.tool_calls = whole.tools.map(({ id, name, arguments: args }) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
    }));
  }
  return {
    id: `chatcmpl-${call.serial}`,
    object: 'chat.completion',
    created: 1700000000,
    model: call.model,
    choices: [{ index: 0, message, finish_reason: whole.reason }],
    usage: whole.usage,
  };
}

/** A non-streaming answer takes as long as its tokens would have. */
function sendWhole(context, call, steps) {
  const { options } = call;
  const whole = collect(steps);
  const wait = call.task ? 0 : options.delay * options.tokens;
  const timer = setTimeout(() => {
    if (whole.fault === 'break') {
      call.closedBy = 'provider';
      return context.response.socket.destroy();
    }
    if (whole.fault === 'stall') return undefined;
    if (whole.fault) return context.fail(500, options.message || 'The provider failed in mid-answer');
    call.sent = call.task ? 0 : options.tokens;
    return context.json(200, wholeCompletion(call, whole));
  }, wait);
  context.response.on('close', () => clearTimeout(timer));
}

function sendStream(context, call, steps) {
  context.response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  const encoder = new SseEncoder(call);
  context.response.write(encoder.role());
  play(context.response, steps, encoder, call);
}

/** Faults that happen before any byte, the same for both wire formats; true when the answer must not go on. */
export function refuseOrHang(context, call) {
  const { options } = call;
  if (call.task && options.task === 'error') {
    context.fail(500, 'The task failed');
    return true;
  }
  if (call.task) return false;
  if (options.refuse) {
    context.fail(options.refuse, options.message || `Refused with ${options.refuse}`);
    return true;
  }
  return Boolean(options.hang);
}

export function stepsOf(call, body) {
  return call.task ? planTask({ ...call, body }) : planAnswer({ ...call, body });
}

function completions(context, body) {
  const call = context.record({ ...decide(body, context.takeOverride(body)), body, stream: body.stream === true });
  if (refuseOrHang(context, call)) return;
  const send = call.stream ? sendStream : sendWhole;
  const begin = () => !context.response.destroyed && send(context, call, stepsOf(call, body));
  const wait = call.task ? call.options.taskdelay : call.options.first;
  if (wait) setTimeout(begin, wait);
  else begin();
}

function models(context) {
  const { state } = context;
  setTimeout(() => {
    if (state.modelsStatus !== 200) return context.fail(state.modelsStatus, 'The model list is not available');
    const names = state.models ?? modelNames;
    return context.json(200, {
      object: 'list',
      data: names.map((id) => ({ id, object: 'model', created: 1700000000, owned_by: 'antiphon-tests' })),
    });
  }, state.modelsDelay);
}

/** Two numbers a text, made of its length. */
function embeddings(context, body) {
  const texts = [body.input].flat();
  const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: [String(text).length, 0.5] }));
  return context.json(200, { object: 'list', model: body.model, data, usage: { prompt_tokens: texts.length, total_tokens: texts.length } });
}

export const routes = {
  'GET /v1/models': models,
  'POST /v1/embeddings': embeddings,
  'POST /v1/chat/completions': completions,
};

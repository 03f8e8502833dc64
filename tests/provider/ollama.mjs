// The native face of Ollama: NDJSON instead of server-sent events.
import { createHash } from 'node:crypto';
import { decide } from './directives.mjs';
import { collect } from './plan.mjs';
import { refuseOrHang, stepsOf } from './openai.mjs';
import { play } from './stream.mjs';

const kCreated = '2026-01-01T00:00:00Z';

function details() {
  return { parent_model: '', format: 'gguf', family: 'pebble', families: ['pebble'], parameter_size: '1B', quantization_level: 'Q4_0' };
}

function modelEntry(name) {
  return { name, model: name, modified_at: kCreated, size: 1_000_000, digest: `sha256:${name}`, details: details() };
}

/** Ollama sends a tool call whole, with its arguments as an object. */
class NdjsonEncoder {
  constructor(call) {
    this.call = call;
    this.tools = [];
    this.reason = 'stop';
    this.usage = null;
  }

  line(message, more = {}) {
    return `${JSON.stringify({ model: this.call.model, created_at: kCreated, message, done: false, ...more })}\n`;
  }

  step(step) {
    if (step.kind === 'text') return this.line({ role: 'assistant', content: step.text });
    if (step.kind === 'reasoning') return this.line({ role: 'assistant', content: '', thinking: step.text });
    if (step.kind === 'tool') {
      this.tools[step.index] ??= { name: step.name, arguments: '' };
      this.tools[step.index].arguments += step.arguments;
    } else if (step.kind === 'finish') this.reason = step.reason;
    else this.usage = step.usage;
    return '';
  }

  error(message) {
    return `${JSON.stringify({ error: message })}\n`;
  }

  malformed() {
    return '{"message":{"content":\n';
  }

  end() {
    const calls = this.tools.map((tool) => ({ function: { name: tool.name, arguments: JSON.parse(tool.arguments) } }));
    const before = calls.length ? this.line({ role: 'assistant', content: '', tool_calls: calls }) : '';
    const reason = this.reason === 'tool_calls' ? 'stop' : this.reason;
    return before + this.line({ role: 'assistant', content: '' }, { done: true, done_reason: reason, ...this.counts() });
  }

  counts() {
    return {
      total_duration: 5_000_000,
      prompt_eval_count: this.usage?.prompt_tokens ?? 0,
      eval_count: this.usage?.completion_tokens ?? 0,
    };
  }
}

function wholeAnswer(call, steps) {
  const encoder = new NdjsonEncoder(call);
  const whole = collect(steps);
  encoder.usage = whole.usage;
  const message = { role: 'assistant', content: whole.text };
  if (whole.reasoning) message.thinking = whole.reasoning;
  if (whole.tools.length) {
    message.tool_calls = whole.tools.map((tool) => ({ function: { name: tool.name, arguments: JSON.parse(tool.arguments) } }));
  }
  return { model: call.model, created_at: kCreated, message, done: true, done_reason: 'stop', ...encoder.counts() };
}

function chat(context, body) {
  const call = context.record({ ...decide(body, context.takeOverride(body)), body, stream: body.stream !== false });
  const known = context.state.ollamaModels.has(body.model);
  if (!known) return context.json(404, { error: `model '${body.model}' not found` });
  if (refuseOrHang(context, call)) return undefined;
  const steps = stepsOf(call, body);
  if (!call.stream) return context.json(200, wholeAnswer(call, steps));
  context.response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  return play(context.response, steps, new NdjsonEncoder(call), call);
}

function show(context, body) {
  const name = body.model ?? body.name;
  if (!context.state.ollamaModels.has(name)) return context.json(404, { error: `model '${name}' not found` });
  return context.json(200, {
    license: '',
    modelfile: `FROM ${name}`,
    parameters: '',
    template: '{{ .Prompt }}',
    details: details(),
    model_info: { 'general.architecture': 'pebble', 'pebble.context_length': 8192 },
    capabilities: ['completion', 'tools', 'thinking'],
    modified_at: kCreated,
  });
}

/** Ten steps of progress; with stream:false only the end. The model is listed afterwards. */
function pull(context, body) {
  const name = body.model ?? body.name;
  const { response, state } = context;
  if (String(name).startsWith('missing')) {
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    return response.end(`${JSON.stringify({ error: 'pull model manifest: file does not exist' })}\n`);
  }
  if (body.stream === false) {
    state.ollamaModels.add(name);
    return context.json(200, { status: 'success' });
  }
  const send = (line) => response.write(`${JSON.stringify(line)}\n`);
  const digest = `sha256:${name}`;
  let done = 0;
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  send({ status: 'pulling manifest' });
  const timer = setInterval(() => {
    done += 100_000;
    send({ status: `pulling ${digest}`, digest, total: 1_000_000, completed: done });
    if (done < 1_000_000) return;
    clearInterval(timer);
    state.ollamaModels.add(name);
    for (const status of ['verifying sha256 digest', 'writing manifest', 'success']) send({ status });
    response.end();
  }, state.pullDelay);
  return response.on('close', () => clearInterval(timer));
}

/** Ollama says 200 and nothing at all. */
function nothing(context) {
  context.response.writeHead(200, { 'Content-Length': 0 });
  context.response.end();
}

function remove(context, body) {
  const name = body.model ?? body.name;
  if (!context.state.ollamaModels.delete(name)) return context.json(404, { error: `model '${name}' not found` });
  return nothing(context);
}

function running(context) {
  const models = context.state.calls
    .filter((call) => call.closedAt === null && context.state.ollamaModels.has(call.model))
    .map((call) => ({ ...modelEntry(call.model), expires_at: kCreated, size_vram: 0 }));
  return context.json(200, { models });
}

/** A prompt without a chat; without a prompt it only loads or unloads the model. */
function generate(context, body) {
  if (!context.state.ollamaModels.has(body.model)) return context.json(404, { error: `model '${body.model}' not found` });
  if (!body.prompt) {
    const reason = body.keep_alive === 0 ? 'unload' : 'load';
    return context.json(200, { model: body.model, created_at: kCreated, response: '', done: true, done_reason: reason });
  }
  const messages = [{ role: 'user', content: body.prompt }];
  const call = context.record({ ...decide({ ...body, messages }), body: { ...body, messages }, stream: false });
  const { message, ...rest } = wholeAnswer(call, stepsOf(call, { ...body, messages }));
  return context.json(200, { ...rest, response: message.content });
}

/** Three numbers a text, made of its length. */
const vectorOf = (text) => [text.length, 1, 0.5];

function embed(context, body) {
  const texts = [body.input].flat();
  return context.json(200, { model: body.model, embeddings: texts.map(vectorOf), total_duration: 1, load_duration: 1, prompt_eval_count: 1 });
}

function copy(context, { source, destination }) {
  if (!context.state.ollamaModels.has(source)) return context.json(404, { error: `model '${source}' not found` });
  context.state.ollamaModels.add(destination);
  return nothing(context);
}

/** Takes a file in pieces and keeps its size, under the digest it was announced with. */
export async function takeBlob(context, digest) {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of context.request) {
    hash.update(piece);
    size += piece.length;
  }
  if (`sha256:${hash.digest('hex')}` !== digest) return context.json(400, { error: 'digest mismatch' });
  context.state.blobs.set(digest, size);
  context.response.writeHead(201, { 'Content-Length': 0 });
  return context.response.end();
}

/** A model of files that were sent before; any other way only needs to be recorded. */
function create(context, body) {
  context.record({ options: {}, task: null, from: null, body, stream: false });
  if (!body.files) return context.json(200, {});
  const missing = Object.values(body.files).find((digest) => !context.state.blobs.has(digest));
  if (missing) return context.json(400, { error: `blob ${missing} not found` });
  if (body.model.startsWith('broken')) return context.json(400, { error: 'invalid file magic' });
  context.state.ollamaModels.add(body.model.includes(':') ? body.model : `${body.model}:latest`);
  return context.json(200, { status: 'success' });
}

export const routes = {
  'GET /api/version': (context) => context.json(200, { version: '0.30.0' }),
  'GET /api/tags': (context) => context.json(200, { models: [...context.state.ollamaModels].map(modelEntry) }),
  'GET /api/ps': running,
  'POST /api/show': show,
  'POST /api/chat': chat,
  'POST /api/pull': pull,
  'POST /api/create': create,
  'POST /api/generate': generate,
  'POST /api/embed': embed,
  'POST /api/embeddings': (context, body) => context.json(200, { embedding: vectorOf(body.prompt) }),
  'POST /api/copy': copy,
  'DELETE /api/delete': remove,
};

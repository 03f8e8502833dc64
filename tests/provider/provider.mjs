// A provider of our own: speaks OpenAI's (chat completions and Responses) and Ollama's protocol, numbers its tokens, and fails on command.
//
// In a test:    const provider = await startProvider();  …  provider.url, provider.calls, await provider.stop()
// As a program: node tests/provider/provider.mjs [--port N]      prints {"port":N,"url":"…"} and serves until killed
//
// What an answer looks like is decided by the model's name (`n200d5` = 200 tokens, 5 ms apart) and by directives in the last
// user message, e.g. [[tokens=200 delay=5 break=50]]; directives.mjs lists them. A text reads `#17 t0 t1 t2`: 17 is the
// serial of the call. Control routes for other processes: GET /_calls, DELETE /_calls, POST /_script, POST /_state.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { routes as ollamaRoutes, takeBlob } from './ollama.mjs';
import { routes as openaiRoutes } from './openai.mjs';
import { routes as responsesRoutes, takeResponse } from './responses.mjs';
import { routes as otherRoutes } from './others.mjs';

/** The oldest records go first; a benchmark of hours must not fill the memory. */
const kMaxCalls = 20_000;
const kMaxBody = 64 * 1024 * 1024;

function freshState() {
  return {
    calls: [],
    nextSerial: 1,
    responses: new Map(), //  in the background, by id
    scripted: [],
    models: null, //         null: all of directives.mjs
    modelsStatus: 200,
    modelsDelay: 0,
    ollamaModels: new Set(['pebble:1b', 'pebble:7b']),
    blobs: new Map(), //     of Ollama: digest to size
    pullDelay: 5,
    key: '', //              when set, requests must carry it as bearer token
    modelsRequests: 0,
    light: false, //         keep no messages and headers (benchmarks)
  };
}

async function readBody(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > kMaxBody) throw new Error('body too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** One request: what the routes may do with it. */
class Context {
  constructor(state, request, response) {
    this.state = state;
    this.request = request;
    this.response = response;
    this.at = Date.now();
  }

  json(status, value) {
    const text = JSON.stringify(value);
    this.response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    this.response.end(text);
  }

  fail(status, message) {
    this.json(status, { error: { message, type: 'provider_error', code: String(status) } });
  }

  /** The options of the first scripted entry whose `model` and `contains` fit; each entry is used `times` times. */
  takeOverride(body) {
    const text = JSON.stringify(body.messages ?? '');
    const index = this.state.scripted.findIndex(
      (entry) => (!entry.model || entry.model === body.model) && (!entry.contains || text.includes(entry.contains)),
    );
    if (index < 0) return {};
    const entry = this.state.scripted[index];
    entry.times -= 1;
    if (entry.times <= 0) this.state.scripted.splice(index, 1);
    return entry.options;
  }

  record({ options, task, from, body, stream }) {
    const { state, request } = this;
    const call = {
      serial: state.nextSerial,
      path: request.url,
      model: body.model,
      task,
      stream,
      from,
      options,
      messages: state.light ? null : body.messages,
      body: state.light ? null : body,
      headers: state.light ? null : request.headers,
      at: this.at,
      sent: 0,
      closedBy: null, // 'client' | 'provider'
      closedAt: null,
    };
    state.nextSerial += 1;
    state.calls.push(call);
    if (state.calls.length > kMaxCalls) state.calls.shift();
    this.response.on('finish', () => (call.closedBy ??= 'provider'));
    this.response.on('close', () => {
      call.closedAt = Date.now();
      call.closedBy ??= 'client';
    });
    return call;
  }
}

const controlRoutes = {
  'GET /_calls': (context) => {
    const since = Number(new URL(context.request.url, 'http://x').searchParams.get('since') ?? 0);
    context.json(200, context.state.calls.filter((call) => call.serial > since));
  },
  'DELETE /_calls': (context) => {
    context.state.calls.length = 0;
    context.json(200, {});
  },
  'POST /_script': (context, body) => {
    context.state.scripted.push({ times: 1, ...body });
    context.json(200, {});
  },
  'POST /_state': (context, body) => {
    for (const key of ['models', 'modelsStatus', 'modelsDelay', 'pullDelay', 'key', 'light']) {
      if (key in body) context.state[key] = body[key];
    }
    context.json(200, {});
  },
};

const kRoutes = { ...otherRoutes, ...openaiRoutes, ...responsesRoutes, ...ollamaRoutes, ...controlRoutes };

async function dispatch(state, request, response) {
  const path = request.url.split('?')[0];
  const context = new Context(state, request, response);
  const route = kRoutes[`${request.method} ${path}`] ?? takeResponse(context);
  const digest = request.method === 'POST' && /^\/api\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1];
  if (digest) return takeBlob(context, digest);
  if (!route) return context.fail(404, `No route ${request.method} ${path}`);
  if (path === '/v1/models') state.modelsRequests += 1;
  if (state.key && !path.startsWith('/_') && request.headers.authorization !== `Bearer ${state.key}`) {
    return context.fail(401, 'Incorrect API key provided');
  }
  const raw = await readBody(request);
  let body = {};
  try {
    if (raw.length) body = JSON.parse(raw);
  } catch {
    return context.fail(400, 'The body is not JSON');
  }
  try {
    return route(context, body);
  } catch (error) {
    return context.fail(400, error.message);
  }
}

export async function startProvider({ port = 0, host = '127.0.0.1', ...initial } = {}) {
  const state = { ...freshState(), ...initial };
  const server = createServer((request, response) => {
    request.socket.setNoDelay(true);
    dispatch(state, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen({ port, host, backlog: 4096 });
  await once(server, 'listening');
  const url = `http://${host}:${server.address().port}`;
  return {
    port: server.address().port,
    url,
    openaiUrl: `${url}/v1`,
    state,
    get calls() {
      return state.calls;
    },
    /** The calls that were no background prompt (title, tags …). */
    get answers() {
      return state.calls.filter((call) => call.task === null);
    },
    script(options, { model, contains, times = 1 } = {}) {
      state.scripted.push({ options, model, contains, times });
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function main() {
  const at = process.argv.indexOf('--port');
  const provider = await startProvider({ port: at > 0 ? Number(process.argv[at + 1]) : 0 });
  process.stdout.write(`${JSON.stringify({ port: provider.port, url: provider.url })}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();

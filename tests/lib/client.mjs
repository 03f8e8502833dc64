// A client of the public API: HTTP with a token, Socket.IO, and whole chat turns.
import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { Turn } from './turn.mjs';
import { strain, within } from './until.mjs';

const kTimeoutMs = 30_000;

/** The body of one turn, with the fields and only the fields the web client of 0.12.4 sends. */
function turnBody(content, { socket, models, chatId, parentId = null, userId, continueId, tasks = false, turns, body = {} }) {
  const ids = turns.map((turn) => turn.messageId);
  return {
    stream: true,
    model: models[0],
    params: {},
    tool_servers: [],
    features: {},
    variables: {},
    session_id: socket.id,
    ...(chatId ? { chat_id: chatId } : {}),
    id: ids[0],
    message_ids: ids.map((id, i) => ({ model_id: models[i], message_id: id, modelIdx: i })),
    ...(continueId ? { assistant_message_id: continueId } : {}),
    parent_id: parentId,
    user_message: {
      id: userId,
      parentId,
      childrenIds: ids,
      role: 'user',
      content,
      models,
      timestamp: Math.floor(Date.now() / 1000),
    },
    background_tasks: { title_generation: tasks, tags_generation: tasks, follow_up_generation: tasks },
    ...body,
  };
}

export class Client {
  #sockets = [];

  constructor(url) {
    this.url = url;
    this.token = null;
    this.user = null;
  }

  /** `expect`: the status that must come; null or absent accepts any. Gives {status, headers, text, json}. */
  async request(method, path, body, { expect = null, headers = {}, token = this.token, signal } = {}) {
    const all = { ...headers };
    if (token) all.Authorization ??= `Bearer ${token}`;
    if (body !== undefined) all['Content-Type'] ??= 'application/json';
    const reply = await fetch(this.url + path, {
      method,
      headers: all,
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
      signal: signal ?? AbortSignal.timeout(Math.round(kTimeoutMs * strain())),
    });
    const text = await reply.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    if (expect !== null && reply.status !== expect) {
      throw new Error(`${method} ${path}: ${reply.status} instead of ${expect}: ${text.slice(0, 500)}`);
    }
    return { status: reply.status, headers: reply.headers, text, json };
  }

  get(path, options) {
    return this.request('GET', path, undefined, options);
  }

  post(path, body = {}, options = {}) {
    return this.request('POST', path, body, options);
  }

  delete(path, options) {
    return this.request('DELETE', path, undefined, options);
  }

  #remember(reply) {
    if (reply.json?.token) {
      this.token = reply.json.token;
      this.user = reply.json;
    }
    return reply;
  }

  async signUp(account, { expect = 200 } = {}) {
    return this.#remember(await this.post('/api/v1/auths/signup', account, { expect }));
  }

  async signIn({ email, password }, { expect = 200 } = {}) {
    return this.#remember(await this.post('/api/v1/auths/signin', { email, password }, { expect }));
  }

  /** The chat as GET gives it; `.chat.history.messages` holds the messages. */
  async chat(id) {
    return (await this.get(`/api/v1/chats/${id}`, { expect: 200 })).json;
  }

  async message(chatId, messageId) {
    return (await this.chat(chatId)).chat.history.messages[messageId];
  }

  stop(chatId) {
    return this.post(`/api/tasks/chat/${chatId}/stop`, {}, { expect: 200 });
  }

  /** A connected socket. It keeps every `events` message in `socket.seen`, in order. */
  async connect({ token = this.token, transports = ['websocket'], ...options } = {}) {
    const socket = io(this.url, {
      path: '/ws/socket.io',
      auth: token ? { token } : {},
      transports,
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
      randomizationFactor: 0,
      ...options,
    });
    socket.seen = [];
    socket.on('events', (event) => socket.seen.push(event));
    this.#sockets.push(socket);
    await within(
      kTimeoutMs,
      'the socket connects',
      new Promise((settle, reject) => {
        socket.once('connect', settle);
        if (options.reconnection === false) socket.once('connect_error', reject);
      }),
    );
    return socket;
  }

  /**
   * Sends one turn as a browser does and gives the running Turn; `await turn.done()` for its end.
   * Without chatId a new chat is made. `userId`: an existing user message (regenerate); `continueId`: an assistant message to
   * go on with; `models`: several at once, `turn.others` are the further answers. `body` adds or overrides fields. `newId`
   * makes ids.
   */
  send(content, options = {}) {
    return this.submit(this.prepare(content, options));
  }

  /** A turn that is ready but not sent: {body, turns}. */
  prepare(content, options = {}) {
    const { socket, model = 'numbered', models = [model], continueId, newId = randomUUID } = options;
    const userId = options.userId ?? newId();
    const turns = models.map(() => new Turn({ socket, userId, messageId: continueId ?? newId() }));
    turns[0].others = turns.slice(1);
    return { turns, body: turnBody(content, { ...options, models, userId, turns }) };
  }

  /** Sends a prepared turn; sending it again is the same request again. */
  async submit({ turns, body }) {
    const reply = await this.post('/api/chat/completions', body);
    for (const turn of turns) turn.accepted(reply);
    return turns[0];
  }

  /** A whole turn: resolves when the answer is done. */
  async ask(content, options = {}) {
    const turn = await this.send(content, options);
    await turn.done();
    return turn;
  }

  close() {
    for (const socket of this.#sockets) socket.disconnect();
  }
}

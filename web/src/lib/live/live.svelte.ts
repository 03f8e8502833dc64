import { io, type Socket } from 'socket.io-client';
import { parseEnvelope, type Envelope } from './events';

export type LiveState = 'off' | 'connecting' | 'connected';

export interface LiveOptions {
  websocket: boolean;
  /** Upstream's server knows a socket only by its token; ours takes the cookie of the handshake. */
  token?: string | undefined;
}

export interface Connection {
  first: boolean;
  /** Whether the server delivers everything that was missed. If not, it has to be read. */
  recovered: boolean;
}

const connectTimeoutSeconds = 15;
const heartbeatSeconds = 30;

/** The one socket of the page. Deliveries go to `listen`ers in order of arrival. */
export class Live {
  #state = $state<LiveState>('off');
  #socket: Socket | null = null;
  #wasConnected = false;
  readonly #listeners = new Set<(envelope: Envelope) => void>();
  readonly #connectListeners = new Set<(connection: Connection) => void>();
  readonly #accessListeners = new Set<() => void>();
  #stop: () => void = () => {};

  get state(): LiveState {
    return this.#state;
  }

  connect(options: LiveOptions): void {
    this.disconnect();
    const auth = options.token ? { token: options.token } : {};
    const socket = io({
      path: '/ws/socket.io',
      transports: options.websocket ? ['websocket'] : ['polling'],
      auth,
      reconnectionDelay: 400,
      reconnectionDelayMax: 5_000,
      forceNew: true,
    });
    this.#socket = socket;
    this.#state = 'connecting';
    this.#subscribe(socket, auth);
    const heartbeat = setInterval(() => socket.connected && socket.emit('heartbeat', {}), heartbeatSeconds * 1000);
    const wake = () => document.visibilityState === 'visible' && !socket.connected && socket.connect();
    document.addEventListener('visibilitychange', wake);
    window.addEventListener('online', wake);
    this.#stop = () => {
      clearInterval(heartbeat);
      document.removeEventListener('visibilitychange', wake);
      window.removeEventListener('online', wake);
      socket.disconnect();
    };
  }

  disconnect(): void {
    this.#stop();
    this.#stop = () => {};
    this.#socket = null;
    this.#wasConnected = false;
    this.#state = 'off';
  }

  listen(listener: (envelope: Envelope) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs whenever the connection stands. */
  onConnect(listener: (connection: Connection) => void): () => void {
    this.#connectListeners.add(listener);
    return () => this.#connectListeners.delete(listener);
  }

  /** Runs when the server says that this user's rights changed. */
  onAccessChange(listener: () => void): () => void {
    this.#accessListeners.add(listener);
    return () => this.#accessListeners.delete(listener);
  }

  /** The id under which the server sends answers. Waits for a connection, at most fifteen seconds. */
  async sessionId(): Promise<string> {
    const socket = this.#socket;
    if (socket?.connected && socket.id) return socket.id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('No live connection to the server. Try again in a moment.')), connectTimeoutSeconds * 1000);
      if (!socket) return;
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket.id ?? '');
      });
    });
  }

  markRead(chatId: string): void {
    this.#socket?.emit('events:chat', { chat_id: chatId, data: { type: 'last_read_at' } });
  }

  #subscribe(socket: Socket, auth: object): void {
    socket.on('connect', () => {
      this.#state = 'connected';
      socket.emit('user-join', { auth });
      const connection = { first: !this.#wasConnected, recovered: socket.recovered };
      this.#wasConnected = true;
      for (const listener of this.#connectListeners) listener(connection);
    });
    socket.on('disconnect', (reason) => {
      this.#state = 'connecting';
      // After a refusal by the server the library does not try again by itself.
      if (reason === 'io server disconnect') setTimeout(() => this.#socket === socket && socket.connect(), 1_000);
    });
    socket.on('access:updated', () => this.#accessListeners.forEach((listener) => listener()));
    socket.on('events', (raw: unknown, acknowledge?: unknown) => {
      const envelope = parseEnvelope(raw);
      if (envelope) for (const listener of this.#listeners) listener(envelope);
      // A question that this client cannot put to the user is answered at once instead of after the server's time-out.
      else if (typeof acknowledge === 'function') acknowledge({ error: 'not supported by this client' });
    });
  }
}

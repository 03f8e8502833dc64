import type { AnyInput, InputOf, ReplyOf, Route } from './route';

/** A refusal of the server, or no answer at all (status 0). `message` is fit to be shown to people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  get offline(): boolean {
    return this.status === 0;
  }

  /** Whether trying again would not help. */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

const unreachable = 'The server cannot be reached. Check your connection; nothing you wrote is lost.';

export interface UploadOptions {
  signal: AbortSignal;
  /** Told of the part that is sent, from 0 to 1. */
  onprogress: (part: number) => void;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/**
 * The one place that speaks HTTP. Same origin only; the session travels in an HttpOnly cookie, which scripts cannot read.
 * `onUnauthenticated` is told of every 401. That may also mean a missing chat, so the listener has to ask who is signed in.
 */
export class Http {
  constructor(private readonly onUnauthenticated: (path: string) => void = () => {}) {}

  /** Calls a route as the server describes it: `call('GET /api/v1/chats/{id}', { path: { id } })`. */
  async call<R extends Route>(route: R, ...[input]: InputOf<R>): Promise<ReplyOf<R>> {
    const text = await (await this.#send(route, input)).text();
    return parseJson(text) as ReplyOf<R>;
  }

  /** What a route says line by line (JSON on each), as it comes. */
  async *lines<R extends Route>(route: R, ...[input]: InputOf<R>): AsyncGenerator<unknown> {
    const response = await this.#send(route, input);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
      for (;;) {
        const { done, value } = await reader.read().catch(() => {
          throw new ApiError(0, unreachable);
        });
        const lines = (rest + (value ?? '')).split('\n');
        rest = done ? '' : lines.pop()!;
        for (const line of lines) if (line.trim()) yield parseJson(line);
        if (done) return;
      }
    } finally {
      // Whoever stops listening ends the call.
      void reader.cancel().catch(() => {});
    }
  }

  /** Sends a form with a file. `fetch` tells nothing of what is sent so far, so this is the older way. */
  async upload<R extends Route>(route: R, form: FormData, { signal, onprogress }: UploadOptions): Promise<ReplyOf<R>> {
    signal.throwIfAborted();
    const [method, path] = route.split(' ') as [string, string];
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.setRequestHeader('Accept', 'application/json');
    request.upload.onprogress = ({ loaded, total }) => onprogress(total ? loaded / total : 0);
    const abort = () => request.abort();
    signal.addEventListener('abort', abort);
    try {
      await new Promise<void>((resolve, reject) => {
        request.onload = () => resolve();
        request.onerror = () => reject(new ApiError(0, unreachable));
        request.onabort = () => reject(signal.reason);
        request.send(form);
      });
    } finally {
      signal.removeEventListener('abort', abort);
    }
    const body = parseJson(request.responseText);
    if (request.status >= 200 && request.status < 300) return body as ReplyOf<R>;
    if (request.status === 401) this.onUnauthenticated(path);
    throw new ApiError(request.status, detailOf(body, request.status), secondsOf(request.getResponseHeader('Retry-After')));
  }

  async #send(route: string, input: AnyInput = {}): Promise<Response> {
    const [method, template] = route.split(' ') as [string, string];
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(input.path?.[name] ?? '')) + queryString(input.query as Query);
    const init: RequestInit = { method, credentials: 'same-origin', headers: { Accept: 'application/json' } };
    if (input.signal) init.signal = input.signal;
    if (input.body !== undefined) {
      init.body = JSON.stringify(input.body);
      init.headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
    }
    const response = await this.#fetch(path, init);
    if (response.ok) return response;
    if (response.status === 401) this.onUnauthenticated(path);
    throw new ApiError(response.status, detailOf(parseJson(await response.text()), response.status), secondsOf(response.headers.get('Retry-After')));
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(path, init);
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
      throw new ApiError(0, unreachable);
    }
  }
}

export function queryString(query: Query | undefined): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') params.set(key, String(value));
  }
  const encoded = params.toString();
  return encoded ? `?${encoded}` : '';
}

/** The server says `{"detail": …}`: a sentence, or a list of what is wrong with which field. */
export function detailOf(body: unknown, status: number): string {
  const detail = isRecord(body) ? (body.detail ?? body.message ?? body.error) : null;
  if (typeof detail === 'string' && detail) return detail;
  if (isRecord(detail) && typeof detail.message === 'string') return detail.message;
  if (Array.isArray(detail)) return detail.map(fieldError).filter(Boolean).join('; ') || `Request refused (${status}).`;
  if (status === 429) return 'Too many attempts. Wait a moment and try again.';
  if (status >= 500) return `The server had a problem (${status}). Try again in a moment.`;
  return `Request refused (${status}).`;
}

function fieldError(entry: unknown): string {
  if (!isRecord(entry) || typeof entry.msg !== 'string') return '';
  const where = Array.isArray(entry.loc) ? entry.loc.filter((part) => part !== 'body').join('.') : '';
  return where ? `${where}: ${entry.msg}` : entry.msg;
}

function secondsOf(retryAfter: string | null): number | null {
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

function parseJson(text: string): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

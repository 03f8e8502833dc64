import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Http } from './http';

const http = new Http();
const answering = (body: string, init?: ResponseInit) => {
  const fetch = vi.fn(async (_path: string, _init: RequestInit) => new Response(body, init));
  vi.stubGlobal('fetch', fetch);
  return fetch;
};

afterEach(() => vi.unstubAllGlobals());

describe('a call', () => {
  it('goes where the route says, with what it takes', async () => {
    const fetch = answering('{"id":"c"}');

    await http.call('DELETE /api/v1/chats/{id}/messages/{message_id}', { path: { id: 'a/b', message_id: '?' } });
    await http.call('GET /api/v1/chats/search', { query: { text: 'a b', page: null } });
    const reply = await http.call('POST /api/v1/chats/{id}/folder', { path: { id: 'c' }, body: { folder_id: null } });

    expect(fetch.mock.calls.map(([path, init]) => [init.method, path, init.body])).toEqual([
      ['DELETE', '/api/v1/chats/a%2Fb/messages/%3F', undefined],
      ['GET', '/api/v1/chats/search?text=a+b', undefined],
      ['POST', '/api/v1/chats/c/folder', '{"folder_id":null}'],
    ]);
    expect(reply.id).toBe('c');
  });

  it('that is refused says why, and when to try again', async () => {
    answering('{"detail":"Too much"}', { status: 429, headers: { 'Retry-After': '7' } });

    const refused = await http.call('GET /api/v1/folders/').catch((cause: unknown) => cause);

    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 429, message: 'Too much', retryAfter: 7 });
  });

  it('is read line by line where the server says things one after the other', async () => {
    const pieces = ['{"status":"a"}\n{"sta', 'tus":"b"}\n\n{"status":"ü"}'];
    vi.stubGlobal('fetch', async () => new Response(new Blob(pieces).stream()));

    const said = [];
    for await (const line of http.lines('POST /ollama/api/pull', { body: { model: 'm' } })) said.push(line);

    expect(said).toEqual([{ status: 'a' }, { status: 'b' }, { status: 'ü' }]);
  });

  it('that the server does not take is a fault of types', () => {
    answering('{}');
    const calls = () => {
      // @ts-expect-error no such path
      void http.call('GET /api/v1/chat/');
      // @ts-expect-error not with this method
      void http.call('PATCH /api/v1/chats/{id}', { path: { id: 'c' } });
      // @ts-expect-error the path wants an id
      void http.call('GET /api/v1/chats/{id}');
      // @ts-expect-error no such part of the path
      void http.call('GET /api/v1/chats/{id}', { path: { chat: 'c' } });
      // @ts-expect-error no such parameter
      void http.call('GET /api/v1/chats/', { query: { side: 1 } });
      // @ts-expect-error a parameter of another type
      void http.call('GET /api/v1/chats/', { query: { page: 'one' } });
      // @ts-expect-error a body is needed
      void http.call('POST /api/v1/folders/');
      // @ts-expect-error a member is missing
      void http.call('POST /api/v1/chats/{id}/tags', { path: { id: 'c' }, body: {} });
      // @ts-expect-error no such member
      void http.call('POST /api/v1/chats/{id}/tags', { path: { id: 'c' }, body: { name: 'x', colour: 'red' } });
      // @ts-expect-error this route takes no body
      void http.call('GET /api/v1/folders/', { body: {} });
      // @ts-expect-error no such member of the answer
      void http.call('GET /api/v1/folders/').then((folders) => folders[0]?.titel);
    };
    expect(calls).toBeTypeOf('function');
  });
});

describe('an upload', () => {
  /** The browser's older way, as far as it is used. */
  class Request {
    static last: Request;
    upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    onload = () => {};
    onerror = () => {};
    onabort = () => {};
    status = 0;
    responseText = '';
    opened: string[] = [];
    headers: Record<string, string> = {};
    constructor() {
      Request.last = this;
    }
    open = (...what: string[]) => (this.opened = what);
    setRequestHeader = () => {};
    getResponseHeader = (name: string) => this.headers[name] ?? null;
    send = vi.fn();
    abort = () => this.onabort();
    answer(status: number, text: string) {
      Object.assign(this, { status, responseText: text });
      this.onload();
    }
  }
  const start = (signal = new AbortController().signal, onprogress = vi.fn()) => {
    vi.stubGlobal('XMLHttpRequest', Request);
    const sent = http.upload('POST /api/v1/files/', new FormData(), { signal, onprogress }).catch((cause: unknown) => cause);
    return { sent, request: Request.last, onprogress };
  };

  it('tells how far it is, and gives what the server says', async () => {
    const { sent, request, onprogress } = start();
    request.upload.onprogress!({ loaded: 1, total: 4 });
    request.answer(200, '{"id":"f"}');

    expect(await sent).toEqual({ id: 'f' });
    expect(request.opened).toEqual(['POST', '/api/v1/files/']);
    expect(onprogress.mock.calls).toEqual([[0.25]]);
  });

  it('that is refused says why; that did not arrive says so', async () => {
    const refused = start();
    refused.request.headers['Retry-After'] = '3';
    refused.request.answer(413, '{"detail":"Too large"}');
    const lost = start();
    lost.request.onerror();

    expect(await refused.sent).toMatchObject({ status: 413, message: 'Too large', retryAfter: 3, final: true });
    expect(await lost.sent).toMatchObject({ status: 0, offline: true, final: false });
  });

  it('ends when it is given up', async () => {
    const abort = new AbortController();
    const { sent } = start(abort.signal);
    abort.abort();

    expect(await sent).toMatchObject({ name: 'AbortError' });
  });
});

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

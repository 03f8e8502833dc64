import type { paths } from './schema';

/**
 * The server's routes as types, from `docs/openapi.json`. A route is written as the server declares it, "POST /api/v1/chats/{id}"; a path,
 * a parameter or a body that it does not take is a fault of types.
 */
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export type Route = {
  [P in keyof paths]: { [M in Method]: [Exclude<paths[P][M], undefined>] extends [never] ? never : `${Uppercase<M>} ${P}` }[Method];
}[keyof paths];

type OperationOf<R extends Route> = R extends `${infer M} ${infer P extends keyof paths}` ? Exclude<paths[P][Lowercase<M> & Method], undefined> : never;

type PathOf<O> = O extends { parameters: { path: infer P } } ? { path: P } : unknown;
type QueryOf<O> = O extends { parameters: { query: infer Q extends object } }
  ? { query: Q }
  : O extends { parameters: { query?: infer Q extends object } }
    ? { query?: Q }
    : unknown;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? { body: B } : unknown;
type Input<R extends Route> = PathOf<OperationOf<R>> & QueryOf<OperationOf<R>> & BodyOf<OperationOf<R>> & { signal?: AbortSignal };

/** Left out only where nothing is required. */
export type InputOf<R extends Route> = Record<never, never> extends Input<R> ? [input?: Input<R>] : [input: Input<R>];

export type ReplyOf<R extends Route> =
  OperationOf<R> extends { responses: { 200: { content: { 'application/json': infer A } } } } ? A : never;

export interface AnyInput {
  path?: Record<string, string>;
  query?: object;
  body?: unknown;
  signal?: AbortSignal;
}

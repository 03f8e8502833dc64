// A stop with ANTIPHON_DRAIN_DELAY_SECONDS: first it only says so.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { it } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

/** A call on a connection of its own; gives {status, connection}: what became of it. */
const call = (server, method, path, headers = {}) =>
  new Promise((settle, reject) => {
    const options = { port: server.port, host: '127.0.0.1', method, path, headers: { Connection: 'keep-alive', ...headers } };
    request(options, (reply) => reply.resume().once('end', () => settle({ status: reply.statusCode, connection: reply.headers.connection })))
      .once('error', reject)
      .end(method === 'POST' ? '{"chat":{"title":"late"}}' : undefined);
  });

it('a stop first says no on /ready and serves everything, each answer the last of its connection', async () => {
  const server = await startServer({ env: { ANTIPHON_DRAIN_DELAY_SECONDS: '6' } });
  try {
    const admin = await server.admin();
    const authorization = { Authorization: `Bearer ${admin.token}`, 'Content-Type': 'application/json' };
    assert.notEqual((await call(server, 'GET', '/health')).connection, 'close');

    process.kill(server.pid, 'SIGTERM');
    await until(async () => (await call(server, 'GET', '/ready')).status === 503, { what: '/ready says no' });
    assert.deepEqual(await call(server, 'GET', '/api/v1/chats/', authorization), { status: 200, connection: 'close' });
    assert.deepEqual(await call(server, 'POST', '/api/v1/chats/new', authorization), { status: 200, connection: 'close' });
    assert.deepEqual(await call(server, 'GET', '/health'), { status: 200, connection: 'close' });
    assert.ok((await admin.connect({ reconnection: false })).connected, 'sockets too');

    assert.deepEqual(await server.exit(), { code: 0, signal: null });
    assert.match(server.log, /Stopping soon: not ready any more, serving on +seconds=6/);
  } finally {
    await server.close();
  }
});

it('a second signal ends it at once, also while it waits', async () => {
  const server = await startServer({ env: { ANTIPHON_DRAIN_DELAY_SECONDS: '300' } });
  try {
    process.kill(server.pid, 'SIGTERM');
    await until(async () => (await call(server, 'GET', '/ready')).status === 503, { what: '/ready says no' });
    assert.deepEqual(await server.terminate(5000), { code: null, signal: 'SIGTERM' });
  } finally {
    await server.close();
  }
});

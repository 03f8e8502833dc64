// What an operator has: the commands, the manual of settings, /metrics and the log of the real program.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { binary, startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const command = (...words) => spawnSync(binary, words, { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent' }, timeout: 60_000 });

describe('the command', () => {
  it('settings prints docs/settings.md', () => {
    const { stdout, status } = command('settings');
    assert.equal(status, 0);
    const manual = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8');
    assert.equal(manual, stdout, 'write it anew: build/antiphon settings > docs/settings.md');
  });

  it('openapi prints the whole API, each route with who may call it', () => {
    const { stdout, status } = command('openapi');
    assert.equal(status, 0);
    const api = JSON.parse(stdout);
    assert.match(api.openapi, /^3\.1/);
    for (const path of ['/api/chat/completions', '/api/v1/chats/{id}', '/api/v1/tasks/config', '/api/v1/evaluations/feedback', '/api/v1/tools/']) {
      assert.ok(api.paths[path], path);
    }
    assert.ok(Object.keys(api.paths).length > 200);
  });

  it('version tells one, and an unknown command is refused', () => {
    assert.match(command('version').stdout, /^antiphon \d+\.\d+/);
    assert.notEqual(command('launch').status, 0);
    assert.notEqual(command().status, 0);
  });
});

describe('a server in operation', () => {
  let provider;
  let server;
  let admin;
  before(async () => {
    provider = await startProvider();
    server = await startServer({ provider, env: { ANTIPHON_ACCESS_LOG: 'true', ANTIPHON_METRICS_TOKEN: 'metrics token' } });
    admin = await server.admin();
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
  });

  const metrics = async () => (await server.client().get('/metrics', { headers: { Authorization: 'Bearer metrics token' }, expect: 200 })).text;
  const value = (text, line) => Number(text.split('\n').find((one) => one.startsWith(line))?.split(' ').at(-1));

  it('shows its metrics to administrators and to who has the token, and to nobody else', async () => {
    assert.equal((await admin.get('/metrics')).status, 200);
    assert.equal((await server.client().get('/metrics')).status, 401);
    assert.equal((await server.client().get('/metrics', { headers: { Authorization: 'Bearer wrong' } })).status, 401);
    const user = await server.user(admin, 'Uma');
    assert.equal((await user.get('/metrics')).status, 401);
  });

  it('counts requests, and tells of process and database', async () => {
    const name = (await metrics()).split('\n').find((line) => /^antiphon_http_requests_total\{.*2xx/.test(line)).split(' ')[0];
    const before = value(await metrics(), name);
    for (let i = 0; i < 5; i += 1) await admin.get('/api/v1/chats/', { expect: 200 });
    const text = await metrics();
    assert.ok(value(text, name) >= before + 5, `${before} to ${value(text, name)}`);
    assert.ok(value(text, 'process_resident_memory_bytes') > 1e6, text.slice(0, 2000));
    assert.match(text, /^antiphon_(store|database|db)_\w+/m);
  });

  it('logs requests with their id when asked to, and never a query, a token or a body', async () => {
    const { headers } = await admin.get('/api/v1/chats/search?text=wordofmine', { expect: 200 });
    const id = headers.get('x-request-id');
    assert.ok(id);
    const line = await until(() => server.log.split('\n').find((one) => one.includes(id)), { ms: 2000, what: 'the line' });
    assert.match(line, /\/api\/v1\/chats\/search/);
    assert.match(line, /200/);
    for (const secret of ['wordofmine', admin.token, 'correct horse']) assert.equal(server.log.includes(secret), false, secret);
  });
});

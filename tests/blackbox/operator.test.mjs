// What an operator has: the commands, the manual of settings, /metrics and the log of the real program.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { binary, startServer } from '../lib/server.mjs';
import { strain, until } from '../lib/until.mjs';
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

  it('version tells one', () => {
    for (const word of ['version', '--version']) assert.match(command(word).stdout, /^antiphon \d+\.\d+/);
  });

  it('refuses what it does not know by name, and says where help is', () => {
    for (const [words, said] of [
      [['launch'], /no command launch/],
      [[], /which command/],
      [['serve', '--prot', '1'], /--prot/],
      [['check', 'twice'], /twice/],
    ]) {
      const { status, stdout, stderr } = command(...words);
      assert.equal(status, 2, words.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, said);
      assert.match(stderr, /antiphon --help/);
    }
  });

  it('helps: each command, its flags, and the forms of user', () => {
    const { stdout, status } = command('--help');
    assert.equal(status, 0);
    for (const word of ['serve', 'check', 'migrate', 'user', 'settings', 'version']) assert.match(stdout, new RegExp(`^ +${word} `, 'm'));
    assert.match(command('serve', '--help').stdout, /--data-dir/);
    assert.match(command('user', '--help').stdout, /antiphon user reset-password EMAIL/);
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

  it("says them by Prometheus' rules", async () => {
    const text = await metrics();
    assert.ok(text.endsWith('\n'));
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    const seen = new Set();
    const buckets = new Map();
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('#')) {
        assert.match(line, /^# (TYPE [a-z_]+ (counter|gauge|histogram)|HELP [a-z_]+ \S.*)$/);
        continue;
      }
      const [, name, labels = '', value] = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)+\})? ([-+.\dein]+)$/i.exec(line) ?? assert.fail(line);
      assert.ok(!seen.has(name + labels), line);
      seen.add(name + labels);
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      const type = types.get(family);
      assert.equal(type === 'counter', family.endsWith('_total'), `${line} is a ${type}`);
      if (name === family) continue;
      assert.equal(type, 'histogram', line);
      if (!name.endsWith('_bucket')) continue;
      const series = family + labels.replace(/,?le="[^"]*"/, '');
      assert.ok(Number(value) >= (buckets.get(series) ?? 0), `${line}: buckets add up`);
      buckets.set(series, Number(value));
    }
    assert.ok(buckets.size > 0);
    for (const [name] of types) assert.ok(text.includes(`# HELP ${name} `), name);
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

describe('a server that is to end', () => {
  let provider;
  before(async () => (provider = await startProvider()));
  after(() => provider?.stop());

  it('with nothing to do does so at once', async () => {
    const server = await startServer();
    const begin = performance.now();
    await server.close();
    assert.ok(performance.now() - begin < 800 * strain(), `${performance.now() - begin} ms`);
  });

  it('lets an answer end, and at the second signal goes without it', async () => {
    const server = await startServer({ provider });
    try {
      const admin = await server.admin();
      const turn = await admin.send('[[tokens=3000 delay=20]]', { socket: await admin.connect({ reconnection: false }) });
      await turn.tokens(10);
      process.kill(server.pid, 'SIGTERM');
      await until(async () => (await fetch(`${server.url}/ready`)).status === 503, { what: 'it wants no more' });
      await turn.tokens(50);
      assert.deepEqual(await server.terminate(5000), { code: null, signal: 'SIGTERM' });
    } finally {
      await server.close();
    }
  });
});

// What every kind of response says to browsers (regressions.md 2.8; rows 15, 24, 25, 37, U1, U16).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { publish, threePeople } from '../lib/security.mjs';
import { forEachDatabase } from '../lib/databases.mjs';
import { raw } from '../lib/raw.mjs';
import { makeServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

/** The smallest PNG. */
const kPng = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const kNothing = "default-src 'none'; frame-ancestors 'self'";

/** What all of them say. */
function assertCommon(get, what) {
  assert.equal(get('x-content-type-options'), 'nosniff', what);
  assert.equal(get('referrer-policy'), 'no-referrer', what);
  assert.equal(get('cross-origin-opener-policy'), 'same-origin', what);
  assert.equal(get('cross-origin-resource-policy'), 'same-origin', what);
  assert.equal(get('access-control-allow-origin') ?? null, null, what);
  assert.ok(get('content-security-policy'), what);
  assert.equal(get('server') ?? null, null, what);
}

/** The policy as {directive: [sources]}. */
function policyOf(text) {
  return Object.fromEntries(text.split(';').map((part) => part.trim().split(' ')).map(([name, ...sources]) => [name, sources]));
}

describe('headers of', () => {
  let provider;
  let server;
  let admin;
  let bob;
  before(async () => {
    provider = await startProvider();
    ({ server, admin, bob } = await threePeople({ create: async () => '' }, { provider }));
    await publish(admin, 'numbered');
    await bob.post('/api/v1/auths/update/profile', { name: 'Bob', profile_image_url: kPng }, { expect: 200 });
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
  });
  const get = (path, options = {}) => bob.get(path, { ...options, headers: { Origin: 'https://evil.example', ...options.headers } });
  const headerOf = (reply) => (name) => reply.headers.get(name);

  it('answers of the API, whatever their status: never kept, never framed, no scripts', async () => {
    const { json: chat } = await bob.post('/api/v1/chats/new', { chat: { title: 'x' } }, { expect: 200 });
    const replies = {
      200: await get('/api/v1/chats/'),
      '200 of one': await get(`/api/v1/chats/${chat.id}`),
      '200 for strangers': await server.client().get('/api/config'),
      401: await server.client().get('/api/v1/chats/'),
      404: await get('/api/nothing'),
      405: await bob.request('PUT', '/api/v1/chats/'),
      415: await bob.request('POST', '/api/v1/chats/new', 'x', { headers: { 'Content-Type': 'text/plain' } }),
      422: await bob.post('/api/v1/folders/', {}),
      '403 by cookie': await server.client().post('/api/v1/auths/signout', {}, { headers: { Cookie: `token=${bob.token}`, Origin: 'https://evil.example' } }),
      'HEAD 200': await bob.request('HEAD', '/api/v1/chats/'),
    };
    for (const [what, reply] of Object.entries(replies)) {
      assert.equal(reply.status, Number(/\d+/.exec(what)[0]), what);
      assertCommon(headerOf(reply), what);
      assert.equal(reply.headers.get('cache-control'), 'no-store', what);
      assert.equal(reply.headers.get('content-security-policy'), kNothing, what);
      assert.equal(reply.headers.get('content-type'), 'application/json', what);
    }
  });

  it('downloads and streams: data, not pages', async () => {
    for (const [path, type] of [['/api/v1/chats/all', 'application/x-ndjson'], ['/api/v1/chats/all/archived', 'application/json'], ['/api/v1/chats/all/db', 'application/json']]) {
      const reply = await (path.endsWith('db') ? admin : bob).get(path, { expect: 200 });
      assertCommon(headerOf(reply), path);
      assert.equal(reply.headers.get('content-type'), type);
      assert.equal(reply.headers.get('content-security-policy'), kNothing, path);
      assert.equal(reply.headers.get('cache-control'), 'no-store', path);
    }
    const stream = await bob.post('/api/chat/completions', { model: 'numbered', messages: [{ role: 'user', content: '[[tokens=2]]' }], stream: true }, { expect: 200 });
    assert.match(stream.headers.get('content-type'), /^text\/event-stream/);
    assertCommon(headerOf(stream), 'stream');
    assert.match(stream.headers.get('cache-control'), /no-cache|no-store/);
    const metrics = await admin.get('/metrics', { expect: 200 });
    assertCommon(headerOf(metrics), 'metrics');
    assert.match(metrics.headers.get('content-type'), /^text\/plain/);
  });

  it('what refuses a request before it is one', async () => {
    for (const bytes of ['GET /health HTTP/1.1\r\n\r\n', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`]) {
      const { text } = await raw(server.port, bytes, { ms: 1000 });
      const lines = Object.fromEntries([...text.matchAll(/^([\w-]+): (.*)\r$/gm)].map(([, name, value]) => [name.toLowerCase(), value]));
      assert.match(text, /^HTTP\/1\.1 4\d\d /);
      assertCommon((name) => lines[name], bytes.slice(0, 40));
    }
  });

  it("the client's page: its own scripts and no others, no plug-ins, no foreign frames, no foreign requests", async () => {
    for (const path of ['/', '/c/some-chat', '/admin', '/index.html']) {
      const reply = await get(path, { expect: 200 });
      assert.match(reply.headers.get('content-type'), /^text\/html/, path);
      assertCommon(headerOf(reply), path);
      const policy = policyOf(reply.headers.get('content-security-policy'));
      assert.deepEqual(policy['default-src'], ["'self'"]);
      assert.ok(policy['script-src'].includes("'self'"));
      for (const source of policy['script-src']) assert.match(source, /^'self'$|^'sha256-[A-Za-z0-9+/=]+'$/, path);
      for (const name of ['connect-src', 'frame-ancestors', 'form-action']) assert.deepEqual(policy[name], ["'self'"], name);
      for (const name of ['object-src', 'base-uri']) assert.deepEqual(policy[name], ["'none'"], name);
      assert.deepEqual(policy['img-src'], ["'self'", 'data:', 'blob:'], 'no beacon by a picture (row 15)');
      assert.doesNotMatch(reply.headers.get('content-security-policy'), /\*|unsafe-eval|http:|https:/);
      assert.equal(reply.headers.get('cache-control'), 'no-cache', path);
    }
  });

  it("the client's files: kept for ever, of the type their name says", async () => {
    const page = await get('/', { expect: 200 });
    const files = [...page.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
    for (const path of [...files, '/favicon.svg']) {
      const reply = await get(path, { expect: 200 });
      assertCommon(headerOf(reply), path);
      if (path.startsWith('/assets/')) assert.match(reply.headers.get('cache-control'), /immutable/, path);
      assert.match(reply.headers.get('content-type'), /^(text\/(javascript|css)|image\/svg\+xml|font)/, path);
    }
    const etag = (await get('/favicon.svg')).headers.get('etag');
    const again = await get('/favicon.svg', { headers: { 'If-None-Match': etag } });
    assert.equal(again.status, 304);
    assertCommon(headerOf(again), '304');
    const gone = await get('/assets/gone.js');
    assert.equal(gone.status, 404);
    assert.match(gone.headers.get('content-type'), /json/);
  });

  it("documents with the operator's words", async () => {
    for (const path of ['/manifest.json', '/opensearch.xml']) {
      const reply = await get(path, { expect: 200 });
      assertCommon(headerOf(reply), path);
      assert.equal(reply.headers.get('content-security-policy'), kNothing, path);
    }
  });

  it("users' own bytes: rasters only, sandboxed, never sniffed (rows 24, 37, U16)", async () => {
    const image = await get(`/api/v1/users/${bob.user.id}/profile/image`, { expect: 200 });
    assert.equal(image.headers.get('content-type'), 'image/png');
    assertCommon(headerOf(image), 'profile image');
    assert.equal(image.headers.get('content-security-policy'), "default-src 'none'; sandbox");
    const letter = await get(`/api/v1/users/${admin.user.id}/profile/image`, { expect: 200 });
    assertCommon(headerOf(letter), 'letter');
    assert.match(letter.headers.get('content-security-policy'), /sandbox/);
    const svg = `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>').toString('base64')}`;
    const html = `data:image/png;base64,${Buffer.from('<html><script>alert(1)</script></html>').toString('base64')}`;
    for (const url of [svg, html, 'javascript:alert(1)', '/api/v1/auths/signout', '//evil.example/x.png', 'data:text/html,<script>', 'http://127.0.0.1/x']) {
      assert.equal((await bob.post('/api/v1/auths/update/profile', { name: 'Bob', profile_image_url: url })).status, 422, url.slice(0, 60));
      const form = { id: `m${url.length}`, name: 'm', base_model_id: 'numbered', meta: { profile_image_url: url }, params: {} };
      const made = await admin.post('/api/v1/models/create', form);
      if (made.status === 422) continue;
      // Kept because clients send back what they were given, and shown to nobody.
      const shown = await bob.get('/api/models', { expect: 200 });
      assert.ok(!shown.text.includes(JSON.stringify(url).slice(1, -1)), url.slice(0, 60));
      const picture = await admin.get(`/api/v1/models/model/profile/image?id=${form.id}`);
      assert.match(picture.headers.get('content-security-policy') ?? '', /sandbox/);
      assert.doesNotMatch(picture.headers.get('content-type'), /html|javascript/);
      assert.doesNotMatch(picture.text, /alert/, url.slice(0, 60));
    }
  });

  it('other origins: nothing, unless listed; never with a star and a cookie (U1)', async () => {
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${server.port}.evil.example`]) {
      const reply = await bob.get('/api/config', { headers: { Origin: origin } });
      assert.equal(reply.headers.get('access-control-allow-origin'), null, origin);
      assert.equal(reply.headers.get('access-control-allow-credentials'), null, origin);
      const preflight = await bob.request('OPTIONS', '/api/v1/chats/', undefined, { headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' }, token: null });
      assert.equal(preflight.status, 403, origin);
      assert.equal(preflight.headers.get('access-control-allow-origin'), null, origin);
    }
  });

  it('row 77: no answer sends anybody anywhere else, and no token stands in an address', async () => {
    for (const path of ['/', '/?redirect=//evil.example', '/auth?redirect=https:evil.example', '/api/v1/auths/?redirect=\\\\evil', '//evil.example/%2e%2e', '/api', '/ollama', '/oauth/x/login']) {
      const reply = await bob.get(path);
      assert.equal(reply.headers.get('location'), null, path);
      assert.ok(reply.status < 300 || reply.status >= 400, `${path}: ${reply.status}`);
    }
    const signedIn = await server.client().signIn({ email: 'bob@x.io', password: 'pass of Bob 17' });
    assert.equal(signedIn.headers.get('location'), null);
  });

  it('row 25: no name that somebody chose breaks a header', async () => {
    await bob.post('/api/v1/folders/', { name: 'a"b;é😀' }, { expect: 200 });
    for (const path of ['/api/v1/chats/all', '/api/v1/folders/']) {
      const reply = await bob.get(path, { headers: { 'X-Request-Id': 'a b\tc' } });
      assert.doesNotMatch(reply.headers.get('x-request-id'), /[\s;"]/);
    }
  });
});

forEachDatabase((db) => {
  describe('over TLS', () => {
    let server;
    let folder;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'antiphon-tls-'));
      const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', ...name, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
      server = await makeServer({ databaseUrl: await db.create(), env: { ANTIPHON_TLS_CERTIFICATE: certificate, ANTIPHON_TLS_KEY: key } });
      server.isReady = async () => (await ask('GET', '/ready').catch(() => ({ status: 0 }))).status === 200;
      await server.start();
    });
    after(async () => {
      await server?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const ask = (method, path, body, more = {}) =>
      new Promise((settle, reject) => {
        const options = { method, host: '127.0.0.1', port: server.port, path, rejectUnauthorized: false, timeout: 5000, headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...more } };
        const request = httpsRequest(options, (reply) => {
          let text = '';
          reply.on('data', (data) => (text += data)).on('end', () => settle({ status: reply.statusCode, headers: reply.headers, text }));
        });
        request.on('error', reject).end(body);
      });

    it('says so for a year, and keeps the session to https', async () => {
      const up = await ask('POST', '/api/v1/auths/signup', JSON.stringify({ name: 'A', email: 'a@x.io', password: 'correct horse 17' }));
      assert.equal(up.status, 200, up.text);
      assert.match(up.headers['strict-transport-security'], /max-age=31536000/);
      for (const name of ['token', '__Host-token']) {
        const cookie = up.headers['set-cookie'].find((line) => line.startsWith(`${name}=`));
        for (const part of [/HttpOnly/i, /Secure/i, /SameSite=lax/i, /Path=\//i]) assert.match(cookie, part);
        assert.doesNotMatch(cookie, /Domain/i);
      }
      const { token } = JSON.parse(up.text);
      const seen = await ask('GET', '/api/v1/auths/', undefined, { Cookie: `token=planted; __Host-token=${token}` });
      assert.equal(seen.status, 200, seen.text);
      assert.match((await ask('GET', '/health')).headers['strict-transport-security'], /max-age/);
    });
  });
});

// Malformed HTTP on raw sockets: rows 101 to 113 of the security table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { raw, request, statuses } from '../lib/raw.mjs';
import { startProvider } from '../provider/provider.mjs';

const kSmuggled = 'GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n';

describe('HTTP', () => {
  let provider;
  let server;
  before(async () => {
    provider = await startProvider();
    server = await startServer({ provider });
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
  });

  const send = (bytes, options) => raw(server.port, bytes, options);
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024;

  /** Exactly one answer, with one of these codes; and the connection is closed, so nothing behind it was read. */
  async function refused(bytes, codes) {
    const reply = await send(bytes, { ms: 3000 });
    assert.equal(statuses(reply.text).length, 1, `answers: ${reply.text.slice(0, 300)}`);
    assert.ok(codes.includes(statuses(reply.text)[0]), `${statuses(reply.text)} instead of ${codes}`);
    assert.equal(reply.closed, true, 'the connection stays open');
    return reply;
  }

  it('answers a well-formed request, so that the refusals below mean something', async () => {
    assert.deepEqual(statuses((await send(request('/health'), { ms: 300 })).text), [200]);
    assert.deepEqual(statuses((await send(request('/health') + kSmuggled, { ms: 300 })).text), [200, 200]);
  });

  describe('row 101: Transfer-Encoding', () => {
    const post = (lines, version = '1.1') => request('/api/v1/auths/signin', lines, { method: 'POST', version, body: `0\r\n\r\n${kSmuggled}` });
    const cases = {
      'with Content-Length': ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      twice: ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
      xchunked: ['Transfer-Encoding: xchunked'],
      'chunked, identity': ['Transfer-Encoding: chunked, identity'],
      quoted: ['Transfer-Encoding: "chunked"'],
      'with a parameter': ['Transfer-Encoding: chunked;x'],
      'gzip, chunked': ['Transfer-Encoding: gzip, chunked'],
      identity: ['Transfer-Encoding: identity'],
    };
    for (const [name, lines] of Object.entries(cases)) {
      it(name, async () => refused(post(lines), [400, 501]));
    }
    it('on HTTP/1.0', async () => refused(post(['Transfer-Encoding: chunked'], '1.0'), [400, 501]));
  });

  describe('row 102: Content-Length', () => {
    const cases = [['5', '5'], ['5', '6'], ['5, 5'], ['+5'], ['-1'], ['0x5'], ['99999999999999999999999'], [''], ['5 5']];
    for (const lengths of cases) {
      it(JSON.stringify(lengths), async () => {
        const lines = lengths.map((length) => `Content-Length: ${length}`);
        await refused(request('/api/v1/auths/signin', lines, { method: 'POST', body: `{"a"}${kSmuggled}` }), [400, 413]);
      });
    }
  });

  describe('row 103: bytes that do not belong', () => {
    const cases = {
      'folded header': request('/health', ['X-A: 1', ' folded']),
      'folded with tab': request('/health', ['X-A: 1', '\tfolded']),
      'space before the colon': request('/health', ['X-A : 1']),
      'bare LF': 'GET /health HTTP/1.1\nHost: x\n\n',
      'bare CR in a value': request('/health', ['X-A: 1\rX-B: 2']),
      'NUL in a value': request('/health', ['X-A: a\0b']),
      'control character in a value': request('/health', ['X-A: a\x01b']),
      'control character in a name': request('/health', ['X\x02A: b']),
      'empty name': request('/health', [': b']),
      'NUL in the target': request('/hea\0lth'),
      'eight-bit target': request('/hea\xe9lth'),
      'fragment in the target': request('/health#x'),
      'no Host': request('/health', [], { host: null }),
      'two Hosts': request('/health', ['Host: y']),
      'two blanks in the first line': 'GET  /health HTTP/1.1\r\nHost: x\r\n\r\n',
      'HTTP/2.0': request('/health', [], { version: '2.0' }),
      'HTTP/0.9': 'GET /health\r\n\r\n',
    };
    for (const [name, bytes] of Object.entries(cases)) {
      it(name, async () => refused(bytes, [400, 505]));
    }
  });

  describe('row 105: methods and forms of the target', () => {
    it('absolute form', async () => refused(request('http://x/health'), [400]));
    it('opaque', async () => refused(request('http:http://x'), [400]));
    it('without a slash', async () => refused(request('health'), [400]));
    for (const method of ['CONNECT', 'TRACE', 'get', 'BREW']) {
      it(method, async () => {
        const reply = await refused(request('/health', [], { method }), [400, 405]);
        if (statuses(reply.text)[0] === 405) assert.match(reply.text, /^Allow: /im);
      });
    }
  });

  describe('row 106: sizes', () => {
    const fields = (count) => Array.from({ length: count }, (_, i) => `X-${i}: 1`);
    it('header block over 16 KiB', async () => refused(request('/health', [`X-A: ${'a'.repeat(17_000)}`]), [431]));
    it('over 100 fields', async () => refused(request('/health', fields(150)), [431]));
    it('target over 8 KiB', async () => refused(request(`/${'a'.repeat(9000)}`), [414, 431]));
    it('cookie over 4 KiB', async () => refused(request('/health', [`Cookie: token=${'a'.repeat(5000)}`]), [431]));
    it('90 fields are accepted', async () => {
      assert.deepEqual(statuses((await send(request('/health', fields(90)), { ms: 300 })).text), [200]);
    });
  });

  describe('row 107: chunks', () => {
    const lines = ['Transfer-Encoding: chunked', 'Content-Type: application/json'];
    const head = request('/api/v1/auths/signin', lines, { method: 'POST' });
    it('17 hexadecimal digits of size', async () => refused(`${head}11111111111111111\r\nx`, [400, 413]));
    it('no size', async () => refused(`${head}zz\r\n`, [400]));
    it('a flood of extensions costs no memory', async () => {
      const before = rss();
      const flood = `1;a=${'b'.repeat(65_536)}\r\nx\r\n`;
      const reply = await send([head, ...Array.from({ length: 300 }, () => flood)], { ms: 3000 });
      assert.equal(reply.closed, true);
      assert.ok(rss() - before < 64, `${rss() - before} MiB`);
    });
    it('trailers are thrown away', async () => {
      const body = '2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nX-Forwarded-Email: admin@x.io\r\n\r\n';
      const reply = await send(head + body + kSmuggled, { ms: 500 });
      assert.ok(statuses(reply.text)[0] >= 400 && statuses(reply.text)[0] < 500);
    });
  });

  describe('row 108: slow clients', () => {
    it('a header that never ends is closed at 10 s', { timeout: 20_000 }, async () => {
      const bytes = request('/health', [`X-A: ${'a'.repeat(30)}`]);
      const reply = await send([...bytes.slice(0, 30)], { pause: 500, ms: 1 });
      assert.ok(reply.closed && reply.ms > 5000 && reply.ms < 14_500, `closed ${reply.closed} after ${reply.ms} ms`);
    });
  });

  it('row 109: 1000 pipelined requests are answered in order', async () => {
    const bytes = Array.from({ length: 1000 }, (_, i) => request(i % 2 ? '/health' : '/api/nothing-here')).join('');
    const reply = await send(bytes, { ms: 2000 });
    const codes = statuses(reply.text);
    assert.equal(codes.length, 1000);
    assert.ok(codes.every((code, i) => code === (i % 2 ? 200 : 404)));
  });

  it('row 110: a body announced too large is refused before it is sent', async () => {
    const lines = ['Expect: 100-continue', 'Content-Length: 99999999999', 'Content-Type: application/json'];
    const reply = await send(request('/api/v1/auths/signin', lines, { method: 'POST' }), { ms: 2000 });
    assert.deepEqual(statuses(reply.text), [413]);
  });

  describe('row 111: other protocols', () => {
    it('h2c is not spoken', async () => {
      const reply = await send(request('/health', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']), { ms: 500 });
      assert.ok([200, 400].includes(statuses(reply.text)[0]), reply.text.slice(0, 100));
    });
    it('an HTTP/2 preface is refused', async () => refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 405, 505]));
    it('an unknown Upgrade is no tunnel', async () => {
      const reply = await send(request('/health', ['Connection: Upgrade', 'Upgrade: foo']), { ms: 500 });
      assert.notEqual(statuses(reply.text)[0], 101);
    });
  });

  it('row 112: a compressed body is not expanded', async () => {
    const lines = ['Content-Encoding: gzip', 'Content-Type: application/json', 'Content-Length: 4'];
    const reply = await send(request('/api/v1/auths/signin', lines, { method: 'POST', body: '\x1f\x8b\x08\0' }), { ms: 1000 });
    assert.ok([413, 415].includes(statuses(reply.text)[0]), reply.text.slice(0, 100));
  });

  it('row 113: HEAD has the length and no body', async () => {
    const reply = await send(request('/health', ['Connection: close'], { method: 'HEAD' }), { ms: 1000 });
    assert.deepEqual(statuses(reply.text), [200]);
    assert.match(reply.text, /\r\n\r\n$/);
  });

  it('unknown paths of the API are JSON 404, others the page (U10)', async () => {
    const client = server.client();
    for (const path of ['/api/nothing', '/api/v1/nothing', '/ollama/nothing', '/oauth/nothing', '/ws/nothing']) {
      const reply = await client.get(path);
      assert.equal(reply.status, 404, path);
      assert.ok(reply.json?.detail, `${path}: ${reply.text.slice(0, 80)}`);
    }
    // Everything below /openai is passed on to a provider, for those who are signed in.
    const passed = await client.get('/openai/nothing');
    assert.equal(passed.status, 401);
    assert.ok(passed.json?.detail);
  });

  it('says nothing about other origins unless configured (U1)', async () => {
    const reply = await server.client().get('/api/config', { headers: { Origin: 'https://evil.example' } });
    assert.equal(reply.headers.get('access-control-allow-origin'), null);
  });

  it('is well after all this', async () => {
    const begin = performance.now();
    assert.equal((await server.client().get('/health')).status, 200);
    assert.ok(performance.now() - begin < 200);
    assert.equal(server.isRunning, true);
  });
});

// Input that is made to hurt, on every route that takes any: no 500, no hang, no growth (regressions.md 0.2; rows 21, 26, 115, 120, 123–125, U4, U19).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { Inputs } from '../lib/matrix/inputs.mjs';
import { readTable } from '../lib/matrix/table.mjs';
import { nothings, Things } from '../lib/matrix/world.mjs';
import { raw, statuses } from '../lib/raw.mjs';
import { assertHarmless, publish, startCanary, threePeople } from '../lib/security.mjs';
import { startProvider } from '../provider/provider.mjs';

const table = readTable();
const { routes } = table;
const kEnv = {
  ENABLE_API_KEYS: 'true',
  ENABLE_USER_STATUS: 'true',
  ENABLE_OPENAI_API_PASSTHROUGH: 'true',
  USER_PERMISSIONS_FEATURES_API_KEYS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_ACCESS: 'true',
  USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ACCESS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_IMPORT: 'true',
};
/** Would end the session or the account the test uses. */
const kNotHere = new Set(['POST /api/v1/auths/signout', 'POST /api/v1/auths/update/password', 'DELETE /api/v1/users/{id}', 'POST /api/v1/users/{id}/update']);

const kSql = [
  "'", "''", '"', '\\', ';', '--', '(select 1)', 'metadata', 'sideways', "id; DROP TABLE chat", "updated_at DESC; SELECT 1", "1 OR 1=1", "' OR '1'='1", "') OR ('1'='1",
  'title COLLATE NOCASE', 'random()', 'CASE WHEN 1=1 THEN id ELSE title END', '$1', '?', '%', '_', '%_\\', '\u0000', '\ud83d', 'x'.repeat(5000), "pg_sleep(5)", '-1', '99999999999999999999', '1e999', 'NaN',
];

/** Bodies that are no JSON we take. */
const kJson = {
  empty: '', 'a space': ' ', array: '[]', null: 'null', number: '5', string: '"x"', 'half an object': '{"a":', 'a trailing comma': '{"a":1,}', 'single quotes': "{'a':1}",
  NaN: '{"a":NaN}', '1e999': '{"a":1e999}', 'many digits': `{"a":${'9'.repeat(5000)}}`, 'a name twice': '{"name":"a","name":"b","email":"a","email":"b"}', 'a lone surrogate': '{"name":"\\ud800","email":"\\udfff"}',
  NUL: '{"name":"a\\u0000b","title":"\\u0000"}', 'bad UTF-8': Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0x22, 0x7d]), 'a BOM': '\ufeff{}',
  deep: '['.repeat(100_000), 'deep and closed': `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, '__proto__': '{"__proto__":{"admin":true},"constructor":{}}',
};

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Values in the place of any member. */
const kValues = [null, -1, 0, 9007199254740993, 1e308, '', 'x'.repeat(100_000), 'a\u0000b', '\ud800', [], {}, [[[[[[]]]]]], true, '../../etc/passwd', "'; DROP TABLE chat; --", { a: { b: { c: [] } } }, [null, 1, 'x']];

forEachDatabase((db) => {
  describe('hostile input', () => {
    let provider;
    let server;
    let admin;
    let eve;
    let inputs;
    let canary;
    before(async () => {
      provider = await startProvider();
      ({ server, admin, eve } = await threePeople(db, { provider, env: { ...kEnv, ENABLE_OLLAMA_API: 'true', OLLAMA_BASE_URL: provider.url } }));
      await publish(admin, 'numbered', 'pebble:1b');
      inputs = new Inputs(table, admin, provider);
      canary = await startCanary(server, { grows: 200 });
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    const whoFor = (route) => (route.who === 'admin' ? admin : eve);
    const asks = (route) => ({ asksModels: route.cost === 'model' });
    const withBody = routes.filter((route) => (route.bodySchema || route.method === 'POST') && !kNotHere.has(route.name));

    it('row 115, U4: no parameter of a list is SQL, whatever it holds', async () => {
      const lists = routes.filter((route) => route.method === 'GET' && route.query.length);
      assert.ok(lists.length >= 15, `${lists.length} lists`);
      let asked = 0;
      for (const route of lists) {
        const { path } = await inputs.request(route, new Things(whoFor(route), admin));
        for (const { name } of route.query) {
          for (const value of kSql) {
            const url = new URL(path, 'http://x');
            url.searchParams.set(name, value);
            const reply = await whoFor(route).get(url.pathname + url.search);
            asked += 1;
            assertHarmless(reply, `${route.name} ${name}=${value.slice(0, 40)}`);
            assert.ok([200, 400, 401, 403, 404, 422].includes(reply.status), `${route.name} ${name}=${value.slice(0, 40)}: ${reply.status}`);
          }
        }
      }
      assert.ok(asked > 1000, `${asked} asked`);
      assert.equal((await eve.get('/api/v1/chats/')).status, 200);
    });

    it('row 115: what is cut to fit is cut between letters, and a pattern is never too long', async () => {
      for (const text of ['x'.repeat(5000), '%'.repeat(2000), '"' + 'b '.repeat(2000), `${'x'.repeat(319)}é`, `a${'é'.repeat(600)}`, `ab${'天'.repeat(600)}`]) {
        for (const path of ['chats/search?text=', 'chats/archived?query=', 'chats/shared?query=', 'users/search?query=', 'users/?query=']) {
          const reply = await admin.get(`/api/v1/${path}${encodeURIComponent(text)}`);
          assert.equal(reply.status, 200, `${path}${text.slice(0, 3)}: ${reply.text}`);
        }
      }
      const form = { model: 'numbered', messages: [], parent_id: null, id: randomUUID(), user_message: { id: randomUUID(), role: 'user', content: 'x' } };
      for (const key of ['\xe4\xff', 'k'.repeat(200)]) {
        await admin.post('/api/chat/completions', form, { headers: { 'Idempotency-Key': key }, expect: 400 });
      }
    });

    it('row 115: nor an id of a path', async () => {
      for (const route of routes.filter((one) => one.placeholders.length && !kNotHere.has(one.name) && one.method === 'GET')) {
        for (const value of kSql.filter((one) => !/[\u0000\ud83d]/.test(one))) {
          const reply = await whoFor(route).get((await inputs.request(route, { id: () => value })).path);
          assertHarmless(reply, `${route.name} ${value.slice(0, 40)}`, asks(route));
        }
      }
    });

    it('row 125: a body that is no JSON, or no object, is refused by every route, with 4xx', async () => {
      for (const route of withBody) {
        const { path } = await inputs.request(route, new Things(whoFor(route), admin));
        for (const [name, body] of Object.entries(kJson)) {
          const sent = await fetch(server.url + path, {
            method: route.method, body, headers: { Authorization: `Bearer ${whoFor(route).token}`, 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(10_000),
          });
          const text = await sent.text();
          assertHarmless({ status: sent.status, text, json: parsed(text) }, `${route.name} with ${name}`, asks(route));
        }
      }
    });

    it('row 125: a member of the wrong type or size is refused or ignored, never a fault', async () => {
      for (const route of withBody.filter((one) => one.bodySchema)) {
        const base = await inputs.body(route, nothings());
        const members = new Set([...Object.keys(base ?? {}), ...Object.keys(schemaOf(route)?.properties ?? {})]);
        for (const name of [...members].slice(0, 12)) {
          for (const value of kValues) {
            const { path } = await inputs.request(route, nothings());
            const reply = await whoFor(route).request(route.method, path, { ...base, [name]: value });
            assertHarmless(reply, `${route.name} ${name}=${JSON.stringify(value)?.slice(0, 60)}`, asks(route));
          }
        }
      }
    });
    const schemaOf = (route) => table.schemas[route.bodySchema.$ref?.split('/').at(-1)];

    it('row 26: one byte more than a route takes is refused before it comes', async () => {
      for (const route of withBody) {
        const { path } = await inputs.request(route, nothings());
        const lines = [`${route.method} ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${whoFor(route).token}`, 'Content-Type: application/json', `Content-Length: ${route.bodyLimit + 1}`, 'Connection: close', '', ''];
        const { text } = await raw(server.port, lines.join('\r\n'), { ms: 5000 });
        assert.deepEqual(statuses(text), [413], `${route.name} (${route.bodyLimit}): ${text.slice(0, 100)}`);
      }
    });

    it('row 26: nor in chunks that do not say how many they are', async () => {
      const small = withBody.filter((route) => route.bodyLimit <= 1 << 20).slice(0, 20);
      for (const route of small) {
        const { path } = await inputs.request(route, nothings());
        const head = [`${route.method} ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${whoFor(route).token}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked', '', ''].join('\r\n');
        const size = route.bodyLimit + 1;
        const { text } = await raw(server.port, [head, `${size.toString(16)}\r\n`, Buffer.alloc(size, 0x20), '\r\n0\r\n\r\n'], { ms: 5000 });
        assert.equal(statuses(text)[0], 413, `${route.name}: ${text.slice(0, 100)}`);
      }
    });

    it('row 124: forms and other types are refused, however their boundary is made', async () => {
      const types = [
        'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'-'.repeat(3000)}`,
        'multipart/form-data; boundary=x; boundary=y', 'application/jsonp', 'application/xml',
      ];
      for (const type of types) {
        for (const path of ['/api/v1/chats/new', '/api/v1/auths/signin', '/api/chat/completions', '/api/v1/folders/']) {
          const reply = await eve.request('POST', path, `--x\r\n\r\n${'--x\r\n\r\n'.repeat(1000)}`, { headers: { 'Content-Type': type } });
          assert.equal(reply.status, 415, `${path} ${type.slice(0, 60)}: ${reply.status}`);
        }
      }
    });

    it('row 21: dots in a path that is passed on, encoded once to ten times, reach no other path', async () => {
      const before = provider.calls.length;
      for (let times = 1; times <= 10; times += 1) {
        let dots = '../';
        for (let i = 0; i < times; i += 1) dots = i === 0 ? '%2e%2e%2f' : dots.replaceAll('%', '%25');
        for (const prefix of ['/openai/', '/openai/echo/', '/ollama/api/tags/', '/openai/models/', '/assets/', '/']) {
          for (const tail of [`${dots}echo`, `${dots}${dots}admin`, `..${dots}admin`, `%5c${dots}admin`]) {
            const { text } = await raw(server.port, `GET ${prefix}${tail} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin.token}\r\nConnection: close\r\n\r\n`, { ms: 5000 });
            const [status] = statuses(text);
            assert.ok(status >= 400 && status < 500 || (prefix === '/' && status === 200 && /<!doctype html>/i.test(text)), `${prefix}${tail}: ${text.slice(0, 60)}`);
          }
        }
      }
      assert.equal(provider.calls.length, before, 'no model server was asked');
    });

    it('row 120, U19: circles, self-parents, long chains and wide fans are refused or held; lists and statistics work afterwards', async () => {
      const message = (id, parentId, childrenIds) => ({ id, parentId, childrenIds, role: 'user', content: 'x', timestamp: 1 });
      const of = (messages, currentId) => ({ chat: { title: 'x', history: { messages: Object.fromEntries(messages.map((one) => [one.id, one])), currentId } } });
      const chain = (count) => Array.from({ length: count }, (_, i) => message(`m${i}`, i ? `m${i - 1}` : null, i < count - 1 ? [`m${i + 1}`] : []));
      const fan = (count) => [message('m', null, []), ...Array.from({ length: count }, (_, i) => message(`c${i}`, 'm', []))];
      const forms = {
        'two that are each other\'s parent': of([message('a', 'b', ['b']), message('b', 'a', ['a'])], 'a'),
        'its own parent': of([message('a', 'a', ['a'])], 'a'),
        'a child that is not there': of([message('a', null, ['b'])], 'b'),
        'a parent that is not there': of([message('a', 'z', [])], 'a'),
        'a chain of 100 000': of(chain(100_000), 'm99999'),
        'a fan of 100 000': of(fan(100_000), 'c5'),
        'wrong types': { chat: { title: 5, history: { messages: [], currentId: {} } } },
        'messages of text': { chat: { title: 'x', history: { messages: { a: 'x', b: 5, c: null }, currentId: 'a' } } },
      };
      for (const [name, form] of Object.entries(forms)) {
        const begin = performance.now();
        const made = await eve.post('/api/v1/chats/new', form);
        assertHarmless(made, name);
        if (made.status === 200) {
          for (const path of ['', '/branch', '/tags']) assert.ok((await eve.get(`/api/v1/chats/${made.json.id}${path}`)).status < 500, name);
          assertHarmless(await eve.post(`/api/v1/chats/${made.json.id}/clone`), `clone of ${name}`);
        }
        const imported = await eve.post('/api/v1/chats/import', { chats: [form] });
        assertHarmless(imported, `import of ${name}`);
        assert.ok(performance.now() - begin < 20_000, `${name}: ${(performance.now() - begin).toFixed(0)} ms`);
      }
      for (const path of ['/api/v1/chats/stats/usage', '/api/v1/chats/', '/api/v1/chats/all/tags', '/api/v1/chats/search?text=x']) assert.equal((await eve.get(path)).status, 200, path);
      const ids = [];
      for (let i = 0; i < 3; i += 1) ids.push((await eve.post('/api/v1/folders/', { name: randomUUID() }, { expect: 200 })).json.id);
      for (let i = 0; i < 3; i += 1) assertHarmless(await eve.post(`/api/v1/folders/${ids[i]}/update/parent`, { parent_id: ids[(i + 1) % 3] }), 'a circle of folders');
      assert.equal((await eve.get('/api/v1/folders/')).status, 200);
    });

    it('row 123: a field of ten megabytes is refused in a tenth of a second, a long password before it is hashed', async () => {
      const large = 'x'.repeat(10 << 20);
      const cases = [
        ['/api/v1/auths/signin', { email: 'a@x.io', password: large }], ['/api/v1/auths/signin', { email: 'a@x.io', password: 'x'.repeat(2000) }],
        ['/api/v1/folders/', { name: large }], ['/api/v1/auths/update/profile', { name: large, profile_image_url: '/user.png' }],
        ['/api/v1/users/user/settings/update', { ui: { x: large } }], ['/api/v1/auths/api_keys', { name: large }],
      ];
      for (const [path, body] of cases) {
        const text = JSON.stringify(body);
        const begin = performance.now();
        const reply = await eve.request('POST', path, text).catch((error) => ({ status: 413, text: `cut off: ${error.message}` }));
        const took = performance.now() - begin;
        assert.ok([400, 413, 422].includes(reply.status), `${path}: ${reply.status} ${reply.text.slice(0, 100)}`);
        assert.ok(took < 1000, `${path}: ${took.toFixed(0)} ms`);
      }
    });

    it('held up nobody, and left nothing behind', async () => {
      const { asked } = await canary.stop();
      assert.ok(asked > 100, `${asked} asked`);
    });
  });
});

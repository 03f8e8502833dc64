// Where secrets must not be: in answers, in logs, in the database (rows 117, 118, 119, U14, U20).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { Inputs } from '../lib/matrix/inputs.mjs';
import { isVoid, makePeople, verdict } from '../lib/matrix/people.mjs';
import { readTable } from '../lib/matrix/table.mjs';
import { Things } from '../lib/matrix/world.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const table = readTable();
/** One for each place that holds a secret; the name says where. */
const kPlanted = Object.fromEntries(
  ['key', 'olderKey', 'metrics', 'forward', 'openai', 'openaiHeader', 'openaiSecond', 'ollama', 'ollamaHeader', 'adminPassword'].map((name) => [name, `${name}-${randomBytes(12).toString('hex')}`]),
);
/** Where an administrator edits connections, he sees what he typed; an export of the settings holds them. */
const kEditors = new Set([
  'GET /openai/config', 'GET /ollama/config', 'GET /api/v1/configs/export', 'GET /api/v1/configs/namespace/{name}', 'GET /api/v1/configs/settings',
]);

/** Everything that is stored, as bytes. */
async function storedBytes(server, databaseUrl) {
  if (databaseUrl) {
    const cluster = await sharedPostgres();
    const database = databaseUrl.split('/').at(-1);
    const tables = cluster.sql(database, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'").split('\n');
    return tables.map((name) => cluster.sql(database, `SELECT t::text FROM ${name} t`)).join('\n');
  }
  return readdirSync(server.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'latin1'))
    .join('\n');
}

forEachDatabase((db) => {
  describe('secrets', () => {
    let provider;
    let server;
    let databaseUrl;
    let people;
    let admin;
    let bob;
    let eve;
    before(async () => {
      provider = await startProvider();
      databaseUrl = await db.create();
      const configs = { 0: { headers: { 'X-Team': kPlanted.openaiHeader } }, 1: {} };
      server = await startServer({
        databaseUrl,
        env: {
          ANTIPHON_RATE_LIMITS: '0',
          GLOBAL_LOG_LEVEL: 'DEBUG',
          LOG_FORMAT: 'json',
          WEBUI_SECRET_KEY: kPlanted.key,
          ANTIPHON_SECRET_KEYS: `old:${kPlanted.olderKey}`,
          ANTIPHON_METRICS_TOKEN: kPlanted.metrics,
          FORWARD_USER_INFO_HEADER_JWT_SECRET: kPlanted.forward,
          OPENAI_API_BASE_URLS: `${provider.openaiUrl};${provider.openaiUrl}`,
          OPENAI_API_KEYS: `${kPlanted.openai};${kPlanted.openaiSecond}`,
          OPENAI_API_CONFIGS: JSON.stringify(configs),
          ENABLE_OLLAMA_API: 'true',
          OLLAMA_BASE_URL: provider.url,
          OLLAMA_API_CONFIGS: JSON.stringify({ 0: { key: kPlanted.ollama, headers: { 'X-Team': kPlanted.ollamaHeader } } }),
          ENABLE_API_KEYS: 'true',
          USER_PERMISSIONS_FEATURES_API_KEYS: 'true',
          USER_PERMISSIONS_WORKSPACE_MODELS_ACCESS: 'true',
          USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ACCESS: 'true',
        },
      });
      ({ people, admin, bob, eve } = await makePeople(server));
      await admin.get('/api/models?refresh=true', { expect: 200 });
      await server.user(admin, 'Zoe');
      await admin.post('/api/v1/auths/update/password', { password: 'correct horse 17', new_password: kPlanted.adminPassword }, { expect: 200 });
      await admin.signIn({ email: 'admin@x.io', password: kPlanted.adminPassword });
      people.find((person) => person.name === 'admin').headers = { Authorization: `Bearer ${admin.token}` };
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });
    const tokens = () => people.map((person) => person.headers.Authorization?.slice(7) ?? person.headers['x-api-key']).filter((token) => token && token !== 'a.b.c');

    it('are in no answer of any GET, to nobody but administrators in the editors (row 117, U20)', async () => {
      const inputs = new Inputs(table, admin, provider);
      const things = new Things(bob, admin);
      await admin.post('/api/v1/models/create', { id: 'numbered', name: 'n', meta: {}, params: {}, access_grants: [{ principal_type: 'user', principal_id: '*', permission: 'read' }] });
      const seen = new Set();
      let crawled = 0;
      for (const route of table.routes.filter((one) => one.method === 'GET')) {
        const { path } = await inputs.request(route, things);
        for (const person of people) {
          const reply = await server.client().get(path, { headers: person.headers });
          crawled += 1;
          const headers = JSON.stringify([...reply.headers]);
          for (const [name, secret] of Object.entries(kPlanted)) {
            if (!reply.text.includes(secret) && !headers.includes(secret)) continue;
            const isAdmin = verdict(route, person).in && !isVoid(route, person) && person.role === 'admin' && !person.scope;
            assert.ok(isAdmin && kEditors.has(route.name), `${person.name}: ${route.name} shows the ${name}`);
            seen.add(route.name);
          }
          for (const token of tokens()) {
            if (person.headers.Authorization?.endsWith(token) || person.headers.Cookie?.endsWith(token)) continue;
            assert.ok(!reply.text.includes(token), `${person.name}: ${route.name} shows somebody's token`);
          }
        }
      }
      assert.ok(crawled > 2000, `${crawled} answers`);
      assert.ok(seen.has('GET /openai/config'), 'the planted secrets are real: the editor shows them');
    });

    it('are not what keys, passwords or the sealing key look like in the database (U14)', async () => {
      const { json } = await eve.post('/api/v1/auths/api_keys', { name: 'k' }, { expect: 200 });
      const bytes = await storedBytes(server, databaseUrl);
      assert.ok(bytes.includes('eve@x.io'), 'this is the database');
      for (const token of [json.api_key, ...tokens()]) assert.ok(!bytes.includes(token), 'a key or session token is stored as it is');
      for (const secret of ['pass of Bob 17', kPlanted.adminPassword, kPlanted.key, kPlanted.olderKey]) assert.ok(!bytes.includes(secret), secret);
      await admin.post('/openai/config/update', { OPENAI_API_BASE_URLS: [provider.openaiUrl], OPENAI_API_KEYS: ['saved-by-admin-5c1d'], OPENAI_API_CONFIGS: {} }, { expect: 200 });
      const after = await storedBytes(server, databaseUrl);
      assert.ok(!after.includes('saved-by-admin-5c1d'), 'a saved provider key is sealed');
    });

    it('are in no line of the log, however much it says (row 118)', async () => {
      const bad = server.client();
      await bad.signIn({ email: 'bob@x.io', password: 'typed-wrong-77aa' }, { expect: 400 });
      await bad.signIn({ email: 'typed-as-name-77bb', password: 'x' }, { expect: null });
      await bad.get(`/api/v1/chats/?token=${bob.token}`);
      await bob.post('/api/v1/chats/new', { chat: { title: 'words-of-bob-77cc', history: { messages: {}, currentId: null } } }, { expect: 200 });
      await bob.post('/api/chat/completions', { model: 'numbered', messages: [{ role: 'user', content: 'words-of-bob-77cc [[refuse=500 message="provider says"]]' }] });
      await bob.connect();
      await until(() => server.log.includes('/api/v1/auths/signin'), { what: 'the log, which a thread of its own writes' });
      await sleep(300);
      assert.ok(server.log.split('\n').length > 100, 'the log is being read');
      for (const [name, secret] of Object.entries(kPlanted)) assert.ok(!server.log.includes(secret), `the log holds the ${name}`);
      for (const text of ['typed-wrong-77aa', 'words-of-bob-77cc', 'pass of Bob 17', 'a good pass 17']) assert.ok(!server.log.includes(text), `the log holds "${text}"`);
      for (const token of tokens()) assert.ok(!server.log.includes(token), 'the log holds a token');
    });

    it('and forged lines neither: what people send is escaped in the log (row 119, U3)', async () => {
      const before = server.log.length;
      const forged = '\r\n{"level":"error","message":"forged"}\x1b]0;x\x07\u009b31m';
      await eve.post('/api/v1/auths/update/profile', { name: `E${forged}`, profile_image_url: '/user.png' });
      await server.client().signUp({ name: forged, email: `a@x.io${forged}`, password: 'a good pass 17' }, { expect: null });
      await eve.get(`/api/v1/chats/${encodeURIComponent(`x${forged}`)}`);
      await eve.get('/api/v1/chats/', { headers: { 'User-Agent': 'x\u009b31m', 'X-Request-Id': '{"forged":1}' } });
      const socket = await eve.connect();
      await socket.timeout(500).emitWithAck(`x${forged}`, {}).catch(() => {});
      await sleep(300);
      const said = server.log.slice(before);
      assert.ok(said.length > 0);
      for (const line of said.split('\n').filter(Boolean)) {
        assert.doesNotThrow(() => JSON.parse(line), `not a line of JSON: ${line.slice(0, 200)}`);
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(line, /[\x00-\x1f\x7f\u0080-\u009f]/, line.slice(0, 200));
        assert.notEqual(JSON.parse(line).message, 'forged');
      }
    });
  });
});

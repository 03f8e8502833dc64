// The authorization matrix (regressions.md 1.9): every route the server declares × everybody who may ask × own, foreign and missing things,
// on both databases. Made from `antiphon routes`, so a new route is in it without anybody remembering; what does not follow from a route's
// declaration must be explained in lib/matrix/rules.mjs or inputs.mjs.
// Rows 46–69 where the thing exists, 79, 82, 83, 90, 114.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { Inputs, kindsOf } from '../lib/matrix/inputs.mjs';
import { makePeople, verdict } from '../lib/matrix/people.mjs';
import * as rules from '../lib/matrix/rules.mjs';
import { readTable } from '../lib/matrix/table.mjs';
import { kPrivate, kSecret, missing, Things, worldOf } from '../lib/matrix/world.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

/** Everything on, so that no route is refused because of a switch. */
const kEnv = {
  ANTIPHON_RATE_LIMITS: '0',
  ENABLE_API_KEYS: 'true',
  ENABLE_USER_STATUS: 'true',
  ENABLE_OPENAI_API_PASSTHROUGH: 'true',
  USER_PERMISSIONS_FEATURES_API_KEYS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_ACCESS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_IMPORT: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_EXPORT: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_ALLOW_SHARING: 'true',
  ENABLE_OLLAMA_API: 'true',
  BYPASS_MODEL_ACCESS_CONTROL: 'false',
};

const kAtOnce = 12;
const table = readTable();
const { routes } = table;

/** Runs `act` over all items, a few at once. */
async function forAll(items, act) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await act(items[next++]);
  };
  await Promise.all(Array.from({ length: kAtOnce }, worker));
}

/** What must be equal between a foreign thing and none: ids and times do not count. */
function shape(text, ids) {
  let out = text;
  for (const id of Object.values(ids)) if (id.length > 5) out = out.replaceAll(id, '<thing>');
  return out.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<uuid>').replace(/\d{10,}/g, '<time>').replace(/"id":"[0-9a-zA-Z_-]{16,}"/g, '"id":"<id>"');
}

forEachDatabase((db) => {
  describe('the authorization matrix', () => {
    let provider;
    let server;
    let people;
    let admin;
    let bob;
    let inputs;
    let bobs; //   Bob's things
    let ids; //    … and their ids
    let world;
    let cells = 0;
    const began = performance.now();
    const faults = [];
    const log = process.env.ANTIPHON_MATRIX;

    const send = async (person, method, { path, body }) => {
      cells += 1;
      const reply = await server.client().request(method, path, body, { headers: person.headers });
      if (reply.status >= 500) faults.push(`${person.name}: ${method} ${path}: ${reply.status} ${reply.text.slice(0, 200)}`);
      if (person.owner !== bob && person.role !== 'admin' && reply.text.includes(kSecret)) faults.push(`${person.name}: ${method} ${path} tells of Bob's: ${reply.text.slice(0, 300)}`);
      if (log) appendFileSync(log, `${db.name}\t${person.name}\t${method}\t${path}\t${reply.status}\n`);
      return reply;
    };
    const fault = (text) => faults.push(text);
    const settle = () => {
      const found = faults.splice(0);
      assert.equal(found.length, 0, `${found.length} cells:\n${[...new Set(found)].slice(0, 60).join('\n')}`);
    };
    const named = (name) => people.find((person) => person.name === name);

    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { ...kEnv, OLLAMA_BASE_URL: provider.url } });
      ({ people, admin, bob } = await makePeople(server));
      await admin.get('/api/models?refresh=true', { expect: 200 });
      inputs = new Inputs(table, admin);
      bobs = new Things(bob, admin, kSecret);
      ids = await bobs.all();
      world = await worldOf(bob, ids);
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    it('knows every route: who may call it, what it costs, and what each of its ids names', () => {
      assert.ok(routes.length > 200, `${routes.length} routes`);
      for (const route of routes) {
        assert.ok(route.who && route.cost, route.name);
        kindsOf(route);
        inputs.planted(route, bobs);
      }
    });

    it('shows strangers what is listed and nothing else (row 114)', () => {
      const open = routes.filter((route) => route.who === 'anyone').map((route) => route.name);
      assert.deepEqual(open.filter((name) => !rules.forStrangers.has(name)), []);
      assert.deepEqual([...rules.forStrangers].filter((name) => !open.includes(name)), []);
    });

    it('refuses everybody a route is not for, whatever he names, with the status of its kind', async () => {
      const cellsOfThis = routes.flatMap((route) => people.map((person) => ({ route, person }))).filter(({ route, person }) => !verdict(route, person).in);
      await forAll(cellsOfThis, async ({ route, person }) => {
        const reply = await send(person, route.method, await inputs.request(route, bobs));
        const { status } = verdict(route, person);
        if (reply.status !== status) fault(`${person.name}: ${route.name}: ${reply.status} instead of ${status}: ${reply.text.slice(0, 120)}`);
        if (typeof reply.json?.detail !== 'string' || Object.keys(reply.json).length !== 1) fault(`${person.name}: ${route.name}: says ${reply.text.slice(0, 120)}`);
      });
      settle();
      assert.equal(await worldOf(bob, ids), world);
    });

    it("answers for somebody else's thing as for none, and leaves it as it was", async () => {
      const before = provider.calls.length;
      const others = ['other user', "other user's key"].map(named);
      const cellsOfThis = routes.filter((route) => inputs.privateKinds(route, kPrivate).length).flatMap((route) => others.map((person) => ({ route, person })));
      await forAll(cellsOfThis, async ({ route, person }) => {
        if (!verdict(route, person).in) return;
        const foreign = await send(person, route.method, await inputs.request(route, bobs));
        const none = await send(person, route.method, await inputs.request(route, { id: (kind) => missing[kind] }));
        if (foreign.status !== none.status || shape(foreign.text, ids) !== shape(none.text, missing)) {
          fault(`${person.name}: ${route.name}: foreign ${foreign.status} ${foreign.text.slice(0, 150)} — none ${none.status} ${none.text.slice(0, 150)}`);
        }
        const expected = rules.foreignIs[route.name]?.[0] ?? [401, 403, 404];
        if (![expected].flat().includes(foreign.status)) fault(`${person.name}: ${route.name}: a foreign thing is ${foreign.status} ${foreign.text.slice(0, 150)}`);
      });
      settle();
      assert.equal(await worldOf(bob, ids), world);
      const told = provider.calls.slice(before).filter((call) => JSON.stringify(call.body).includes(kSecret));
      assert.deepEqual(told, [], 'no provider heard of Bob');
    });
  });
});

// The authorization matrix (regressions.md 1.9): every route the server declares × everybody who may ask × own, foreign and missing things,
// on both databases. Made from `antiphon routes`, so a new route is in it without anybody remembering; what does not follow from a route's
// declaration must be explained in lib/matrix/rules.mjs or inputs.mjs.
// Rows 58, 59, 64, 65, 66, 67, 69, 82, 83, 90, 114.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { Inputs, kindsOf } from '../lib/matrix/inputs.mjs';
import { isVoid, makePeople, verdict } from '../lib/matrix/people.mjs';
import * as rules from '../lib/matrix/rules.mjs';
import { readTable } from '../lib/matrix/table.mjs';
import { kPrivate, kSecret, nothings, Things, worldOf } from '../lib/matrix/world.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

/** Everything on, so that no route is refused because of a switch. */
const kEnv = {
  ANTIPHON_RATE_LIMITS: '0',
  ENABLE_API_KEYS: 'true',
  ENABLE_USER_STATUS: 'true',
  ENABLE_OPENAI_API_PASSTHROUGH: 'true',
  USER_PERMISSIONS_FEATURES_API_KEYS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_ACCESS: 'true',
  USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ACCESS: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_IMPORT: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_EXPORT: 'true',
  USER_PERMISSIONS_WORKSPACE_MODELS_ALLOW_SHARING: 'true',
  ENABLE_OLLAMA_API: 'true',
  ENABLE_AUTOCOMPLETE_GENERATION: 'true',
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

/** What must be equal between a foreign thing and none: ids, times, serials and the order of members do not count. */
function shape(text, ids) {
  let out = text;
  for (const id of Object.values(ids)) if (id.includes('-')) out = out.replaceAll(id, '<thing>');
  out = out
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<uuid>')
    .replace(/\d{10,}/g, '0')
    .replace(/chatcmpl-\d+|msg_[0-9a-f]+/g, '<id>')
    .replace(/#\d+ t0/g, '#n t0');
  const ordered = (value) => {
    if (Array.isArray(value)) return value.map(ordered);
    if (value === null || typeof value !== 'object') return value;
    return Object.entries(value).map(([key, inner]) => JSON.stringify([key.replace(/^<uuid>\d+$/, '<uuid>'), ordered(inner)])).sort();
  };
  // Messages are keyed by their ids, which are all <uuid> by now: numbered, so that JSON keeps them apart.
  let number = 0;
  try {
    return JSON.stringify(ordered(JSON.parse(out.replace(/"<uuid>":/g, () => `"<uuid>${number++}":`))));
  } catch {
    return out;
  }
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
    let live; //   an answer of his that is being written
    let cells = 0;
    let began;
    const faults = [];
    const log = process.env.ANTIPHON_MATRIX;

    const send = async (person, method, { path, body }) => {
      cells += 1;
      const reply = await server.client().request(method, path, body, { headers: person.headers });
      if (reply.status >= 500) {
        await sleep(100); // The log is written by a thread of its own.
        const why = server.log.split('\n').findLast((line) => line.includes('not served') || line.includes('request failed'));
        fault(person.name, `${method} ${path}: ${reply.status} ${reply.text.slice(0, 200)} ${why}`);
      }
      if (person.owner !== bob && person.role !== 'admin' && reply.text.includes(kSecret)) fault(person.name, `${method} ${path} tells of Bob's: ${reply.text.slice(0, 300)}`);
      if (log) appendFileSync(log, `${db.name}\t${person.name}\t${method}\t${path}\t${reply.status}\n`);
      return reply;
    };
    const fault = (who, text) => faults.push({ who, text });
    const compare = (who, what, foreign, none) => {
      const [a, b] = [foreign, none].map(({ reply, ids: named }) => `${reply.status} ${shape(reply.text, named)}`);
      const at = [...a].findIndex((c, i) => c !== b[i]);
      if (a !== b) fault(who, `${what}: foreign ${a.slice(0, 4)}…${a.slice(Math.max(4, at - 20), at + 150)} — none ${b.slice(0, 4)}…${b.slice(Math.max(4, at - 20), at + 150)}`);
    };
    const settle = () => {
      const found = new Map();
      for (const { who, text } of faults.splice(0)) found.set(text, [...(found.get(text) ?? []), who]);
      const lines = [...found].map(([text, all]) => `${text} [${all.join(', ')}]`);
      assert.equal(lines.length, 0, `${lines.length} faults:\n${lines.slice(0, 80).join('\n')}`);
    };
    const named = (name) => people.find((person) => person.name === name);

    /** Bob's is as it was, his answer goes on, and no provider was told of his. */
    const unharmed = async (before) => {
      assert.equal(await worldOf(bob, ids), world);
      assert.equal(live.cancelled, false, 'his answer goes on (row 59)');
      await live.tokens(readTokens(live.text).count + 3);
      const told = provider.calls.slice(before).filter((call) => JSON.stringify(call.body).includes(kSecret));
      assert.deepEqual(told, [], 'no provider heard of Bob');
    };

    /** What comes for a private thing that is not there for this person: the same as for none. */
    const looksLikeNone = async (route, person, things) => {
      const nobodys = nothings();
      const foreign = await send(person, route.method, await inputs.request(route, things));
      const none = await send(person, route.method, await inputs.request(route, nobodys));
      compare(person.name, route.name, { reply: foreign, ids: things.ids }, { reply: none, ids: nobodys.ids });
      const expected = [rules.foreignIs[route.name]?.[0] ?? [401, 403, 404]].flat();
      if (!expected.includes(foreign.status)) fault(person.name, `${route.name}: a foreign thing is ${foreign.status} ${foreign.text.slice(0, 150)}`);
    };

    const served = async (route, person, things) => {
      const reply = await send(person, route.method, await inputs.request(route, things));
      const [expected, why] = rules.outcome(route, person) ?? [200, ''];
      if (![expected].flat().includes(reply.status)) fault(person.name, `${route.name}: ${reply.status} instead of ${expected} (${why}): ${reply.text.slice(0, 200)}`);
    };

    /** Cells of somebody who may: with things of his own; an administrator also with a user's. */
    const serve = async (route, person) => {
      const kinds = inputs.privateKinds(route, kPrivate);
      const owner = person.role === 'pending' || isVoid(route, person) ? null : person.owner;
      if (rules.endsSession.has(route.name) && person.via === 'session' && person.owner) {
        const { standIn, password } = await standInFor(person);
        return served(route, standIn, Object.assign(new Things(owner, admin), { password }));
      }
      if (kinds.length && !owner) return looksLikeNone(route, person, bobs);
      await served(route, person, new Things(owner ?? bob, admin));
      if (!kinds.length || person.role !== 'admin' || person.scope) return undefined;
      const ofBob = new Things(bob, admin);
      const may = rules.adminMay[route.name]?.[0] ?? kinds.every((kind) => rules.forAdmins.has(kind));
      return may ? served(route, person, ofBob) : looksLikeNone(route, person, ofBob);
    };

    /** Somebody new of the same role who comes in the same way. */
    const standInFor = async (person) => {
      const name = `s${cells}`;
      const client = await server.user(admin, name, person.role);
      const headers = person.cookie ? { ...person.headers, Cookie: `token=${client.token}` } : { Authorization: `Bearer ${client.token}` };
      return { standIn: { ...person, owner: client, headers }, password: `pass of ${name} 17` };
    };

    /** Models of servers are administrators' until they are given to others. */
    const publish = (id) =>
      admin.post('/api/v1/models/create', { id, name: id, meta: {}, params: {}, access_grants: [{ principal_type: 'user', principal_id: '*', permission: 'read' }] }, { expect: 200 });

    before(async () => {
      began = performance.now();
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { ...kEnv, OLLAMA_BASE_URL: provider.url } });
      ({ people, admin, bob } = await makePeople(server));
      await admin.post('/api/v1/configs/settings', { changes: { 'ui.enable_signup': true } }, { expect: 200 });
      for (const model of ['numbered', 'pebble:1b']) await publish(model);
      await admin.get('/api/models?refresh=true', { expect: 200 });
      inputs = new Inputs(table, admin, provider);
      bobs = new Things(bob, admin, kSecret);
      live = await bob.send(`${kSecret} [[tokens=9999 delay=20]]`, { socket: await bob.connect() });
      await live.tokens(1);
      Object.assign(bobs.ids, { chat: live.chatId, message: live.messageId });
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
        inputs.planted(route, () => bobs);
      }
    });

    it('shows strangers what is listed and nothing else (row 114)', () => {
      const open = routes.filter((route) => route.who === 'anyone').map((route) => route.name);
      assert.deepEqual(open.filter((name) => !rules.forStrangers.has(name)), []);
      assert.deepEqual([...rules.forStrangers].filter((name) => !open.includes(name)), []);
    });

    it('refuses everybody a route is not for, whatever he names, with the status of its kind', async () => {
      const before = provider.calls.length;
      const cellsOfThis = routes.flatMap((route) => people.map((person) => ({ route, person }))).filter(({ route, person }) => !verdict(route, person).in);
      await forAll(cellsOfThis, async ({ route, person }) => {
        const reply = await send(person, route.method, await inputs.request(route, bobs));
        const { status } = verdict(route, person);
        if (reply.status !== status) fault(person.name, `${route.name}: ${reply.status} instead of ${status}: ${reply.text.slice(0, 120)}`);
        if (typeof reply.json?.detail !== 'string' || Object.keys(reply.json).length !== 1) fault(person.name, `${route.name}: says ${reply.text.slice(0, 120)}`);
      });
      settle();
      await unharmed(before);
    });

    it("answers for somebody else's thing as for none, and leaves it as it was", async () => {
      const before = provider.calls.length;
      const others = ['other user', "other user's key"].map(named);
      const cellsOfThis = routes.filter((route) => inputs.privateKinds(route, kPrivate).length).flatMap((route) => others.map((person) => ({ route, person })));
      await forAll(cellsOfThis, async ({ route, person }) => {
        if (verdict(route, person).in) await looksLikeNone(route, person, bobs);
      });
      settle();
      await unharmed(before);
    });

    it("takes no thing of somebody else's by way of a query or a body", async () => {
      const before = provider.calls.length;
      const eve = named('other user');
      const mine = () => new Things(eve.owner, admin);
      const all = routes.filter((route) => verdict(route, eve).in).flatMap((route) => inputs.planted(route, mine).map((planted) => ({ route, planted })));
      assert.ok(all.length > 60, `${all.length} members that name things`);
      await forAll(all, async ({ route, planted: { what, kind, put } }) => {
        const nobodys = nothings();
        const foreign = await send(eve, route.method, await put(ids));
        const none = await send(eve, route.method, await put(nobodys.ids));
        const name = `${route.name} ${what}`;
        if (kPrivate.has(kind) && !rules.tells[name]) compare(eve.name, name, { reply: foreign, ids }, { reply: none, ids: nobodys.ids });
      });
      settle();
      await unharmed(before);
    });

    it('stopped nothing that was going on', () => bob.stop(live.chatId));

    it('serves everybody a route is for, with his own things', async () => {
      const isLast = (route) => rules.comesLast.has(route.name);
      for (const route of [...routes.filter((one) => !isLast(one)), ...routes.filter(isLast)]) {
        for (const person of people.filter((one) => verdict(route, one).in)) await serve(route, person);
      }
      settle();
      const seconds = (performance.now() - began) / 1000;
      process.stdout.write(`matrix ${db.title}: ${routes.length} routes, ${people.length} people, ${cells} cells in ${seconds.toFixed(1)} s\n`);
      assert.ok(cells > 6000, `${cells} cells`);
    });
  });
});

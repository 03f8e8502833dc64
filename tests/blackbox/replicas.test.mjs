// Several replicas on one PostgreSQL: whoever is asked, all know. The laboratory in tests/faults goes further.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sharedPostgres } from '../lib/postgres.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

describe('replicas of one database', () => {
  let provider;
  let url;
  let a;
  let b;
  let admin;

  const replica = (more = {}) => startServer({ provider, env: { DATABASE_URL: url, ...more } });
  /** The same account, speaking to another replica. */
  function at(server, who = admin) {
    const client = server.client();
    client.token = who.token;
    client.user = who.user;
    return client;
  }
  const acquainted = (...servers) =>
    until(async () => {
      const nodes = await (await sharedPostgres()).query(url, 'SELECT count(*)::int AS n FROM node WHERE session_key IS NOT NULL');
      return nodes[0].n >= servers.length;
    }, { what: 'the replicas know of one another' });

  before(async () => {
    provider = await startProvider();
    url = await (await sharedPostgres()).createDatabase();
    a = await replica();
    b = await replica();
    admin = await a.admin();
    await acquainted(a, b);
  });
  after(async () => {
    await a?.close();
    await b?.close();
    await provider?.stop();
  });

  for (const transports of [['websocket'], ['polling']])
    it(`an answer written by one is streamed by another, by ${transports}`, async () => {
      const socket = await at(b).connect({ transports });
      const turn = await admin.ask('[[tokens=40 delay=10]]', { socket });
      turn.checkTokens(40);
      await until(() => socket.seen.some((event) => event.data?.type === 'chat:title'), { what: 'the title' });
    });

  it('who comes in the middle of an answer of another replica sees all of it', async () => {
    const first = await at(b).connect();
    const turn = await admin.begin('[[tokens=60 delay=40]]', { socket: first });
    await turn.tokens(10);
    const late = await at(b).connect({ forceNew: true });
    const follow = admin.follow(turn, late);
    await turn.done();
    await follow.done();
    assert.equal(follow.text, turn.text);
  });

  it('a client that is cut off goes on at another replica, token for token', async () => {
    const socket = await at(a).connect();
    const turn = await admin.begin('[[tokens=80 delay=40]]', { socket });
    await turn.tokens(15);
    socket.io.uri = b.url;
    socket.io.engine.close();
    await turn.done();
    assert.equal(socket.recovered, true);
    turn.checkTokens(80);
  });

  it('a stop reaches the replica that writes', async () => {
    const socket = await at(b).connect();
    const turn = await admin.begin('[[tokens=2000 delay=20]]', { socket });
    await turn.tokens(5);
    const reply = await at(b).call('POST', `/api/tasks/stop/${turn.taskIds[0]}`);
    assert.equal(reply.status, 200, reply.text);
    await turn.done();
    assert.equal(turn.cancelled, true);
    await until(() => provider.open === 0, { what: "the provider's connection is closed" });
  });

  it('what is signed out at one is signed out at all, sockets included', async () => {
    const user = await a.user(admin);
    const there = at(b, user);
    const socket = await there.connect({ reconnection: false });
    assert.equal((await there.call('GET', '/api/v1/auths/')).status, 200);
    await user.call('GET', '/api/v1/auths/signout');
    await until(async () => (await there.call('GET', '/api/v1/auths/')).status === 401, { what: 'refused there' });
    await until(() => socket.disconnected, { what: 'its socket is closed' });
  });

  it('a setting changed at one counts at all', async () => {
    const settings = (await admin.call('GET', '/api/v1/auths/admin/config')).json;
    const changed = { ...settings, WEBUI_URL: 'https://chat.example' };
    assert.equal((await admin.call('POST', '/api/v1/auths/admin/config', changed)).status, 200);
    await until(async () => (await at(b).call('GET', '/api/v1/auths/admin/config')).json.WEBUI_URL === 'https://chat.example', { what: 'it is known there' });
  });

  it('an answer whose replica is killed is closed by another, with every word that was seen', async () => {
    const c = await replica();
    await acquainted(a, b, c);
    const socket = await at(b).connect();
    const turn = await at(c).begin('[[tokens=500 delay=30]]', { socket });
    await turn.tokens(12);
    await c.kill();
    await turn.done();
    assert.match(turn.error.content ?? turn.error, /Continue/);
    const seen = turn.checkTokens();
    const chat = (await admin.call('GET', `/api/v1/chats/${turn.chatId}`)).json;
    assert.equal(chat.chat.history.messages[turn.messageId].content, turn.text);
    assert.ok(seen.count >= 12);
    await c.close();
  });

  it('a replica that ends hands over what it writes, and new answers begin elsewhere', async () => {
    const c = await replica({ ANTIPHON_DRAIN_SECONDS: '2' });
    await acquainted(a, b, c);
    const socket = await at(b).connect();
    const turn = await at(c).begin('[[tokens=500 delay=30]]', { socket });
    await turn.tokens(3);
    const ended = c.terminate();
    await until(() => c.log.includes('Stopping'), { what: 'it stops' });
    const fresh = await at(c).ask('[[tokens=200 delay=30]]', { socket });
    fresh.checkTokens(200);
    await turn.done();
    turn.checkTokens();
    await ended;
    await c.close();
  });
});

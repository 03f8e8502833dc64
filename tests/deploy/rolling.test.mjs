// Three replicas on one PostgreSQL behind nginx and HAProxy, round robin, no affinity: what works through them, and what is
// noticed while every replica is replaced. Live events across replicas are tested elsewhere.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from '../lib/client.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { proxies } from '../lib/proxies.mjs';
import { adminAccount, makeServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

// The certificate is made here, and it is not what is tested.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

const trusting = { rejectUnauthorized: false };
const kDelaySeconds = 5; // As the files of deploy/ say.
const kLoad = 4; //         callers at once, for each proxy

const kBetween = 50; //    requests at least, from one replacement to the next

let provider;
let replicas = [];
const running = {};

before(async () => {
  provider = await startProvider();
  const databaseUrl = (await sharedPostgres()).createDatabase();
  const env = { ANTIPHON_DRAIN_DELAY_SECONDS: String(kDelaySeconds), ANTIPHON_RATE_LIMITS: '0', ANTIPHON_METRICS_PUBLIC: 'true' };
  replicas = [];
  for (let i = 0; i < 3; i += 1) {
    const replica = await makeServer({ provider, databaseUrl, env });
    replica.env.ANTIPHON_ADVERTISE_URL = replica.url;
    replicas.push(await replica.start());
  }
  for (const [name, make] of Object.entries(proxies)) running[name] = await (await make(replicas.map((one) => one.port))).start();
  await replicas[0].admin();
});

after(async () => {
  for (const proxy of Object.values(running)) await proxy.close();
  for (const replica of replicas) await replica.close();
  await provider?.stop();
});

const clients = [];
after(() => clients.forEach((one) => one.close()));

async function signedIn(name) {
  const client = new Client(running[name].url);
  clients.push(client);
  client.cookies = (await client.post('/api/v1/auths/signin', adminAccount, { expect: 200 })).headers.getSetCookie();
  await client.signIn(adminAccount);
  return client;
}

/** How many lists of chats a replica has given. */
async function listsOf(replica) {
  const text = await (await fetch(`${replica.url}/metrics`)).text();
  return Number(/^antiphon_http_request_seconds_count\{route="GET \/api\/v1\/chats\/?"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Calls again and again until `ended`, telling `each`; gives those that failed. */
async function load(client, ended, each) {
  const calls = [
    () => client.get('/api/v1/chats/'),
    () => client.post('/api/v1/chats/new', { chat: { title: 'made while rolling', history: { messages: {}, currentId: null } } }),
    () => client.get('/api/config'),
  ];
  const failed = [];
  let count = 0;
  while (!ended()) {
    const reply = await calls[count % calls.length]().catch((error) => ({ status: String(error.cause ?? error) }));
    if (reply.status !== 200) failed.push(`${count % calls.length}: ${reply.status} ${reply.text ?? ''}`.slice(0, 200));
    count += 1;
    each();
  }
  return failed;
}

for (const name of Object.keys(proxies)) {
  describe(`behind ${name}`, () => {
    it('plain HTTP is sent to HTTPS', async () => {
      const reply = await fetch(`http://127.0.0.1:${running[name].plainPort}/c/x?y=1`, { redirect: 'manual' });
      assert.equal(reply.status, 301);
      assert.match(reply.headers.get('location'), /^https:.*\/c\/x\?y=1$/);
    });

    it('a sign-in at one counts at all, and its cookie is for HTTPS only', async () => {
      const client = await signedIn(name);
      assert.match(client.cookies.join('\n'), /token=.*;\s*Secure/i);
      const before = await Promise.all(replicas.map(listsOf));
      const kLists = 30;
      for (let i = 0; i < kLists; i += 1) await client.get('/api/v1/chats/', { expect: 200 });
      const after = await Promise.all(replicas.map(listsOf));
      const shares = after.map((count, i) => count - before[i]);
      assert.equal(
        shares.reduce((a, b) => a + b),
        kLists,
      );
      for (const share of shares) assert.ok(share >= kLists / 3 - 3, `round robin: ${shares}`);
    });

    it('pages of its own address may write, and those of others not', async () => {
      const client = await signedIn(name);
      const cookie = client.cookies.map((one) => one.split(';')[0]).join('; ');
      const write = (origin) => client.post('/api/v1/chats/new', { chat: {} }, { token: null, headers: { Cookie: cookie, Origin: origin } });
      assert.equal((await write(running[name].url)).status, 200);
      assert.equal((await write('https://elsewhere.example')).status, 403);
    });

    for (const transport of ['websocket', 'polling']) {
      it(`sockets connect by ${transport}, at every replica`, async () => {
        const client = await signedIn(name);
        for (let i = 0; i < 6; i += 1) {
          const socket = await client.connect({ transports: [transport], reconnection: false, ...trusting });
          assert.ok(socket.connected);
        }
      });
    }

    it('tokens leave as they come: the first ones are here while the model is silent', async () => {
      const client = await signedIn(name);
      const stop = new AbortController();
      const body = { model: 'numbered', stream: true, messages: [{ role: 'user', content: '[[stall=10]]' }] };
      const reply = await fetch(`${client.url}/api/chat/completions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: stop.signal,
      });
      assert.equal(reply.status, 200);
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      await until(async () => (text += (await reader.read()).value ?? '') && text.includes('t9'), { what: 'the tenth token', every: 0 });
      assert.doesNotMatch(text, /\[DONE\]/);
      stop.abort();
      await reader.cancel().catch(() => {});
    });
  });
}

describe('replacing every replica, one after another, under load', () => {
  it('no request fails, and sockets are connected in the end', async (t) => {
    let ended = false;
    let count = 0;
    const loads = [];
    const sockets = [];
    for (const name of Object.keys(proxies)) {
      const client = await signedIn(name);
      for (let i = 0; i < 3; i += 1) sockets.push(await client.connect(trusting));
      for (let i = 0; i < kLoad; i += 1) loads.push(
          load(
            client,
            () => ended,
            () => (count += 1),
          ),
        );
    }
    const connections = sockets.map(() => 1);
    sockets.forEach((socket, i) => socket.on('connect', () => (connections[i] += 1)));

    try {
      for (const replica of replicas) {
        const enough = count + kBetween;
        await until(() => count >= enough, { ms: 60_000, what: 'requests between two replacements' });
        assert.deepEqual(await replica.terminate(90_000), { code: 0, signal: null });
        await replica.start();
      }
    } finally {
      ended = true;
    }

    const failed = (await Promise.all(loads)).flat();
    await until(() => sockets.every((socket) => socket.connected), { what: 'every socket is connected' });
    t.diagnostic(`${count} requests, ${failed.length} failed; sockets connected ${connections.join(', ')} times`);
    assert.deepEqual(failed, []);
    for (const replica of replicas) assert.equal(replica.starts, 2);
    for (const one of connections) assert.ok(one > 1, 'each socket had to move');
  });
});

// What the proxies of deploy/ send again: a request that never left; never a POST that did.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { freePort } from '../lib/ports.mjs';
import { proxies } from '../lib/proxies.mjs';

// The certificate is made here, and it is not what is tested.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

/** A replica that says it is ready, and does `work` with everything else; `seen` counts what arrived. */
async function replica(work) {
  const seen = { GET: 0, POST: 0 };
  const server = createServer((request, response) => {
    if (request.url === '/ready') return response.end('{"status":true}');
    seen[request.method] += 1;
    request.resume().once('end', () => work(request, response));
  });
  const port = await freePort();
  await new Promise((settle) => server.listen(port, '127.0.0.1', settle));
  return { port, seen, close: () => (server.closeAllConnections(), new Promise((settle) => server.close(settle))) };
}

const dies = (request) => request.socket.destroy();
const answers = (request, response) => response.end('answered');

async function ask(proxy, method, path = '/') {
  const body = method === 'POST' ? '{"n":1}' : undefined;
  const reply = await fetch(proxy.url + path, { method, body });
  return { status: reply.status, text: await reply.text() };
}

/** Replicas that do these `works`, `unreachable` more where nobody listens, and the proxy before them; all end with `use`. */
async function behind(make, works, unreachable, use) {
  const replicas = await Promise.all(works.map(replica));
  let proxy;
  try {
    const nobody = await Promise.all(Array.from({ length: unreachable }, freePort));
    proxy = await make([...replicas.map((one) => one.port), ...nobody]);
    await proxy.start();
    await use(proxy, replicas);
  } finally {
    await proxy?.close();
    for (const one of replicas) await one.close();
  }
}

for (const [name, make] of Object.entries(proxies)) {
  describe(`${name} with the file of deploy/`, () => {
    it('sends a POST once, though its replica dies of it', () =>
      behind(make, [dies, dies, dies], 0, async (proxy, replicas) => {
        assert.equal((await ask(proxy, 'POST')).status, 502);
        assert.equal(
          replicas.reduce((sum, one) => sum + one.seen.POST, 0),
          1,
        );
      }));

    it('has every request answered when two of three cannot be reached, POSTs too, each sent once', () =>
      behind(make, [answers], 2, async (proxy, [only]) => {
        const kEach = 12;
        for (let i = 0; i < kEach; i += 1) {
          for (const method of ['GET', 'POST']) assert.deepEqual(await ask(proxy, method), { status: 200, text: 'answered' });
        }
        assert.deepEqual(only.seen, { GET: kEach, POST: kEach });
      }));
  });
}

it('nginx asks another replica when a GET was lost with its replica', () =>
  behind(proxies.nginx, [dies, answers, answers], 0, async (proxy, [lost]) => {
    for (let i = 0; i < 6; i += 1) assert.equal((await ask(proxy, 'GET')).status, 200);
    assert.ok(lost.seen.GET > 0, 'one was lost there');
  }));

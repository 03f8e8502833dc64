// The nginx of deploy/docker, which knows its replicas from DNS alone: here with a DNS of ours that names who runs.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { freePort } from '../lib/ports.mjs';
import { makeDockerNginx } from '../lib/proxies.mjs';
import { until } from '../lib/until.mjs';

/** Answers every question with these addresses, for one second. */
async function startDns(addresses) {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5; // name, its closing 0, type and class
    const head = Buffer.from(question.subarray(0, end));
    head.writeUInt16BE(0x8180, 2); // an answer without error
    head.writeUInt16BE(addresses.length, 6);
    head.writeUInt32BE(0, 8);
    const records = addresses.map((address) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]));
    socket.send(Buffer.concat([head, ...records]), from.port, from.address);
  });
  const port = await freePort();
  // The claim of freePort is a UDP port on 127.0.0.1.
  await new Promise((settle) => socket.bind(port, '127.0.0.9', settle));
  return { address: `127.0.0.9:${port}`, addresses, close: () => socket.close() };
}

async function replica(address, port) {
  const server = createServer((request, response) => response.end(`${address} ${request.url}`));
  await new Promise((settle) => server.listen(port, address, settle));
  return { address, close: () => (server.closeAllConnections(), new Promise((settle) => server.close(settle))) };
}

it('finds replicas that come, and nobody notices those that go', async () => {
  const port = await freePort();
  const dns = await startDns(['127.0.0.1', '127.0.0.2']);
  const replicas = await Promise.all(['127.0.0.1', '127.0.0.2'].map((address) => replica(address, port)));
  const nginx = await makeDockerNginx({ resolver: dns.address, port });
  try {
    await nginx.start();
    const ask = async (method) => {
      const reply = await fetch(`${nginx.url}/a%20b?c=%2F`, { method, body: method === 'POST' ? 'x' : undefined });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      const [address, url] = text.split(' ');
      assert.equal(url, '/a%20b?c=%2F');
      return address;
    };
    const seen = new Set();
    const see = (address) => until(async () => seen.add(await ask('GET')) && seen.has(address), { what: `${address} answers` });
    await see('127.0.0.1');
    await see('127.0.0.2');

    replicas.push(await replica('127.0.0.3', port));
    dns.addresses.push('127.0.0.3');
    await see('127.0.0.3');

    // It is gone, and DNS does not know yet.
    await replicas.shift().close();
    for (let i = 0; i < 30; i += 1) assert.notEqual(await ask(i % 2 ? 'POST' : 'GET'), '127.0.0.1');
  } finally {
    await nginx.close();
    for (const one of replicas) await one.close();
    dns.close();
  }
});

// The harness itself, as far as it works without the server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../lib/ports.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { raw, request, statuses } from '../lib/raw.mjs';
import { readTokens, tokenText } from '../lib/tokens.mjs';
import { Turn } from '../lib/turn.mjs';

describe('numbered texts', () => {
  it('are accepted only when whole', () => {
    assert.deepEqual(readTokens(tokenText(17, 3)), { serial: 17, count: 3 });
    assert.throws(() => readTokens('#17 t0 t2'), /token 2 stands at place 1/);
    assert.throws(() => readTokens('#17 t0 t1 t1'), /token 1 stands at place 2/);
    assert.throws(() => readTokens('#17 t0#18 t1'), /not a numbered text/);
    assert.throws(() => readTokens(''), /not a numbered text/);
  });
});

describe('a turn', () => {
  /** A socket that tells what a test wants it to tell. */
  function fakeTurn() {
    let listener;
    const turn = new Turn({ socket: { on: (_, call) => (listener = call) }, userId: 'u', messageId: 'm' });
    const tell = (type, data, messageId = 'm') => listener({ chat_id: 'c', message_id: messageId, data: { type, data } });
    const delta = (text, more = {}) =>
      tell('response:completion', { type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta: text, ...more });
    return { turn, tell, delta };
  }

  it('rebuilds the text from deltas and ignores other messages', () => {
    const { turn, tell, delta } = fakeTurn();
    delta('#1 t0');
    tell('response:completion', { type: 'response.output_text.delta', item_id: 'i', output_index: 0, delta: 'x' }, 'other');
    delta(' t1');
    assert.deepEqual(turn.checkTokens(2), { serial: 1, count: 2 });
  });

  it('notices a token that the deltas had twice although the end is right', () => {
    const { turn, tell, delta } = fakeTurn();
    for (const text of ['#1 t0', ' t1', ' t1']) delta(text);
    tell('chat:completion', { done: true, output: [{ type: 'message', id: 'i', content: [{ type: 'output_text', text: '#1 t0 t1' }] }] });
    assert.equal(turn.text, '#1 t0 t1');
    assert.throws(() => turn.checkTokens(2), /token 1 stands at place 2/);
  });

  it('notices an end that differs from the deltas', () => {
    const { turn, tell, delta } = fakeTurn();
    delta('#1 t0');
    tell('chat:completion', { done: true, output: [{ type: 'message', id: 'i', content: [{ type: 'output_text', text: '#1 t0 t1' }] }] });
    assert.throws(() => turn.checkTokens(), /the final state is what the deltas said/);
  });

  it('keeps reasoning apart from text, also when the item was announced empty', () => {
    const { turn, tell, delta } = fakeTurn();
    tell('response:completion', { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'r', content: [] } });
    tell('response:completion', { type: 'response.reasoning_text.delta', item_id: 'r', output_index: 0, content_index: 0, delta: 'why' });
    delta('#1 t0', { item_id: 'i', output_index: 1 });
    assert.equal(turn.reasoning, 'why');
    assert.equal(turn.text, '#1 t0');
  });
});

describe('ports', () => {
  /** freePort() when chance names these, one after the other. */
  async function drawn(...ports) {
    const { random } = Math;
    Math.random = () => (ports.length ? (ports.shift() - 12_000 + 0.5) / 15_000 : random());
    try {
      return await freePort();
    } finally {
      Math.random = random;
    }
  }

  it('that are in use are passed over', async () => {
    const taken = await freePort();
    const server = createServer().listen(taken, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    const other = spawn(process.execPath, ['-e', `require('node:dgram').createSocket('udp4').bind(${taken + 1}, '127.0.0.1', () => console.log('bound'))`]);
    await new Promise((ready) => other.stdout.once('data', ready));
    try {
      const got = await drawn(taken, taken + 1, taken);
      assert.ok(![taken, taken + 1].includes(got), `${got}`);
    } finally {
      server.close();
      other.kill();
    }
  });

  it('are no two processes\' own', async () => {
    const code = `import { freePort } from ${JSON.stringify(new URL('../lib/ports.mjs', import.meta.url).href)};
      for (let i = 0; i < 100; i += 1) console.log(await freePort());
      process.stdin.resume().on('end', () => process.exit());`;
    const children = Array.from({ length: 3 }, () => spawn(process.execPath, ['--input-type=module', '-e', code]));
    const claimed = await Promise.all(children.map((child) => new Promise((settle) => {
      let text = '';
      child.stdout.on('data', (data) => {
        text += data;
        if (text.trim().split('\n').length === 100) settle(text.trim().split('\n'));
      });
      child.once('exit', () => settle([]));
    })));
    await Promise.all(children.map((child) => new Promise((settle) => child.once('exit', settle).stdin.end())));
    assert.equal(claimed.flat().length, 300);
    assert.equal(new Set(claimed.flat()).size, 300);
  });
});

describe('raw requests', () => {
  let server;
  let port;
  before(async () => {
    port = await freePort();
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
        if (data.includes('close')) socket.end();
      });
    });
    await new Promise((ready) => server.listen(port, '127.0.0.1', ready));
  });
  after(() => server.close());

  it('tell what came back and whether the server closed', async () => {
    const closed = await raw(port, request('/close'));
    assert.deepEqual([statuses(closed.text), closed.closed], [[400], true]);
    const open = await raw(port, request('/'), { ms: 100 });
    assert.deepEqual([statuses(open.text), open.closed], [[400], false]);
  });
});

describe('PostgreSQL of our own', () => {
  it('gives every caller an empty database', async () => {
    const cluster = await sharedPostgres();
    const names = [cluster.createDatabase(), cluster.createDatabase()].map((url) => new URL(url).pathname.slice(1));
    assert.notEqual(names[0], names[1]);
    cluster.sql(names[0], 'CREATE TABLE here (a int)');
    assert.equal(cluster.sql(names[1], "SELECT count(*) FROM pg_tables WHERE tablename = 'here'"), '0');
  });
});

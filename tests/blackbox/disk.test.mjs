// SQLite and the disk below it: full, foreign, in use by another process.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { canMount, foreignDisk, smallDisk } from '../lib/disk.mjs';
import { makeServer, startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kFull = /disk.*full/i;
const skip = !canMount && 'mounting needs root or user namespaces';

describe('a full disk', { skip }, () => {
  let disk;
  let provider;
  let server;
  let admin;
  before(async () => {
    disk = await smallDisk(24);
    provider = await startProvider();
    server = await startServer({ provider, dataDir: disk.folder, wrap: disk.wrap });
    admin = await server.admin();
  });
  afterEach(() => disk.makeRoom());
  after(async () => {
    await server?.close();
    await disk?.stop();
    await provider?.stop();
  });

  /** Edits until one is refused; gives the refusal and the last title that was accepted. */
  async function editUntilRefused(chatId) {
    let title = null;
    for (let i = 0; i < 400; i += 1) {
      const next = `Title ${i}`;
      const reply = await admin.post(`/api/v1/chats/${chatId}`, { chat: { title: next, params: { note: 'x'.repeat(100_000) } } });
      if (reply.status !== 200) return { reply, title };
      title = next;
    }
    return assert.fail('400 writes of 100 kB went to a full disk');
  }

  it('is named in a refusal, stops no reader, and is over as soon as there is room', async () => {
    const socket = await admin.connect();
    const first = await admin.ask('[[tokens=10]]', { socket });
    disk.fill();
    const { reply, title } = await editUntilRefused(first.chatId);
    assert.equal(reply.status, 503, reply.text);
    assert.match(reply.json.detail, kFull);
    await until(() => kFull.test(server.log), { ms: 5000, what: 'the log says it too' }); // A thread of its own writes it.
    const body = admin.prepare('[[tokens=3]]', { socket });
    const refused = await admin.post('/api/chat/completions', body.body);
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.json.detail, kFull);
    assert.equal(readTokens((await admin.message(first.chatId, first.messageId)).content).count, 10, 'reading goes on');
    disk.makeRoom();
    const again = await admin.ask('[[tokens=30]]', { socket });
    again.checkTokens(30);
    if (title) assert.equal((await admin.chat(first.chatId)).title, title);
  });

  it('holds up an answer, which loses nothing and goes on when there is room', async () => {
    const socket = await admin.connect();
    const turn = await admin.send('[[tokens=600 delay=5]]', { socket });
    await turn.tokens(60);
    disk.fill();
    await editUntilRefused(turn.chatId);
    await until(() => server.log.includes('answer log waits'), { ms: 15_000, what: 'the log says that answers wait' });
    await sleep(500);
    const held = readTokens(turn.text).count;
    assert.ok(held < 600, 'what cannot be saved is not shown');
    disk.makeRoom();
    await turn.done(30_000);
    turn.checkTokens(600);
    assert.equal(readTokens((await admin.message(turn.chatId, turn.messageId)).content).count, 600);
  });

  it('costs nothing that was acknowledged when the server is killed on it', async () => {
    const socket = await admin.connect({ reconnection: false });
    const first = await admin.ask('[[tokens=10]]', { socket });
    const turn = await admin.send('[[tokens=500 delay=5]]', { socket });
    await turn.tokens(40);
    disk.fill();
    const { title } = await editUntilRefused(first.chatId);
    await server.kill();
    const seen = readTokens(turn.text).count;
    disk.makeRoom();
    await server.start();
    if (title) assert.equal((await admin.chat(first.chatId)).title, title);
    const message = await until(async () => {
      const read = await admin.message(turn.chatId, turn.messageId);
      return read.done && read;
    });
    assert.ok(readTokens(message.content).count >= seen);
  });

  it('at the start is named, or served from', async () => {
    await server.kill();
    disk.fill();
    let said;
    try {
      await server.start();
      said = (await admin.post('/api/v1/chats/new', { chat: { title: 'x'.repeat(200_000) } })).text;
    } catch (error) {
      assert.equal((await server.exit()).code, 1);
      said = error.message;
    }
    assert.match(said, kFull);
    await server.kill();
    disk.makeRoom();
    await server.start();
    const turn = await admin.ask('[[tokens=10]]', { socket: await admin.connect() });
    turn.checkTokens(10);
  });
});

describe('a disk with no room for another file', { skip }, () => {
  it('is named at the start', async () => {
    const disk = await smallDisk(24, 3); // Itself, the lock and the database.
    try {
      const server = await makeServer({ dataDir: disk.folder, wrap: disk.wrap });
      assert.match(await server.startsNot(), /disk has room for files/);
    } finally {
      await disk.stop();
    }
  });
});

describe('a damaged database', () => {
  it('is called so at the start, with the cure', async () => {
    const server = await makeServer();
    writeFileSync(join(server.dataDir, 'antiphon.db'), 'no database, whatever its name says\n'.repeat(300));
    try {
      assert.match(await server.startsNot(), /damaged.*backup/);
    } finally {
      await server.close();
    }
  });
});

describe('a database that another process has', () => {
  it('is refused to a second one, which names the first and the cure', async () => {
    const server = await startServer();
    const second = await makeServer({ dataDir: server.dataDir });
    try {
      const said = await second.startsNot();
      assert.match(said, new RegExp(`in use by process ${server.pid} `));
      assert.match(said, /DATABASE_URL=postgresql:/);
      assert.equal((await server.admin()).user.role, 'admin', 'the first goes on');
      await server.kill();
      await second.start();
      await second.close();
    } finally {
      await server.close();
    }
  });
});

describe('a disk that is not local', { skip }, () => {
  it('is refused with the cure, and taken when the operator insists', async () => {
    const disk = await foreignDisk();
    const options = { dataDir: join(disk.folder, 'data'), wrap: disk.wrap };
    const server = await makeServer(options);
    const insisting = await makeServer({ ...options, env: { ANTIPHON_ALLOW_NETWORK_FILE_SYSTEM: 'true' } });
    try {
      const said = await server.startsNot();
      assert.match(said, /FUSE/);
      assert.match(said, /Move DATA_DIR to a local disk/);
      assert.match(said, /DATABASE_URL=postgresql:/);
      await insisting.start();
      assert.equal((await insisting.admin()).user.role, 'admin');
    } finally {
      await insisting.close();
      await disk.stop();
    }
  });
});

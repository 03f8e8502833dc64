// Files of users: kept once, given out in parts and never as pages of ours, seen by every replica, and by nobody else.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { somePng } from '../lib/pictures.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { upload } from '../lib/uploads.mjs';
import { startProvider } from '../provider/provider.mjs';

const kFiles = '/api/v1/files';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** {status, headers, bytes} of a path; `headers` are sent. */
async function take(client, path, headers = {}, method = 'GET') {
  const reply = await fetch(client.url + path, { method, headers: { Authorization: `Bearer ${client.token}`, ...headers } });
  return { status: reply.status, headers: reply.headers, bytes: Buffer.from(await reply.arrayBuffer()) };
}
const contentOf = (client, id, headers, method) => take(client, `${kFiles}/${id}/content`, headers, method);
/** The answer to a file that is sent without a length, in chunks, and has no end. */
async function endless(client) {
  const { hostname, port } = new URL(client.url);
  const socket = connect(Number(port), hostname);
  let reply = '';
  socket.on('data', (data) => (reply += data));
  socket.on('error', () => {});
  socket.write(`POST ${kFiles}/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.token}\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n`);
  const chunk = (text) => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
  chunk('--b\r\nContent-Disposition: form-data; name=file; filename=d.txt\r\n\r\n');
  await until(() => (chunk('x'.repeat(100_000)), reply.includes('\r\n\r\n') && reply.endsWith('}')), { every: 10, what: 'an answer to the endless file' });
  socket.destroy();
  return reply;
}
const memoryOf = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

forEachDatabase((db) => {
  describe('files', () => {
    let provider;
    let server;
    let admin;
    let bob;
    let eve;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { BYPASS_MODEL_ACCESS_CONTROL: 'true', USER_PERMISSIONS_FOLDERS_ALLOW_SHARING: 'true' } });
      admin = await server.admin();
      [bob, eve] = [await server.user(admin, 'Bob'), await server.user(admin, 'Eve')];
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    it('come back as they were sent: whole, in parts, and not at all when nothing has changed', async () => {
      const bytes = randomBytes(3_000_000);
      const { json: file } = await upload(bob, bytes, 'Bericht é.bin', { type: 'application/octet-stream', expect: 200 });
      assert.equal(file.meta.size, bytes.length);
      const whole = await contentOf(bob, file.id);
      assert.ok(whole.bytes.equals(bytes));
      assert.equal(whole.headers.get('content-length'), String(bytes.length));
      assert.equal(whole.headers.get('accept-ranges'), 'bytes');
      assert.equal(whole.headers.get('etag'), `"${sha256(bytes)}"`);

      const part = await contentOf(bob, file.id, { Range: 'bytes=1000000-1999999' });
      assert.equal(part.status, 206);
      assert.equal(part.headers.get('content-range'), 'bytes 1000000-1999999/3000000');
      assert.equal(part.headers.get('content-length'), '1000000');
      assert.ok(part.bytes.equals(bytes.subarray(1_000_000, 2_000_000)));
      assert.ok((await contentOf(bob, file.id, { Range: 'bytes=-7' })).bytes.equals(bytes.subarray(-7)));
      const beyond = await contentOf(bob, file.id, { Range: 'bytes=3000000-' });
      assert.equal(beyond.status, 416);
      assert.equal(beyond.headers.get('content-range'), 'bytes */3000000');
      assert.equal((await contentOf(bob, file.id, { 'If-None-Match': whole.headers.get('etag') })).status, 304);

      const head = await contentOf(bob, file.id, {}, 'HEAD');
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('content-length'), String(bytes.length));
      assert.equal(head.bytes.length, 0);
    });

    it('rows 19, 24, U16: none of them is a page of ours, whatever it is called and says it is', async () => {
      const page = '<script>alert(1)</script>';
      for (const [name, type] of [['x.html', 'text/html'], ['x.svg', 'image/svg+xml'], ['x.xml', 'text/xml'], ['x.xhtml', 'application/xhtml+xml'], ['x.mht', 'message/rfc822'], ['x.js', 'text/javascript'], ['x.html', 'audio/x-wav+html'], ['x', '']]) {
        const { json } = await upload(bob, page, name, { type, expect: 200 });
        for (const path of [`/${json.id}/content`, `/${json.id}/content/${name}`, ...(type === 'text/html' ? [`/${json.id}/content/html`] : [])]) {
          const { status, headers } = await take(bob, kFiles + path);
          assert.equal(status, 200, path);
          assert.equal(headers.get('content-type'), 'application/octet-stream', type);
          assert.match(headers.get('content-disposition'), /^attachment;/, type);
          assert.equal(headers.get('x-content-type-options'), 'nosniff');
          assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
        }
      }
      const { json } = await upload(bob, somePng(), 'x.png', { type: 'image/png', expect: 200 });
      const shown = await contentOf(bob, json.id);
      assert.equal(shown.headers.get('content-type'), 'image/png');
      assert.match(shown.headers.get('content-disposition'), /^inline;/);
      assert.equal(shown.headers.get('content-security-policy'), "default-src 'none'; sandbox");
      assert.match((await take(bob, `${kFiles}/${json.id}/content?attachment=true`)).headers.get('content-disposition'), /^attachment;/);
    });

    it('rows 17, 25: a name makes no path and no header', async () => {
      for (const [sent, kept] of [['../../../etc/cron.d/x', 'x'], ['..\\..\\x', 'x'], ['C:\\x', 'x'], ['/abs', 'abs'], ['a/../../b', 'b'], ["it's;é😀.txt", "it's;é😀.txt"]]) {
        const { json } = await upload(bob, 'x', sent, { expect: 200 });
        assert.equal(json.filename, kept, sent);
        const { headers } = await contentOf(bob, json.id);
        assert.match(headers.get('content-disposition'), /^inline; filename\*=UTF-8''[\w%.~-]+$/);
      }
      for (const sent of ['.', '..', 'a/', 'n'.repeat(300)]) assert.equal((await upload(bob, 'x', sent)).status, 400, sent);
    });

    it('row 26: one byte more than a file may have is refused while it comes, and an ending that may not be', async () => {
      const strict = await startServer({ databaseUrl: await db.create(), env: { RAG_FILE_MAX_SIZE: '1', RAG_ALLOWED_FILE_EXTENSIONS: 'txt,png' } });
      try {
        const root = await strict.admin();
        await upload(root, Buffer.alloc(1 << 20), 'a.txt', { expect: 200 });
        const { status } = await upload(root, Buffer.alloc((1 << 20) + 1), 'b.txt');
        assert.equal(status, 413);
        assert.equal((await upload(root, 'x', 'c.exe')).status, 400);
        assert.equal((await root.get(`${kFiles}/count`)).json, 1);
        // Without a length, in chunks: cut off long before the end that never comes.
        assert.match(await endless(root), /^HTTP\/1.1 413 /);
      } finally {
        await strict.close();
      }
    });

    it('fit in what one user may keep; what does not is refused with a reason, however many come at once', async () => {
      const strict = await startServer({ databaseUrl: await db.create(), env: { ANTIPHON_FILES_PER_USER: '2' } });
      try {
        const root = await strict.admin();
        const [amy, ben] = [await strict.user(root, 'Amy'), await strict.user(root, 'Ben')];
        const large = 700_000;
        const sent = await Promise.all(Array.from({ length: 6 }, () => upload(amy, randomBytes(large), 'a.bin')));
        assert.equal(sent.filter(({ status }) => status === 200).length, 2);
        for (const { status, json } of sent.filter((one) => one.status !== 200)) {
          assert.equal(status, 413);
          assert.match(json.detail, /^Your files may have 2 MiB together, and there is room for 6\d\d KiB more\./);
        }
        assert.equal((await amy.get(`${kFiles}/user/count`)).json, 2);
        await upload(ben, randomBytes(large), 'b.bin', { expect: 200 });
        // While it comes: an end that never comes is not waited for.
        assert.match(await endless(amy), /^HTTP\/1.1 413 [^]*Your files may have 2 MiB together/);
        await amy.request('DELETE', `${kFiles}/${sent.find(({ status }) => status === 200).json.id}`, undefined, { expect: 200 });
        await upload(amy, randomBytes(large), 'c.bin', { expect: 200 });
      } finally {
        await strict.close();
      }
    });

    it('of the same bytes are stored once', async () => {
      const bytes = randomBytes(70_000);
      const sent = await Promise.all([bob, eve, bob, eve].map((who, i) => upload(who, bytes, `same-${i}`, { expect: 200 })));
      assert.equal(new Set(sent.map(({ json }) => json.id)).size, 4);
      const stored = () => rows(server, `SELECT id FROM blob WHERE id = '${sha256(bytes)}'`);
      assert.equal((await stored()).length, 1);
      for (const { json } of sent.slice(0, 3)) await admin.request('DELETE', `${kFiles}/${json.id}`, undefined, { expect: 200 });
      assert.ok((await contentOf(eve, sent[3].json.id)).bytes.equals(bytes));
    });

    it("row 46: another's is as if it were not there", async () => {
      const { json } = await upload(bob, 'secret', 'secret.txt', { expect: 200 });
      for (const [method, path, body] of [
        ['GET', ''], ['GET', '/content'], ['GET', '/content/x'], ['GET', '/data/content'], ['GET', '/process/status'],
        ['POST', '/data/content/update', { content: 'x' }], ['POST', '/rename', { filename: 'x' }], ['DELETE', ''],
      ]) {
        const foreign = await eve.request(method, `${kFiles}/${json.id}${path}`, body);
        const missing = await eve.request(method, `${kFiles}/${randomUUID()}${path}`, body);
        assert.equal(foreign.status, 404, `${method} ${path}`);
        assert.equal(foreign.text, missing.text);
      }
      const lists = await Promise.all(['/', '/search?filename=*', '/user/search'].map((path) => eve.get(kFiles + path, { expect: 200 })));
      for (const { text } of lists) assert.ok(!text.includes(json.id), text);
      assert.equal((await eve.request('DELETE', `${kFiles}/all`)).status, 401);
      assert.ok((await contentOf(admin, json.id)).bytes.equals(Buffer.from('secret')));
    });

    it('row 47: a file named in a message of a shared chat is no way to it', async () => {
      const { json } = await upload(bob, 'secret', 'secret.txt', { expect: 200 });
      const message = { id: 'm', parentId: null, childrenIds: [], role: 'user', content: 'x', files: [{ type: 'file', id: json.id, url: json.id }], timestamp: 1 };
      const chat = { title: 't', files: message.files, history: { messages: { m: message }, currentId: 'm' } };
      const { json: made } = await eve.post('/api/v1/chats/new', { chat }, { expect: 200 });
      await eve.post(`/api/v1/chats/${made.id}/share`, {}, { expect: 200 });
      assert.equal((await eve.get(`${kFiles}/${json.id}`)).status, 404);
      assert.equal((await contentOf(eve, json.id)).status, 404);
      assert.equal((await eve.request('DELETE', `${kFiles}/${json.id}`)).status, 404);
    });

    describe('in a chat are read by who may read the chat', () => {
      const kNone = randomUUID();
      /** A chat of `who` whose question names the files; gives its id. */
      const chatWith = async (who, files, more = {}) => {
        const message = { id: 'm', parentId: null, childrenIds: [], role: 'user', content: 'x', files: files.map((id) => ({ type: 'file', id, url: id, name: 'n' })), timestamp: 1 };
        const { json } = await who.post('/api/v1/chats/new', { chat: { title: 't', history: { messages: { m: message }, currentId: 'm' } }, ...more }, { expect: 200 });
        return json.id;
      };
      const newFile = async (who) => (await upload(who, `secret ${randomUUID()}`, 's.txt', { expect: 200 })).json.id;
      const grantTo = (...people) => ({ access_grants: people.map((id) => ({ principal_type: 'user', principal_id: id, permission: 'read' })) });
      /** That `who` is told of the file what he is told of one that is not there. */
      const assertNone = async (who, id) => {
        for (const path of ['', '/content', '/content/x', '/data/content', '/process/status']) {
          const foreign = await who.get(`${kFiles}/${id}${path}`);
          assert.equal(foreign.status, 404, path);
          assert.equal(foreign.text, (await who.get(`${kFiles}/${kNone}${path}`)).text);
        }
      };
      const assertOnlyRead = async (who, id) => {
        for (const path of ['', '/content', '/content/x', '/data/content', '/process/status']) assert.equal((await who.get(`${kFiles}/${id}${path}`)).status, 200, path);
        for (const [method, path, body] of [['POST', '/data/content/update', { content: 'x' }], ['POST', '/rename', { filename: 'x' }], ['DELETE', '']])
          assert.equal((await who.request(method, `${kFiles}/${id}${path}`, body)).status, 404, `${method} ${path}`);
      };
      const share = (who, chat) => who.post(`/api/v1/chats/${chat}/share`, {}, { expect: 200 });
      const allow = (who, chat, ...people) => who.post(`/api/v1/chats/shared/${chat}/access/update`, grantTo(...people), { expect: 200 });

      it('by its link, for as long as it is shared, and no more than read', async () => {
        const [file, other] = [await newFile(bob), await newFile(bob)];
        const chat = await chatWith(bob, [file]);
        await assertNone(eve, file);
        await share(bob, chat);
        await assertNone(eve, file);
        await allow(bob, chat, eve.user.id);
        await assertOnlyRead(eve, file);
        await assertNone(eve, other);
        await allow(bob, chat);
        await assertNone(eve, file);
        await allow(bob, chat, eve.user.id);
        await assertOnlyRead(eve, file);
        await bob.request('DELETE', `/api/v1/chats/${chat}/share`, undefined, { expect: 200 });
        await assertNone(eve, file);
      });

      it('as the chat was when it was shared', async () => {
        const [first, later] = [await newFile(bob), await newFile(bob)];
        const chat = await chatWith(bob, [first]);
        await share(bob, chat);
        await allow(bob, chat, eve.user.id);
        const socket = await bob.connect();
        await bob.ask('[[tokens=1]]', { socket, chatId: chat, parentId: 'm', body: { files: [{ type: 'file', id: later, url: later, name: 'n' }] } });
        await assertOnlyRead(eve, first);
        await assertNone(eve, later);
        await share(bob, chat);
        await assertOnlyRead(eve, later);
      });

      it('by its folder', async () => {
        const { json: folder } = await bob.post('/api/v1/folders/', { name: `F ${randomUUID()}` }, { expect: 200 });
        const [inside, outside] = [await newFile(bob), await newFile(bob)];
        const chat = await chatWith(bob, [inside], { folder_id: folder.id });
        await chatWith(bob, [outside]);
        const access = (...people) => bob.post(`/api/v1/folders/${folder.id}/access/update`, grantTo(...people), { expect: 200 });
        await assertNone(eve, inside);
        await access(eve.user.id);
        await assertOnlyRead(eve, inside);
        await assertNone(eve, outside);
        await bob.post(`/api/v1/chats/${chat}/folder`, { folder_id: null }, { expect: 200 });
        await assertNone(eve, inside);
        await bob.post(`/api/v1/chats/${chat}/folder`, { folder_id: folder.id }, { expect: 200 });
        await assertOnlyRead(eve, inside);
        await access();
        await assertNone(eve, inside);
      });

      it('unless the file is not its owner\'s: who copies a chat, or names a foreign file, gives nobody a way to it', async () => {
        const file = await newFile(bob);
        const chat = await chatWith(eve, [file]);
        await share(eve, chat);
        const carl = await server.user(admin, 'Carl');
        await allow(eve, chat, carl.user.id, bob.user.id);
        await assertNone(eve, file);
        await assertNone(carl, file);
      });
    });

    it('row 49: a model is shown the pictures of who asks, and of nobody else', async () => {
      const png = somePng(5000);
      const { json: file } = await upload(bob, png, 'a.png', { type: 'image/png', expect: 200 });
      const data = `data:image/png;base64,${png.toString('base64')}`;
      const ask = (who, url) => who.post('/api/chat/completions', { model: 'numbered', stream: false, messages: [{ role: 'user', content: [{ type: 'text', text: '[[tokens=1]]' }, { type: 'image_url', image_url: { url } }] }] });
      const ways = [file.id, `${kFiles}/${file.id}`, `${kFiles}/${file.id}/content`, `${server.url}${kFiles}/${file.id}/content`];
      for (const url of ways) {
        const before = provider.calls.length;
        assert.equal((await ask(bob, url)).status, 200, url);
        assert.equal(provider.calls.at(-1).body.messages[0].content[1].image_url.url, data);
        assert.equal(provider.calls.length, before + 1);
        assert.equal((await ask(eve, url)).status, 404, url);
        assert.equal(provider.calls.length, before + 1);
      }
      // In a chat: with the question, and with every later one, for as long as the file is there.
      const socket = await bob.connect();
      const first = await bob.ask('[[tokens=1]]', { socket, body: { files: [{ type: 'image', url: file.id }] } });
      const images = () => JSON.stringify(provider.calls.filter((call) => JSON.stringify(call.body ?? '').includes('[[tokens=1]]')).at(-1).body.messages).split(data).length - 1;
      assert.equal(images(), 1);
      await bob.ask('[[tokens=1]] again', { socket, chatId: first.chatId, parentId: first.messageId });
      assert.equal(images(), 1);
      await bob.request('DELETE', `${kFiles}/${file.id}`, undefined, { expect: 200 });
      await bob.ask('[[tokens=1]] and again', { socket, chatId: first.chatId, parentId: first.messageId });
      assert.equal(images(), 0);
    });

    it('of any size cost the server no memory', async () => {
      const bytes = randomBytes(64 << 20);
      await upload(bob, bytes.subarray(0, 1 << 20), 'warm', { expect: 200 });
      const before = memoryOf(server);
      const { json } = await upload(bob, bytes, 'large', { expect: 200 });
      assert.equal(sha256((await contentOf(bob, json.id)).bytes), sha256(bytes));
      const grown = (memoryOf(server) - before) / (1 << 20);
      assert.ok(grown < 32, `${grown.toFixed(1)} MiB more`);
    });

    it('go with their user', async () => {
      const gone = await server.user(admin, 'Gone');
      const { json } = await upload(gone, 'x', 'x.txt', { expect: 200 });
      await admin.request('DELETE', `/api/v1/users/${gone.user.id}`, undefined, { expect: 200 });
      assert.equal((await admin.get(`${kFiles}/${json.id}`)).status, 404);
    });

    it('S69: a server killed while one arrives leaves no row without its bytes', async () => {
      const part = randomBytes(1 << 20);
      const kept = new Map();
      for (let round = 0; round < 4; ++round) {
        const bodies = Array.from({ length: 6 }, (_, i) => Buffer.concat([Buffer.from(`${round}.${i} `), part, part]));
        const sending = bodies.map((bytes, i) => upload(bob, bytes, `k${round}.${i}`, { expect: 200 }).then(({ json }) => kept.set(json.id, sha256(bytes)), () => {}));
        await new Promise((resolve) => setTimeout(resolve, 15 + 40 * round));
        await server.kill();
        await Promise.all(sending);
        await server.start();
      }
      const { json: list } = await bob.get(`${kFiles}/user/search?filename=k*&limit=1000`, { expect: 200 });
      for (const file of list) {
        const { status, bytes } = await contentOf(bob, file.id);
        assert.equal(status, 200, file.filename);
        assert.equal(sha256(bytes), file.meta.file_hash);
      }
      for (const [id, hash] of kept) assert.equal(list.find((file) => file.id === id)?.meta.file_hash, hash, 'what was acknowledged is there');
      // What arrived and has no row is a row of `blob` that the sweeper finds.
      const orphans = await rows(server, 'SELECT id FROM blob WHERE id NOT IN (SELECT blob_id FROM file)');
      assert.ok(orphans.length <= 24, `${orphans.length}`);
    });
  });
});

describe('two replicas on one database', () => {
  let one;
  let two;
  before(async () => {
    const databaseUrl = await (await sharedPostgres()).createDatabase();
    one = await startServer({ databaseUrl });
    two = await startServer({ databaseUrl });
  });
  after(async () => {
    await two?.close();
    await one?.close();
  });

  it('S67: what one has taken the other gives out at once', async () => {
    const [here, there] = [await one.admin(), await two.admin()];
    for (let i = 0; i < 10; ++i) {
      const bytes = randomBytes(200_000);
      const { json } = await upload(here, bytes, 'a.bin', { expect: 200 });
      assert.ok((await contentOf(there, json.id)).bytes.equals(bytes));
    }
    const bytes = randomBytes(500_000);
    const both = await Promise.all([here, there, here, there].map((client) => upload(client, bytes, 'same', { expect: 200 })));
    for (const { json } of both) assert.ok((await contentOf(here, json.id)).bytes.equals(bytes));
  });
});

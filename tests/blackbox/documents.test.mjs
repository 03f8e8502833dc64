// Documents become text after an upload: by a job that survives the process, each in a process of its own that is walled in.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deflateRawSync, crc32 } from 'node:zlib';
import { forEachDatabase } from '../lib/databases.mjs';
import { somePng } from '../lib/pictures.mjs';
import { binary, startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { upload } from '../lib/uploads.mjs';
import { startProvider } from '../provider/provider.mjs';

const kFiles = '/api/v1/files';

/** A zip of {name: text}. */
function zip(parts) {
  const bodies = [];
  const directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(parts)) {
    const bytes = Buffer.from(text);
    const packed = deflateRawSync(bytes);
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(8, 4);
    about.writeUInt32LE(crc32(bytes), 10);
    about.writeUInt32LE(packed.length, 14);
    about.writeUInt32LE(bytes.length, 18);
    about.writeUInt16LE(name.length, 22);
    const offset = Buffer.alloc(14);
    offset.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), about, offset, Buffer.from(name));
    bodies.push(Buffer.from('PK\x03\x04'), about, Buffer.from(name), packed);
    at += 30 + name.length + packed.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(parts).length, 4);
  end.writeUInt16LE(Object.keys(parts).length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...bodies, index, Buffer.from('PK\x05\x06'), end]);
}

const docx = (text) => zip({ 'word/document.xml': `<d><body><p><r><t>${text}</t></r></p></body></d>` });
const pdf = (text) =>
  Buffer.from(`%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> /Contents 4 0 R >>
endobj
4 0 obj
<< /Length ${text.length + 31} >>
stream
BT /F 18 Tf 20 100 Td (${text}) Tj ET
endstream
endobj
trailer << /Root 1 0 R /Size 5 >>
%%EOF
`);

const memoryOf = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

forEachDatabase((db) => {
  describe('documents', () => {
    let provider;
    let server;
    let bob;
    let eve;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { BYPASS_MODEL_ACCESS_CONTROL: 'true' } });
      const admin = await server.admin();
      [bob, eve] = [await server.user(admin, 'Bob'), await server.user(admin, 'Eve')];
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    const show = async (id) => (await bob.get(`${kFiles}/${id}`)).json;
    const ended = (id) =>
      until(async () => {
        const file = await show(id);
        return file.data.status !== 'pending' && file;
      });

    it('are pending until their text is stored, and then have it', async () => {
      for (const [bytes, name, words] of [
        [docx('Gloria in excelsis'), 'mass.docx', 'Gloria in excelsis'],
        [pdf('Et in terra pax'), 'pax.pdf', 'Et in terra pax'],
        [Buffer.from('caf\xe9 cr\xe8me, d\xe9j\xe0 vu, \xe9t\xe9', 'latin1'), 'a.txt', 'café crème, déjà vu, été'],
      ]) {
        const { json: sent } = await upload(bob, bytes, name, { type: 'application/octet-stream', expect: 200 });
        assert.equal(sent.data.status, 'pending');
        const file = await ended(sent.id);
        assert.equal(file.data.status, 'completed', JSON.stringify(file.data));
        assert.equal(file.data.content.trim(), words);
        assert.equal((await bob.get(`${kFiles}/${sent.id}/data/content`)).json.content.trim(), words);
        assert.deepEqual((await bob.get(`${kFiles}/${sent.id}/process/status`)).json, { status: 'completed' });
      }
    });

    it('say why they have none', async () => {
      const { json: sent } = await upload(bob, Buffer.from('%PDF-1.7 and nothing'), 'x.pdf', { type: 'application/pdf', expect: 200 });
      const file = await ended(sent.id);
      assert.equal(file.data.status, 'failed');
      assert.match(file.data.error, /damaged or incomplete/);
      const stream = await fetch(`${bob.url}${kFiles}/${sent.id}/process/status?stream=true`, { headers: { Authorization: `Bearer ${bob.token}` } });
      assert.match(await stream.text(), /^data: {"status":"failed","error":"This PDF is damaged/);
    });

    it('are not read where nobody asked, and pictures are looked at, not read', async () => {
      const form = new FormData();
      form.append('file', new Blob([docx('words')]), 'a.docx');
      const headers = { Authorization: `Bearer ${bob.token}` };
      const unread = await (await fetch(`${bob.url}${kFiles}/?process=false`, { method: 'POST', body: form, headers })).json();
      assert.equal(unread.data.status, 'completed');
      const { json: picture } = await upload(bob, somePng(), 'a.png', { type: 'image/png', expect: 200 });
      assert.equal(picture.data.status, 'completed');
      const waited = await (await fetch(`${bob.url}${kFiles}/?process_in_background=false`, { method: 'POST', body: form, headers })).json();
      assert.equal(waited.data.status, 'completed');
      assert.equal((await bob.get(`${kFiles}/${waited.id}/data/content`)).json.content, 'words\n');
    });

    it('row 28: a bomb is refused, and the server is as it was', async () => {
      const before = memoryOf(server);
      const bomb = docx(' '.repeat(60_000_000));
      const { json: sent } = await upload(bob, bomb, 'bomb.docx', { type: 'application/zip', expect: 200 });
      const file = await ended(sent.id);
      assert.equal(file.data.status, 'failed');
      assert.match(file.data.error, /unpack/);
      assert.ok(memoryOf(server) - before < 32 << 20);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
    });

    it('row 49: go along with the question, also when they have just been sent, for who may read them', async () => {
      const asked = () => JSON.stringify(provider.calls.filter((call) => JSON.stringify(call.body ?? '').includes('[[tokens=1]]')).at(-1).body.messages);
      const { json: file } = await upload(bob, pdf('Gloria in excelsis'), 'mass.pdf', { type: 'application/pdf', expect: 200 });
      const files = [{ type: 'file', id: file.id, url: file.id, name: 'mass.pdf' }];
      const socket = await bob.connect();
      const first = await bob.ask('[[tokens=1]] What is it?', { socket, body: { files } });
      assert.match(asked(), /What is it\?\\n\\n\[Attached file: mass\.pdf\]\\nGloria in excelsis\\n\[End of the attached file\]/);
      await bob.ask('[[tokens=1]] And now?', { socket, chatId: first.chatId, parentId: first.messageId });
      assert.match(asked(), /Gloria in excelsis.*And now\?/);
      await eve.ask('[[tokens=1]] Mine?', { socket: await eve.connect(), body: { files } });
      assert.match(asked(), /Mine\?/);
      assert.doesNotMatch(asked(), /Gloria/);
    });

    it('are read after a crash in the middle', async () => {
      const ids = [];
      for (let i = 0; i < 10; ++i) ids.push((await upload(bob, pdf(`Page ${i}`), 'a.pdf', { type: 'application/pdf', expect: 200 })).json.id);
      await server.kill();
      await server.start();
      for (const [i, id] of ids.entries()) {
        const file = await until(async () => {
          const now = await show(id);
          return now.data.status !== 'pending' && now;
        }, { ms: 60_000 });
        assert.equal(file.data.status, 'completed', JSON.stringify(file.data));
        assert.equal(file.data.content.trim(), `Page ${i}`);
      }
    });
  });
});

describe('antiphon extract', () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'antiphon-extract-'))));
  after(() => rmSync(folder, { recursive: true }));
  const extract = (name, bytes) => {
    writeFileSync(join(folder, name), bytes);
    return spawnSync(binary, ['extract', join(folder, name)], { encoding: 'utf8', env: { DATA_DIR: folder, PATH: process.env.PATH } });
  };

  it('prints the text with the marks of its pages', () => {
    const { status, stdout } = extract('a.pdf', pdf('Et in terra pax'));
    assert.equal(status, 0);
    assert.equal(stdout, 'Pages: 1\n--- page 1\nEt in terra pax\n');
  });

  it('says what to do about what it cannot read', () => {
    const { status, stderr, stdout } = extract('a.docx', docx('x').subarray(0, 100));
    assert.equal(status, 1);
    assert.match(stderr + stdout, /damaged or incomplete/);
  });
});

// A model made of a file: sent by a browser, or fetched from the net, and passed on to Ollama. Nothing of it stays here.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kUpload = '/ollama/models/upload';
const kDownload = '/ollama/models/download';
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const eventsIn = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line.replace(/^data: /, '')));

/** A server of files by their names; keeps how its answers ended. */
async function startFiles(files) {
  const state = { asked: [], closed: 0 };
  const http = createServer((request, response) => {
    const name = request.url.split('/').at(-1).split('?')[0];
    state.asked.push(request.url);
    response.on('close', () => (state.closed += 1));
    const file = files[name];
    if (typeof file === 'function') return file(response);
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': file.length });
    return response.end(file);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { state, url: `http://127.0.0.1:${http.address().port}`, stop: () => (http.closeAllConnections(), http.close()) };
}

describe('files of models', () => {
  const large = randomBytes(20 << 20);
  let provider;
  let server;
  let admin;
  let user;
  let files;
  before(async () => {
    provider = await startProvider();
    server = await startServer({ provider, env: { ENABLE_OLLAMA_API: 'true', OLLAMA_BASE_URL: provider.url, ANTIPHON_MODEL_FILE_MAX_GIB: '1' } });
    admin = await server.admin();
    user = await server.user(admin, 'Una');
    files = await startFiles({
      'tiny.gguf': Buffer.from('GGUF of no weight'),
      'large.gguf': large,
      'moved.gguf': (response) => response.writeHead(302, { Location: `${files.url}/tiny.gguf` }).end(),
      'huge.gguf': (response) => response.writeHead(200, { 'Content-Length': 2 ** 31 }).write('x'),
      'endless.gguf': (response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(Buffer.alloc(1000)), 20);
        response.on('close', () => clearInterval(timer));
      },
      'cut.gguf': (response) => {
        response.writeHead(200, { 'Content-Length': 1000 });
        response.write('only this');
        setTimeout(() => response.destroy(), 100);
      },
    });
  });
  after(async () => {
    await server?.close();
    await provider?.stop();
    files?.stop();
  });

  async function upload(bytes, name, { path = kUpload, token = admin.token, fill = (form) => form.append('file', new Blob([bytes]), name) } = {}) {
    const form = new FormData();
    fill(form);
    const reply = await fetch(server.url + path, { method: 'POST', body: form, headers: { Authorization: `Bearer ${token}` } });
    return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() };
  }
  const download = (url, path = kDownload) => admin.post(path, { url });
  const lastOf = (reply) => {
    assert.equal(reply.status, 200, reply.text);
    return eventsIn(reply.text).at(-1);
  };
  const models = async () => (await admin.get('/ollama/api/tags', { expect: 200 })).json.models.map((one) => one.model);
  /** Descriptors of files that have no name any more. */
  const leftovers = () => {
    const folder = `/proc/${server.pid}/fd`;
    const open = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(join(folder, name));
      } catch {
        return '';
      }
    });
    return [...readdirSync(join(server.dataDir, 'uploads')), ...open.filter((path) => path.includes('/uploads/'))];
  };

  it('that are sent become models', async () => {
    const reply = await upload(large, 'My model (v1).gguf');
    assert.match(reply.type, /^text\/event-stream/);
    const [first, last] = eventsIn(reply.text);
    assert.deepEqual(first, { completed: large.length, total: large.length, progress: 100 });
    assert.deepEqual(last, { done: true, blob: sha256(large), name: 'My model (v1).gguf', model_created: 'My-model--v1-' });
    assert.equal(provider.state.blobs.get(sha256(large)), large.length);
    assert.ok((await models()).includes('My-model--v1-:latest'));
    assert.deepEqual(leftovers(), []);
  });

  it('that are fetched become models, and the client sees how it goes', async () => {
    const reply = await download(`${files.url}/some/folder/large.gguf?download=true`, `${kDownload}/0`);
    const events = eventsIn(reply.text);
    assert.deepEqual(events.at(-1), { done: true, blob: sha256(large), name: 'large.gguf', model_created: 'large' });
    for (const event of events.slice(0, -1)) assert.equal(event.total, large.length);
    assert.ok((await models()).includes('large:latest'));
    assert.deepEqual(leftovers(), []);
  });

  it('keep their folders to themselves (row 17)', async () => {
    assert.equal(lastOf(await upload('GGUF', '../../etc/x.gguf')).name, 'x.gguf');
    assert.equal((await upload('GGUF', '..')).status, 400);
    assert.equal((await download(`${files.url}/`)).status, 400);
    assert.equal((await download(`${files.url}/a/%2e%2e`)).status, 400);
  });

  it('that Ollama does not take are told of', async () => {
    assert.match(lastOf(await upload('no GGUF', 'broken.gguf')).error, /invalid file magic/);
    assert.deepEqual(leftovers(), []);
  });

  it('are an administrator\'s business', async () => {
    assert.equal((await upload('GGUF', 'x.gguf', { token: user.token })).status, 401);
    assert.equal((await user.post(kDownload, { url: `${files.url}/tiny.gguf` })).status, 401);
    assert.equal((await upload('GGUF', 'x.gguf', { token: 'none' })).status, 401);
    assert.equal((await upload('GGUF', 'x.gguf', { path: `${kUpload}/7` })).status, 404);
  });

  it('have to be there, and one', async () => {
    assert.equal((await upload('', '', { fill: (form) => form.append('other', 'x') })).status, 422);
    assert.equal((await admin.post(kUpload, {})).status, 422);
    const two = (form) => ['a', 'b'].forEach((name) => form.append('file', new Blob(['x']), name));
    assert.equal((await upload('', '', { fill: two })).status, 400);
    assert.equal((await admin.post(kDownload, {})).status, 422);
  });

  it('come from where they are said to come from (rows 3, 4, 16)', async () => {
    for (const url of ['file:///etc/passwd', 'gopher://x/y.gguf', 'http://user@127.0.0.1/x.gguf', 'http://169.254.169.254/x.gguf']) {
      assert.equal((await download(url)).status, 400, url);
    }
    const before = files.state.asked.length;
    assert.equal((await download(`${files.url}/moved.gguf`)).status, 502);
    assert.equal(files.state.asked.length, before + 1);
    const missing = await download(`${files.url}/missing.gguf`);
    assert.equal(missing.status, 502);
    assert.match(missing.json.detail, /404/);
  });

  it('that are too large or break off are not passed on', async () => {
    const known = provider.state.blobs.size;
    assert.equal((await download(`${files.url}/huge.gguf`)).status, 413);
    assert.ok(lastOf(await download(`${files.url}/cut.gguf`)).error);
    assert.equal(provider.state.blobs.size, known);
    assert.deepEqual(leftovers(), []);
  });

  it('are not fetched any more when the client leaves', async () => {
    const leave = new AbortController();
    const closed = files.state.closed;
    const reply = await fetch(server.url + kDownload, {
      method: 'POST',
      body: JSON.stringify({ url: `${files.url}/endless.gguf` }),
      headers: { Authorization: `Bearer ${admin.token}`, 'Content-Type': 'application/json' },
      signal: leave.signal,
    });
    await reply.body.getReader().read();
    leave.abort();
    await until(() => files.state.closed > closed, { ms: 5000, what: 'the file is let go' });
    await until(() => leftovers().length === 0, { ms: 5000, what: 'nothing is left' });
  });
});

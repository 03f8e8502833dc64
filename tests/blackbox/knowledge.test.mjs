// Knowledge bases: files in folders, shared with people; the same at every replica, and nothing of others lost when somebody goes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { startServer } from '../lib/server.mjs';
import { upload } from '../lib/uploads.mjs';

const kBases = '/api/v1/knowledge';
const kFiles = '/api/v1/files';
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const env = { USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ACCESS: 'true', USER_PERMISSIONS_WORKSPACE_KNOWLEDGE_ALLOW_SHARING: 'true' };

const newBase = async (who, name = 'Manuals') => (await who.post(`${kBases}/create`, { name, description: 'of pumps' }, { expect: 200 })).json.id;
const newDirectory = async (who, base, name, parent_id = null) => (await who.post(`${kBases}/${base}/dirs/create`, { name, parent_id }, { expect: 200 })).json.id;
const newFile = async (who, name, text = name) => (await upload(who, text, name, { expect: 200 })).json.id;
const put = (who, base, file_id, directory_id = null) => who.post(`${kBases}/${base}/file/add`, { file_id, directory_id }, { expect: 200 });
const share = (who, base, user, permission) =>
  who.post(`${kBases}/${base}/access/update`, { access_grants: [{ principal_type: 'user', principal_id: user.user.id, permission }] }, { expect: 200 });
/** {path: id} of all files. */
async function filesOf(who, base) {
  const { json } = await who.get(`${kBases}/${base}/files?limit=250`, { expect: 200 });
  return Object.fromEntries(json.items.map((file) => [[file.directory_path, file.filename].filter(Boolean).join('/'), file.id]));
}

forEachDatabase((db) => {
  describe('knowledge bases', () => {
    let server;
    let admin;
    let bob;
    let eve;
    before(async () => {
      server = await startServer({ databaseUrl: await db.create(), env });
      admin = await server.admin();
      [bob, eve] = [await server.user(admin, 'Bob'), await server.user(admin, 'Eve')];
    });
    after(() => server?.close());

    it('name their owner, and whose their files are', async () => {
      const base = await newBase(bob);
      await put(bob, base, await newFile(bob, 'a.txt'));
      const { json } = await bob.get(`${kBases}/`, { expect: 200 });
      assert.deepEqual(json.items[0].user, { id: bob.user.id, name: 'Bob', role: 'user', email: 'bob@x.io' });
      assert.equal(json.items[0].file_count, 1);
      const { json: files } = await bob.get(`${kBases}/${base}/files`, { expect: 200 });
      assert.equal(files.items[0].user.name, 'Bob');
      assert.equal(files.items[0].meta.file_hash, sha256('a.txt'));
    });

    it('S74: hold their files over a restart, however it came', async () => {
      const base = await newBase(bob);
      const deep = await newDirectory(bob, base, 'deep', await newDirectory(bob, base, 'docs'));
      await put(bob, base, await newFile(bob, 'a.txt'));
      await put(bob, base, await newFile(bob, 'b.txt'), deep);
      const before = await filesOf(bob, base);
      assert.deepEqual(Object.keys(before).sort(), ['a.txt', 'docs/deep/b.txt']);
      await server.restart();
      assert.deepEqual(await filesOf(bob, base), before);
    });

    it('S74: killed while files come in: what was acknowledged is there, and nothing without its bytes', async () => {
      const base = await newBase(bob, 'killed');
      const acknowledged = [];
      for (let round = 0; round < 3; round += 1) {
        const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => newFile(bob, `${round}-${i}.txt`)));
        const adding = ids.map((id) => put(bob, base, id).then(() => acknowledged.push(id), () => {}));
        await new Promise((settle) => setTimeout(settle, 5 + 15 * round));
        await server.kill();
        await Promise.all(adding);
        await server.start();
      }
      const there = Object.values(await filesOf(bob, base));
      for (const id of acknowledged) assert.ok(there.includes(id), id);
      for (const id of there) assert.equal((await bob.get(`${kFiles}/${id}/content`)).status, 200);
    });

    it('let their readers read the files in them, and do no more with them (row 47)', async () => {
      const base = await newBase(bob);
      const file = await newFile(bob, 'secret.txt');
      await put(bob, base, file);
      assert.equal((await eve.get(`${kFiles}/${file}/content`)).status, 404);
      await share(bob, base, eve, 'read');
      assert.equal((await eve.get(`${kFiles}/${file}/content`, { expect: 200 })).text, 'secret.txt');
      await share(bob, base, eve, 'write');
      for (const [method, path, body] of [['DELETE', ''], ['POST', '/rename', { filename: 'x' }], ['POST', '/data/content/update', { content: 'x' }]]) {
        assert.equal((await eve.request(method, `${kFiles}/${file}${path}`, body)).status, 404, path);
      }
      await bob.post(`${kBases}/${base}/access/update`, { access_grants: [] }, { expect: 200 });
      assert.equal((await eve.get(`${kFiles}/${file}/content`)).status, 404);
    });

    it('row 51: take an upload from who may write there, and from nobody else', async () => {
      const base = await newBase(bob);
      const directory = await newDirectory(bob, base, 'inbox');
      await share(bob, base, eve, 'read');
      const before = (await eve.get(`${kFiles}/user/count`, { expect: 200 })).json;
      for (const knowledge_id of [base, 'nowhere']) assert.equal((await upload(eve, 'x', 'x.txt', { metadata: { knowledge_id } })).status, 404);
      assert.equal((await upload(bob, 'x', 'x.txt', { metadata: { knowledge_id: base, directory_id: 'nowhere' } })).status, 404);
      assert.deepEqual(await filesOf(bob, base), {}, 'no place is left of what was refused');
      assert.equal((await eve.get(`${kFiles}/user/count`, { expect: 200 })).json, before, 'and no file');
      await share(bob, base, eve, 'write');
      await upload(eve, 'x', 'x.txt', { metadata: { knowledge_id: base, directory_id: directory }, expect: 200 });
      assert.deepEqual(Object.keys(await filesOf(bob, base)), ['inbox/x.txt']);
    });

    it('follow a folder on a disk: what changed goes over, what went goes', async () => {
      const base = await newBase(bob);
      const folder = { 'a.txt': 'one', 'docs/b.txt': 'two', 'docs/deep/c.txt': 'three' };
      const cut = (path) => ({ filename: path.split('/').at(-1), path: path.split('/').slice(0, -1).join('/') });
      const sync = async () => {
        const manifest = Object.entries(folder).map(([path, text]) => ({ ...cut(path), checksum: sha256(text), size: text.length }));
        const { json: difference } = await bob.post(`${kBases}/${base}/sync/diff`, { manifest }, { expect: 200 });
        const directories = { ...difference.directory_map };
        for (const path of difference.mkdir) {
          const { filename: name, path: around } = cut(path);
          directories[path] = await newDirectory(bob, base, name, directories[around] ?? null);
        }
        for (const { filename, path } of [...difference.added, ...difference.modified]) {
          const text = folder[path ? `${path}/${filename}` : filename];
          await upload(bob, text, filename, { metadata: { knowledge_id: base, directory_id: directories[path] }, expect: 200 });
        }
        const file_ids = [...difference.modified.map((file) => file.stale_file_id), ...difference.deleted.map((file) => file.file_id)];
        await bob.post(`${kBases}/${base}/sync/cleanup`, { file_ids, dir_ids: difference.rmdir }, { expect: 200 });
        return difference;
      };
      await sync();
      assert.deepEqual(Object.keys(await filesOf(bob, base)).sort(), Object.keys(folder).sort());
      assert.equal((await sync()).unmodified_count, 3, 'the second time there is nothing to do');
      folder['docs/b.txt'] = 'changed';
      delete folder['docs/deep/c.txt'];
      folder['new/d.txt'] = 'four';
      await sync();
      const now = await filesOf(bob, base);
      assert.deepEqual(Object.keys(now).sort(), Object.keys(folder).sort());
      assert.equal((await bob.get(`${kFiles}/${now['docs/b.txt']}/content`)).text, 'changed');
      const { json } = await bob.get(`${kBases}/${base}/files`, { expect: 200 });
      assert.deepEqual(json.directories.map((one) => one.name).sort(), ['docs', 'new']);
    });

    it('stay with those who have them when their owner is deleted', async () => {
      const carl = await server.user(admin, 'Carl');
      const [shared, own, bobs] = [await newBase(carl, 'shared'), await newBase(carl, 'own'), await newBase(bob, "bob's")];
      await share(carl, shared, eve, 'read');
      await share(bob, bobs, carl, 'write');
      const [first, second, third] = await Promise.all(['s.txt', 'b.txt', 'o.txt'].map((name) => newFile(carl, name)));
      await put(carl, shared, first);
      await put(carl, bobs, second);
      await put(carl, own, third);
      await admin.delete(`/api/v1/users/${carl.user.id}`, { expect: 200 });
      assert.deepEqual(await filesOf(eve, shared), { 's.txt': first });
      assert.equal((await eve.get(`${kFiles}/${first}/content`, { expect: 200 })).text, 's.txt');
      assert.deepEqual(await filesOf(bob, bobs), { 'b.txt': second });
      assert.equal((await admin.get(`${kBases}/${own}`)).status, 404);
      assert.equal((await admin.get(`${kFiles}/${third}`)).status, 404);
    });
  });
});

describe('a knowledge base at two replicas', () => {
  let one;
  let two;
  before(async () => {
    const databaseUrl = await (await sharedPostgres()).createDatabase();
    one = await startServer({ databaseUrl, env });
    two = await startServer({ databaseUrl, env });
  });
  after(async () => {
    await two?.close();
    await one?.close();
  });

  it('is one: files that come at both are in it once, and a folder that both make is one', async () => {
    const [here, there] = [await one.admin(), await two.admin()];
    const base = await newBase(here);
    const files = await Promise.all(Array.from({ length: 40 }, (_, i) => newFile(i % 2 ? here : there, `${i}.txt`)));
    const made = await Promise.all([here, there, here, there].map((who) => who.post(`${kBases}/${base}/dirs/create`, { name: 'same' })));
    assert.deepEqual(made.map((reply) => reply.status).sort(), [200, 400, 400, 400]);
    const directory = made.find((reply) => reply.status === 200).json.id;
    await Promise.all(files.flatMap((id, i) => [put(i % 2 ? there : here, base, id, directory), put(i % 2 ? here : there, base, id, directory)]));
    for (const who of [here, there]) assert.equal(Object.keys(await filesOf(who, base)).length, 40);
  });

  it('ends at both: what is taken out here is not there any more', async () => {
    const [here, there] = [await one.admin(), await two.admin()];
    const base = await newBase(here);
    const file = await newFile(there, 'a.txt');
    await put(here, base, file);
    await there.post(`${kBases}/${base}/file/remove`, { file_id: file }, { expect: 200 });
    assert.deepEqual(await filesOf(here, base), {});
    assert.equal((await here.get(`${kFiles}/${file}`)).status, 404);
    await here.request('DELETE', `${kBases}/${base}/delete`, undefined, { expect: 200 });
    assert.equal((await there.get(`${kBases}/${base}`)).status, 404);
  });
});

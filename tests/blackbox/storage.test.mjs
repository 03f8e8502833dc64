// Where files and pictures are kept: every replica sees what any has stored, or says at its start why it cannot.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { canMount, smallDisk } from '../lib/disk.mjs';
import { hasAzurite, startAzurite } from '../lib/azurite.mjs';
import { hasGcs, startGcs } from '../lib/gcs.mjs';
import { hasMinio, startMinio } from '../lib/minio.mjs';
import { dataUrl, fetchBytes, pictureOf, setPicture, somePng } from '../lib/pictures.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { change, rows } from '../lib/rows.mjs';
import { makeServer, startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const newDatabase = async () => (await sharedPostgres()).createDatabase();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const modelPicture = (client, id) => fetchBytes(client, `/api/v1/models/model/profile/image?id=${encodeURIComponent(id)}`);
const preset = (id, png) => ({ id, name: id, base_model_id: 'numbered', meta: { profile_image_url: png && dataUrl(png) }, params: {} });

/** Two replicas on one database, with folders of their own; `env` is what both are told. */
function replicas(title, { skip, env = async () => ({}) }) {
  describe(title, { skip }, () => {
    let provider;
    let one;
    let two;
    let admin;
    let there; // The administrator, at the other replica.
    before(async () => {
      provider = await startProvider();
      const options = { provider, databaseUrl: await newDatabase(), env: await env() };
      one = await startServer(options);
      two = await startServer(options);
      admin = await one.admin();
      there = await two.admin();
    });
    after(async () => {
      await two?.close();
      await one?.close();
      await provider?.stop();
    });

    it("a user's picture that one has stored is seen on the other, and the row is short", async () => {
      const png = somePng(300_000);
      const { json } = await setPicture(admin, png, { expect: 200 });
      const address = `/api/v1/users/${admin.user.id}/profile/image?v=${sha256(png)}`;
      assert.equal(json.profile_image_url, address);
      const seen = await fetchBytes(there, address);
      assert.equal(seen.type, 'image/png');
      assert.ok(seen.bytes.equals(png));
      const [row] = await rows(one, `SELECT profile_image_url AS url FROM "user" WHERE id = '${admin.user.id}'`);
      assert.equal(row.url, address);
      // Clients send back what they were given.
      await there.post('/api/v1/auths/update/profile', { name: 'Other', profile_image_url: address }, { expect: 200 });
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(png));
    });

    it("a model's picture too; its export holds the image, and so does its import", async () => {
      const png = somePng(50_000);
      const { json: made } = await admin.post('/api/v1/models/create', preset('a/b&c', png), { expect: 200 });
      assert.ok(made.meta.profile_image_url.endsWith(`&v=${sha256(png)}`), made.meta.profile_image_url);
      assert.ok((await until(async () => (await modelPicture(there, 'a/b&c')).type === 'image/png' && modelPicture(there, 'a/b&c'))).bytes.equals(png));
      assert.ok((await fetchBytes(there, made.meta.profile_image_url)).bytes.equals(png));
      const { json: exported } = await there.get('/api/v1/models/export', { expect: 200 });
      assert.equal(exported.find((m) => m.id === 'a/b&c').meta.profile_image_url, dataUrl(png));
      await there.post('/api/v1/models/model/delete', { id: 'a/b&c' }, { expect: 200 });
      await there.post('/api/v1/models/import', { models: exported }, { expect: 200 });
      await until(async () => (await modelPicture(admin, 'a/b&c')).bytes.equals(png), { what: 'the picture after the import' });
    });

    it('a copy of a model has its picture; an address alone gives nobody a blob', async () => {
      const png = somePng();
      await admin.post('/api/v1/models/create', preset('original', png), { expect: 200 });
      const { json: list } = await admin.get('/api/v1/models/all', { expect: 200 });
      const url = list.find((m) => m.id === 'original').meta.profile_image_url;
      await admin.post('/api/v1/models/create', { ...preset('copy'), meta: { profile_image_url: url } }, { expect: 200 });
      assert.ok((await modelPicture(admin, 'copy')).bytes.equals(png));
      const secret = somePng();
      await setPicture(admin, secret, { expect: 200 });
      const stolen = url.replace(/v=.*/u, `v=${sha256(secret)}`);
      const { json: thief } = await admin.post('/api/v1/models/create', { ...preset('thief'), meta: { profile_image_url: stolen } }, { expect: 200 });
      assert.equal(thief.meta.profile_image_url, undefined);
      assert.equal((await modelPicture(admin, 'thief')).type, 'image/svg+xml');
    });

    it('a row from before, with the image in it, goes on working', async () => {
      const png = somePng();
      await change(one, `UPDATE "user" SET profile_image_url = '${dataUrl(png)}' WHERE id = '${admin.user.id}'`);
      assert.ok((await pictureOf(there, admin.user)).bytes.equals(png));
    });
  });
}

replicas('two replicas that keep files in the database, which is what PostgreSQL has by default', {});
{
  let minio;
  const skip = !hasMinio && 'MinIO is not there: tools/setup storage';
  replicas('two replicas that keep files in a bucket', {
    skip,
    env: async () => ({ ...(minio = await startMinio()).env, S3_ENABLE_TAGGING: 'true' }),
  });
  after(() => minio?.stop());
}
for (const [title, there, start, key] of [
  ['in a bucket at Google', hasGcs, startGcs, null],
  ['in a container at Azure', hasAzurite, startAzurite, { AZURE_STORAGE_KEY: 'd3Jvbmc=' }],
]) {
  let storage;
  const skip = !there && 'its emulator is not there: tools/setup storage';
  replicas(`two replicas that keep files ${title}`, { skip, env: async () => (storage = await start()).env });
  after(() => storage?.stop());

  it(`files ${title}: a wrong key and a name that is none are refused with the cure`, { skip }, async () => {
    const own = await start();
    const names = { GCS_BUCKET_NAME: 'nowhere', AZURE_STORAGE_CONTAINER_NAME: 'nowhere' };
    try {
      for (const [env, cure] of [
        [names, /answers 404.*check (GCS_BUCKET_NAME|AZURE_STORAGE_CONTAINER_NAME)/],
        ...(key ? [[key, /answers 403.*AZURE_STORAGE_KEY/]] : []),
      ]) {
        const server = await makeServer({ env: { ...own.env, ...env } });
        try {
          assert.match(await server.startsNot(), cure);
        } finally {
          await server.close();
        }
      }
    } finally {
      await own.stop();
    }
  });
}

describe('a bucket', { skip: !hasMinio && 'MinIO is not there: tools/setup storage' }, () => {
  let minio;
  before(async () => {
    minio = await startMinio();
  });
  after(() => minio?.stop());

  it('is refused with the cure for a wrong key and for a name that is none', async () => {
    for (const [env, cure] of [
      [{ S3_SECRET_ACCESS_KEY: 'wrong' }, /answers 403.*S3_SECRET_ACCESS_KEY/],
      [{ S3_BUCKET_NAME: 'nowhere' }, /answers 404.*S3_BUCKET_NAME/],
    ]) {
      const server = await makeServer({ env: { ...minio.env, ...env } });
      try {
        assert.match(await server.startsNot(), cure);
      } finally {
        await server.close();
      }
    }
  });

  it('may stand in the name of the host', async () => {
    const server = await startServer({ env: { ...minio.env, S3_ADDRESSING_STYLE: 'virtual', S3_KEY_PREFIX: 'virtual' } });
    try {
      const admin = await server.admin();
      const png = somePng();
      await setPicture(admin, png, { expect: 200 });
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(png));
      assert.ok(minio.objects().includes(`virtual/blobs/${sha256(png).slice(0, 2)}/${sha256(png)}`), minio.objects().join('\n'));
    } finally {
      await server.close();
    }
  });

  it('that is away costs pictures only, and only as long as it is', async () => {
    const server = await startServer({ env: minio.env });
    try {
      const admin = await server.admin();
      const png = somePng();
      await setPicture(admin, png, { expect: 200 });
      await minio.halt();
      const away = await pictureOf(admin, admin.user);
      assert.equal(away.status, 502, away.text);
      assert.match(away.text, /file storage \(S3\)/);
      const { json } = await admin.post('/api/v1/chats/new', { chat: { title: 'without' } }, { expect: 200 });
      await server.restart();
      await server.client().signIn({ email: 'admin@x.io', password: 'correct horse 17' });
      assert.equal((await admin.chat(json.id)).title, 'without');
      await minio.start();
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(png));
    } finally {
      await server.close();
    }
  });
});

describe('a folder', () => {
  it('of its own is refused to the second replica with the cure, and one that both mount serves both', async () => {
    const options = { databaseUrl: await newDatabase(), env: { STORAGE_PROVIDER: 'local' } };
    const one = await startServer(options);
    const alone = await makeServer(options);
    const sharing = await makeServer({ ...options, dataDir: one.dataDir });
    try {
      const said = await alone.startsNot();
      assert.match(said, /each keep files in a folder of their own/);
      assert.match(said, /Mount one folder as DATA_DIR\/blobs on all replicas, or set STORAGE_PROVIDER=database/);
      await sharing.start();
      const png = somePng();
      const admin = await one.admin();
      await setPicture(admin, png, { expect: 200 });
      assert.ok((await pictureOf(await sharing.admin(), admin.user)).bytes.equals(png));
    } finally {
      await alone.close();
      await sharing.close();
      await one.close();
    }
  });

  it('beside a database is refused to the second replica', async () => {
    const databaseUrl = await newDatabase();
    const one = await startServer({ databaseUrl });
    const other = await makeServer({ databaseUrl, env: { STORAGE_PROVIDER: 'local' } });
    try {
      assert.match(await other.startsNot(), /keeps files in a folder, and the replica .* in the database.*same STORAGE_PROVIDER/);
    } finally {
      await other.close();
      await one.close();
    }
  });

  it('whose file is cut off gives no part of it, counts that, and takes the file again', async () => {
    const server = await startServer();
    try {
      const admin = await server.admin();
      const png = somePng(100_000);
      await setPicture(admin, png, { expect: 200 });
      const file = join(server.dataDir, 'blobs', sha256(png).slice(0, 2), sha256(png));
      assert.equal(statSync(file).size, 100_000);
      truncateSync(file, 50_000);
      const cut = await pictureOf(admin, admin.user);
      assert.equal(cut.status, 503);
      assert.match(cut.text, /missing or damaged/);
      const { text } = await admin.get('/metrics', { expect: 200 });
      assert.match(text, /antiphon_blob_faults_total\{kind="length"\} 1/);
      await setPicture(admin, png, { expect: 200 });
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(png));
    } finally {
      await server.close();
    }
  });

  it('that is full says so with 507, loses nothing, and takes pictures as soon as there is room', { skip: !canMount && 'mounting needs root or user namespaces' }, async () => {
    const disk = await smallDisk(24);
    const server = await startServer({ dataDir: disk.folder, wrap: disk.wrap });
    try {
      const admin = await server.admin();
      const before = somePng(200_000);
      await setPicture(admin, before, { expect: 200 });
      disk.fill();
      const next = somePng(200_000);
      const refused = await setPicture(admin, next);
      assert.equal(refused.status, 507, refused.text);
      assert.match(refused.json.detail, /disk is full/);
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(before));
      assert.deepEqual(readdirSync(disk.path('blobs/tmp')), []);
      disk.makeRoom();
      await setPicture(admin, next, { expect: 200 });
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(next));
    } finally {
      await server.close();
      await disk.stop();
    }
  });

  it('loses what nothing refers to, a day later, and nothing else', async () => {
    const server = await startServer();
    try {
      const admin = await server.admin();
      const [first, second, model] = [somePng(), somePng(), somePng()];
      await setPicture(admin, first, { expect: 200 });
      await setPicture(admin, second, { expect: 200 });
      await admin.post('/api/v1/models/create', { ...preset('own', model), base_model_id: null }, { expect: 200 });
      await admin.post('/api/v1/models/model/update?id=own', { ...preset('own', somePng()), base_model_id: null }, { expect: 200 });
      await server.terminate();
      await change(server, 'UPDATE blob SET touched_at = touched_at - 90000');
      await server.start();
      const fileOf = (png) => join(server.dataDir, 'blobs', sha256(png).slice(0, 2), sha256(png));
      await until(() => !existsSync(fileOf(first)), { what: 'the first picture is swept' });
      await until(() => server.log.includes('Removed files that nothing refers to'), { what: 'the sweep has ended' });
      assert.ok(existsSync(fileOf(second)));
      assert.ok(existsSync(fileOf(model)), 'an earlier version of the model has it');
      assert.ok((await pictureOf(admin, admin.user)).bytes.equals(second));
      assert.equal((await rows(server, 'SELECT id FROM blob')).length, 3);
    } finally {
      await server.close();
    }
  });
});

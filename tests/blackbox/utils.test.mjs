// A copy of the database, and other small services beside the chats.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';

const kDownload = '/api/v1/utils/db/download';

forEachDatabase((db) => {
  describe('utilities', () => {
    let server;
    let admin;
    let bob;
    before(async () => {
      server = await startServer({ databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0' } });
      admin = await server.admin();
      bob = await server.user(admin, 'Bob');
    });
    after(() => server?.close());

    const download = async () => {
      const reply = await fetch(server.url + kDownload, { headers: { Authorization: `Bearer ${admin.token}` } });
      return { reply, bytes: Buffer.from(await reply.arrayBuffer()) };
    };

    it('a copy of the database is whole, and nothing of it stays behind', { skip: db.name !== 'sqlite' && 'PostgreSQL has pg_dump' }, async () => {
      for (let i = 0; i < 30; i += 1) await bob.post('/api/v1/chats/new', { chat: { title: `Chat ${i}`, history: { messages: {}, currentId: null } } }, { expect: 200 });
      const copies = await Promise.all(Array.from({ length: 4 }, download));
      const good = copies.filter(({ reply }) => reply.status === 200);
      assert.ok(good.length >= 1);
      for (const { reply } of copies) assert.ok([200, 503].includes(reply.status), `${reply.status}`);
      const [{ reply, bytes }] = good;
      assert.equal(reply.headers.get('content-type'), 'application/octet-stream');
      assert.match(reply.headers.get('content-disposition'), /^attachment; filename="/);
      const folder = mkdtempSync(join(tmpdir(), 'antiphon-copy-'));
      try {
        writeFileSync(join(folder, 'antiphon.db'), bytes);
        const copy = { env: {}, dataDir: folder };
        assert.deepEqual(await rows(copy, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
        assert.deepEqual(await rows(copy, 'SELECT COUNT(*) AS n FROM chat'), [{ n: 30 }]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      assert.deepEqual(readdirSync(server.dataDir).filter((name) => name.includes('download')), []);
    });

    it('the database is for administrators', async () => {
      assert.equal((await bob.get(kDownload)).status, 401);
      if (db.name === 'postgres') assert.equal((await admin.get(kDownload)).status, 400);
    });

    it('a picture elsewhere is named, and code is not formatted', async () => {
      const { json } = await bob.get('/api/v1/utils/gravatar?email=MyEmailAddress%40example.com', { expect: 200 });
      assert.equal(json, 'https://www.gravatar.com/avatar/84059b07d4be67b806386c0aad8070a23f18836bbaae342275dc0a83414c32ee?d=mp');
      assert.equal((await admin.post('/api/v1/utils/code/format', { code: 'x=1' })).status, 400);
    });
  });

  it('nobody gets the database where exports are turned off', async () => {
    const server = await startServer({ databaseUrl: await db.create(), env: { ENABLE_ADMIN_EXPORT: 'false' } });
    try {
      assert.equal((await (await server.admin()).get(kDownload)).status, 401);
    } finally {
      await server.close();
    }
  });
});

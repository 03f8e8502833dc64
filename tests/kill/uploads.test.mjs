// kill -9 while pictures are uploaded: whoever was told that his is stored has it, whole; nobody is ever given half of one;
// and what was left lying is cleared up a day later.
//   ANTIPHON_UPLOAD_KILLS=50   how often, per database (default 25, on both)
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { pictureOf, setPicture, somePng } from '../lib/pictures.mjs';
import { change, rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, strain, until } from '../lib/until.mjs';

const kKills = Number(process.env.ANTIPHON_UPLOAD_KILLS ?? 25);
const kPeople = 3;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** One who uploads a picture after the other, and what he may find after a crash. */
class Uploader {
  constructor(client) {
    this.client = client;
    this.acknowledged = null;
    this.sent = []; // Since the last that was acknowledged.
    this.uploads = 0;
  }

  async uploadUntil(over) {
    while (!over()) {
      const png = somePng(700_000);
      this.sent.push(png);
      try {
        await setPicture(this.client, png, { expect: 200 });
      } catch (error) {
        if (/ instead of 200/u.test(error.message)) throw error; // Refused, not cut off.
        return;
      }
      this.acknowledged = png;
      this.sent = [];
      this.uploads += 1;
    }
  }

  async check() {
    const seen = await pictureOf(this.client, this.client.user);
    assert.equal(seen.status, 200, seen.text);
    if (seen.type === 'image/svg+xml' && !this.acknowledged) return;
    const found = [this.acknowledged, ...this.sent].filter(Boolean).find((png) => png.equals(seen.bytes));
    assert.ok(found, `${seen.bytes.length} bytes that nobody sent`);
    this.acknowledged = found;
    this.sent = [];
  }
}

forEachDatabase((db) => {
  describe(`killed ${kKills} times within uploads`, () => {
    let server;
    let people;
    before(async () => {
      server = await startServer({ databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0' } });
      const admin = await server.admin();
      people = [new Uploader(admin)];
      while (people.length < kPeople) people.push(new Uploader(await server.user(admin, `User${people.length}`)));
    });
    after(() => server?.close());

    /** Ids of what lies in the folder, and names of what is on its way there. */
    function files() {
      const folder = join(server.dataDir, 'blobs');
      if (!existsSync(folder)) return { whole: [], arriving: [] };
      const sub = readdirSync(folder).filter((name) => /^[0-9a-f]{2}$/u.test(name));
      return { whole: sub.flatMap((name) => readdirSync(join(folder, name))).sort(), arriving: readdirSync(join(folder, 'tmp')) };
    }

    const total = () => people.reduce((sum, one) => sum + one.uploads, 0);
    let left = 0;
    it('everybody has what he was told he has', async () => {
      for (let kills = 0; kills < kKills; kills += 1) {
        let over = false;
        const all = people.map((one) => one.uploadUntil(() => over));
        const before = total();
        await until(() => total() > before, { ms: 20_000, what: 'an upload is acknowledged' });
        await sleep(Math.random() * 300 * strain());
        await server.kill();
        over = true;
        await Promise.all(all);
        left = Math.max(left, files().arriving.length);
        await server.start();
        for (const one of people) await one.check();
      }
      console.log(`# ${db.name}: ${kKills} kills, ${total()} pictures acknowledged, up to ${left} left half-way`);
      assert.ok(total() >= kKills, 'something was uploaded');
    });

    it('and a day later nothing else is there', async () => {
      const kept = people.filter((one) => one.acknowledged).map((one) => sha256(one.acknowledged)).sort();
      assert.ok((await rows(server, 'SELECT id FROM blob')).length > kept.length, 'there is something to clear up');
      await server.kill();
      await change(server, 'UPDATE blob SET touched_at = touched_at - 90000');
      const yesterday = new Date(Date.now() - 90_000_000);
      for (const name of files().arriving) utimesSync(join(server.dataDir, 'blobs/tmp', name), yesterday, yesterday);
      await server.start();
      await until(async () => (await rows(server, 'SELECT id FROM blob')).length === kept.length, { ms: 30_000, what: 'what is left over is swept' });
      assert.deepEqual((await rows(server, 'SELECT id FROM blob ORDER BY id')).map((row) => row.id), kept);
      if (db.name === 'sqlite') assert.deepEqual(files(), { whole: kept, arriving: [] });
      else assert.deepEqual((await rows(server, 'SELECT DISTINCT blob_id AS id FROM blob_chunk ORDER BY 1')).map((row) => row.id), kept);
      for (const one of people) await one.check();
    });
  });
});

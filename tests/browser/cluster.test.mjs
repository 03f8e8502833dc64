// Administration → Cluster: two real processes on one PostgreSQL, seen by an administrator.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, patience, sizes } from '../lib/browser.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { WrongClock } from '../lib/clock.mjs';
import { makeServer } from '../lib/server.mjs';

describe('the cluster page', () => {
  let stage;
  let second;
  before(async () => {
    const databaseUrl = (await sharedPostgres()).createDatabase();
    stage = await openStage({ databaseUrl, env: { ANTIPHON_NODE_NAME: 'web-1' } });
    // The same environment as the first, but for its own affairs, and a clock that is off.
    const { HOST, PORT, DATA_DIR, ANTIPHON_NODE_NAME, ...env } = stage.server.env;
    second = await makeServer({ databaseUrl, env: { ...env, ANTIPHON_NODE_NAME: 'web-2' } });
    Object.assign(second.env, new WrongClock(second.dataDir, -2).env);
    await second.start();
  });
  after(async () => {
    await second?.close();
    await stage?.close();
  });

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark']) {
      it(`shows who serves, the database, and warnings with their cure: ${size}, ${colorScheme}`, async () => {
        const seat = await stage.seat(stage.admin, { viewport, colorScheme });
        await seat.open('/admin/cluster');
        const { page } = seat;
        await page.getByText('2 processes serve together.').waitFor();
        for (const name of ['web-1', 'web-2']) await page.getByRole('listitem').filter({ hasText: name }).filter({ hasText: 'Serving' }).waitFor();
        await page.getByRole('listitem').filter({ hasText: 'web-1' }).filter({ hasText: 'answers you' }).waitFor();
        const warning = page.getByRole('listitem').filter({ hasText: 'AP-004' });
        assert.match(await warning.innerText(), /web-2: This machine's clock is \d+ s.* behind the database's[^]*Fix NTP/);
        await page.getByText(/1 node × 4 \+ 4 of this node = 8/).waitFor();
        await page.getByText('All with the key in use').waitFor();
        await seat.assertSound(`cluster, ${size}, ${colorScheme}`);
        await seat.shot(`cluster-${size}-${colorScheme}`);
      });
    }
  }

  it('is reached and read again by the keyboard, and a process that left is gone', async () => {
    const seat = await stage.seat();
    await seat.open('/admin/general');
    const { page } = seat;
    await page.getByRole('link', { name: 'Cluster' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('2 processes serve together.').waitFor();
    await second.terminate();
    await page.getByRole('button', { name: 'Look again' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('One process serves. They agree on everything they must.').waitFor({ timeout: patience() });
    assert.deepEqual(seat.faults, []);
  });
});

// A newcomer's journey in a real browser: first account, first answer, reload, stop, again, rename, search; and a phone's width.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openBrowser, patience, sendBy } from '../lib/browser.mjs';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

/** Screenshots for people to look at; the tests do not compare them. */
const shots = process.env.ANTIPHON_SHOTS ?? join(tmpdir(), 'antiphon-shots');
mkdirSync(shots, { recursive: true });

forEachDatabase((db) => {
  describe('in a browser', () => {
    let provider;
    let server;
    let browser;
    let page;
    const complaints = [];
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create() });
      browser = await openBrowser();
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      page.setDefaultTimeout(patience());
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && /Content Security Policy|Refused/u.test(message.text())) complaints.push(message.text());
      });
    });
    after(async () => {
      await browser?.close();
      await server?.close();
      await provider?.stop();
    });
    const shot = (name) => page.screenshot({ path: join(shots, `${db.name}-${name}.png`) });
    const say = (text) => sendBy(page, text);

    it('makes the first account', async () => {
      await page.goto(server.url);
      await page.getByLabel('Name').fill('Ada');
      await page.getByLabel('E-mail').fill('ada@x.io');
      await page.getByLabel('Password').fill('correct horse 42');
      await shot('1-first-account');
      await page.getByRole('button', { name: 'Create the first account' }).click();
      await page.getByRole('textbox', { name: /message/iu }).waitFor();
      await shot('2-empty');
    });

    it('streams an answer and shows it whole after a reload', async () => {
      await say('Count for me [[tokens=60 delay=10]]');
      await page.getByText('t59').first().waitFor();
      await shot('3-answer');
      await page.reload();
      await page.getByText('t59').first().waitFor();
    });

    it('shows an answer that is being written after a reload, to its end', async () => {
      await say('Slowly now [[tokens=150 delay=20]]');
      await page.getByText(/\bt5\b/u).last().waitFor();
      await page.reload();
      await page.getByText(/\bt149\b/u).last().waitFor();
    });

    it('stops when asked', async () => {
      await say('For ever [[tokens=5000 delay=20]]');
      // Of this answer: those before it have a seventh token, too.
      await page.getByRole('article', { name: /^Answer of/u }).nth(2).getByText(/\bt7\b/u).waitFor();
      await page.getByRole('button', { name: /stop/iu }).first().click();
      await page.getByRole('button', { name: /stop/iu }).first().waitFor({ state: 'detached' });
      await shot('4-stopped');
    });

    it('finds the chat again by its words, by keyboard', async () => {
      await page.goto(server.url);
      await page.getByRole('button', { name: /search/iu }).first().click();
      const search = page.getByRole('combobox', { name: /search/iu });
      await search.fill('Slowly');
      await page.getByRole('option').first().waitFor();
      await shot('5-search');
      await search.press('Enter');
      await page.getByText(/\bt149\b/u).last().waitFor();
    });

    it('fits a phone', async () => {
      await page.setViewportSize({ width: 390, height: 844 });
      await shot('6-phone');
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `the page is ${wide} px wide`);
      await page.setViewportSize({ width: 1280, height: 800 });
    });

    it('ran without a fault in a script and without breaking its own policy', () => {
      assert.deepEqual(complaints, []);
    });
  });
});

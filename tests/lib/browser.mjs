// A real browser at the real program: one stage (provider, server, browser) for a file of tests, and seats of signed-in people on it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startProvider } from '../provider/provider.mjs';
import { startServer } from './server.mjs';
import { strain, within } from './until.mjs';

const kBrowser = process.env.ANTIPHON_CHROMIUM ?? '/usr/bin/chromium';
const kArgs = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
/** Screenshots for people to look at; the tests do not compare them. */
const shots = process.env.ANTIPHON_SHOTS ?? join(tmpdir(), 'antiphon-shots');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const sizes = Object.freeze({ desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } });

/** Milliseconds a page may take for what a test waits for. */
export const patience = () => Math.round(15_000 * strain());

/** Sends a question by Enter. */
export async function sendBy(page, text) {
  const box = page.getByRole('textbox', { name: 'Your message' });
  await box.fill(text);
  // Into the box, wherever the focus is: a menu that closes gives it back to its button.
  await box.press('Enter');
}

export const openBrowser = () => within(60_000, 'the browser is up', chromium.launch({ executablePath: kBrowser, args: kArgs }));

/** What axe finds in the page that is serious or critical. */
export async function violations(page) {
  await page.evaluate(axe);
  const look = page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const found = await within(60_000, 'axe has looked at the page', look);
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`);
}

/** One person at one page. */
class Seat {
  /** Faults of scripts and breaches of the page's own policy; a test ends with `assert.deepEqual(seat.faults, [])`. */
  faults = [];

  constructor(stage, context, page, touch) {
    this.touch = touch;
    this.stage = stage;
    this.context = context;
    this.page = page;
    page.setDefaultTimeout(patience());
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy|Refused/u.test(message.text())) this.faults.push(message.text());
    });
  }

  get composer() {
    return this.page.getByRole('textbox', { name: 'Your message' });
  }

  get questions() {
    return this.page.getByRole('article', { name: 'You' });
  }

  get answers() {
    return this.page.getByRole('article', { name: /^Answer of/u });
  }

  get sidebar() {
    return this.page.getByRole('navigation', { name: 'Chats' });
  }

  button(name, within = this.page) {
    return within.getByRole('button', { name, exact: true });
  }

  dialog(name) {
    return this.page.getByRole('dialog', { name });
  }

  async open(path = '/') {
    await this.page.goto(this.stage.server.url + path);
    await this.page.locator('main h1').first().waitFor({ state: 'attached' });
  }

  /** Sends a question, without waiting for its answer. */
  async say(text) {
    // Where one types on glass, Enter begins a new line.
    if (!this.touch) return sendBy(this.page, text);
    await this.composer.fill(text);
    await this.button('Send').click();
  }

  /** Sends a question and waits until its answer is complete; gives the text of the last answer. */
  async ask(text) {
    const before = await this.answers.count();
    await this.say(text);
    return this.answered(before + 1);
  }

  /** Waits until there are (at least) so many answers and all are complete; gives the last one's text. */
  async answered(count = 1) {
    await this.answers.nth(count - 1).waitFor();
    await this.page.waitForFunction(() => document.querySelectorAll('article[aria-busy]').length > 0 && !document.querySelector('article[aria-busy=true]'));
    return this.textOf(this.answers.last());
  }

  async textOf(answer) {
    return (await answer.locator('.prose').allInnerTexts()).join('\n').trim();
  }

  /** The id of the open chat, as its address says it. */
  get chatId() {
    return new URL(this.page.url()).pathname.split('/c/')[1];
  }

  /** Chooses an entry of the menu with this name. */
  async choose(menu, entry, within = this.page) {
    await this.openMenu(menu, within);
    await this.page.getByRole('menuitem', { name: entry }).click();
  }

  async openMenu(menu, within = this.page) {
    const trigger = within.getByRole('button', { name: menu }).first();
    await trigger.hover();
    await trigger.click();
    await this.page.getByRole('menu').first().waitFor();
  }

  async shot(name) {
    mkdirSync(shots, { recursive: true });
    await this.page.screenshot({ path: join(shots, `${name}.png`) });
  }

  /** Nothing went wrong in the page, it fits its window, and axe finds nothing. */
  async assertSound(what) {
    const { width } = this.page.viewportSize();
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${what}: ${wide} px wide`);
    assert.deepEqual(await violations(this.page), [], what);
    assert.deepEqual(this.faults, [], what);
  }
}

class Stage {
  #seats = [];

  constructor(parts) {
    Object.assign(this, parts);
  }

  /** A page of its own context; `client` (of lib/client.mjs) is who is signed in, null a stranger. `options`: of the browser's context. */
  async seat(client = this.admin, { viewport = sizes.desk, ...options } = {}) {
    const { context, page } = await within(30_000, 'the browser opens a page', this.#open({ viewport, reducedMotion: 'reduce', ...options }, client));
    const seat = new Seat(this, context, page, options.hasTouch ?? false);
    this.#seats.push(seat);
    return seat;
  }

  async #open(options, client) {
    const context = await this.browser.newContext(options);
    if (client) await context.addCookies([{ name: 'token', value: client.token, url: this.server.url, httpOnly: true, sameSite: 'Lax' }]);
    return { context, page: await context.newPage() };
  }

  get faults() {
    return this.#seats.flatMap((seat) => seat.faults);
  }

  async close() {
    await this.browser?.close();
    await this.server?.close();
    await this.provider?.stop();
  }
}

/** Everything for a file of tests, with an administrator. No limits of rate, which are for people and not for tests; all may use all models. */
export async function openStage({ env = {}, databaseUrl } = {}) {
  const provider = await startProvider();
  const server = await startServer({ provider, databaseUrl, env: { ANTIPHON_RATE_LIMITS: '0', BYPASS_MODEL_ACCESS_CONTROL: 'true', ...env } });
  return new Stage({ provider, server, admin: await server.admin(), browser: await openBrowser() });
}

// Open WebUI 0.12.4's own browser client, unmodified, served by us (FRONTEND_BUILD_DIR): the paths people take every day.
// It lies in the installed package (tools/peer install) and stays there. Every request of it that we refuse is told, and none but
// those of kKnown may be.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kBrowser = process.env.ANTIPHON_CHROMIUM ?? '/usr/bin/chromium';
const kArgs = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const shots = process.env.ANTIPHON_SHOTS ?? join(tmpdir(), 'antiphon-shots');
const ada = { name: 'Ada', email: 'ada@x.io', password: 'correct horse 42' };

/** Refusals that do no harm, and why. */
const kKnown = [
  [/^404 GET \/api\/v1\/(retrieval|audio|images)\//, 'settings pages of features that come later'],
  [/^40[34] GET \/api\/v1\/channels\//, 'channels are off: Open WebUI answers 403 then'],
];
/** What its scripts complain about without harm. */
const kKnownComplaints = [
  /^Loading media from\s+'data:audio/, //  a silent sound that wakes iOS up; media come from 'self' and blob: only
  /^Failed to load resource/, //           told by kKnown
  /^No token found in localStorage/,
];

function clientFolder() {
  const tool = resolve(dirname(fileURLToPath(import.meta.url)), '../../tools/peer');
  const venv = execFileSync(tool, ['where'], { encoding: 'utf8' }).trim();
  const lib = join(venv, 'lib');
  const python = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python3')) : undefined;
  const folder = join(lib, python ?? '', 'site-packages/open_webui/frontend');
  if (!existsSync(join(folder, 'index.html'))) throw new Error(`${folder}: tools/peer install`);
  return folder;
}

describe("Open WebUI's own client on our server", () => {
  let provider;
  let server;
  let browser;
  let page;
  const refused = new Map();
  const complaints = [];

  function listen(to) {
    to.on('pageerror', (error) => complaints.push(`script: ${error.message || error.name}`));
    to.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    to.on('response', (response) => {
      if (response.status() < 400) return;
      const { pathname } = new URL(response.url());
      const what = `${response.status()} ${response.request().method()} ${pathname}`;
      refused.set(what, (refused.get(what) ?? 0) + 1);
    });
  }

  before(async () => {
    mkdirSync(shots, { recursive: true });
    provider = await startProvider();
    server = await startServer({ provider, env: { FRONTEND_BUILD_DIR: clientFolder() } });
    browser = await chromium.launch({ executablePath: kBrowser, args: kArgs });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    listen(page);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await provider?.stop();
  });

  const shot = (name) => page.screenshot({ path: join(shots, `upstream-${name}.png`) });
  const say = async (text) => {
    await page.locator('#chat-input').click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };
  const button = (name) => page.getByRole('button', { name });
  const last = (pattern) => page.getByText(pattern).last();
  const idle = () => button('Stop').waitFor({ state: 'detached' });
  /** The current chat, as our API has it. */
  const stored = async () => {
    const id = new URL(page.url()).pathname.split('/')[2];
    const token = await page.evaluate(() => localStorage.token);
    const reply = await fetch(`${server.url}/api/v1/chats/${id}`, { headers: { Authorization: `Bearer ${token}` } });
    return (await reply.json()).chat;
  };

  it('makes the first account', async () => {
    await page.goto(server.url);
    await page.getByText('Get started').click();
    await page.getByPlaceholder('Enter Your Full Name').fill(ada.name);
    await page.getByPlaceholder('Enter Your Email').fill(ada.email);
    await page.getByPlaceholder('Enter Your Password').first().fill(ada.password);
    await shot('01-first-account');
    await button('Create Admin Account').click();
    await button("Okay, Let's Go!").click();
    await page.locator('#chat-input').waitFor();
    await shot('02-empty');
  });

  it('lists the models', async () => {
    await button(/Selected model/).click();
    await page.getByRole('option', { name: 'Select n200d5 model' }).waitFor();
    assert.equal(await page.getByRole('option').count(), 11);
    await page.getByRole('combobox', { name: 'Search In Models' }).fill('reason');
    const names = async () => (await page.getByRole('option').allTextContents()).map((name) => name.trim());
    // Its search is a fuzzy one: the best comes first, and most are gone.
    await until(async () => (await names())[0] === 'reasoner' && (await names()).length < 4);
    await shot('03-models');
    await page.keyboard.press('Escape');
  });

  it('shows an answer while it is written, and whole in the end', async () => {
    await say('Count for me [[tokens=80 delay=25]]');
    await last(/\bt5\b/u).waitFor();
    assert.equal(await page.getByText(/\bt79\b/u).count(), 0, 'it came in one piece');
    await last(/\bt79\b/u).waitFor();
    await idle();
    await page.getByText('Why 3?').first().waitFor(); // a follow-up
    await shot('04-answer');
  });

  it('shows it after a reload', async () => {
    await page.reload();
    await last(/\bt79\b/u).waitFor();
    assert.match(page.url(), /\/c\/[0-9a-f-]{36}$/);
  });

  it('goes on with an answer through a reload in its midst', async () => {
    await say('Slowly now [[tokens=150 delay=30]]');
    await last(/\bt8\b/u).waitFor();
    await page.reload();
    await last(/\bt20\b/u).waitFor();
    assert.equal(await page.getByText(/\bt149\b/u).count(), 0, 'it was over before the reload was');
    await last(/\bt149\b/u).waitFor();
    await idle();
    const texts = Object.values((await stored()).history.messages).map((message) => message.content);
    assert.ok(texts.some((text) => /^#\d+( t\d+)*$/.test(text) && text.split(' ').length === 151), 'a token is missing or doubled');
  });

  it('stops an answer', async () => {
    await say('For ever [[tokens=400 delay=25]]');
    await last(/\bt9\b/u).waitFor();
    await button('Stop').click();
    await idle();
    await until(() => provider.calls.at(-1)?.closedBy === 'client' || provider.calls.some((call) => call.options.tokens === 400 && call.closedAt));
    await shot('05-stopped');
  });

  it('continues it', async () => {
    await button('Continue Response').last().click();
    await last(/\bt399\b/u).waitFor();
    await idle();
    const { history } = await stored();
    assert.equal(history.messages[history.currentId].content.split(' t').length, 401, 'there is a seam');
  });

  it('regenerates, and steps between the answers', async () => {
    await button('Regenerate').last().click();
    await button('Try Again').click();
    await page.getByText('2/2').waitFor();
    await button('Stop').click();
    await idle();
    await button('Previous message').last().click();
    await page.getByText('1/2').waitFor();
    await last(/\bt399\b/u).waitFor();
    await shot('06-branches');
  });

  it('edits a question and asks anew', async () => {
    await page.getByText(/^For ever/).last().hover();
    await button('Edit').nth(-2).click();
    const box = page.locator('textarea[id^="message-edit-"]');
    await box.fill('Shortly [[tokens=12 delay=5]]');
    await button('Send').last().click();
    await page.getByText(/^Shortly/).last().waitFor();
    await last(/\bt11\b/u).waitFor();
    await idle();
    const { history } = await stored();
    const asked = Object.values(history.messages).filter((message) => message.role === 'user').map((message) => message.content);
    assert.ok(asked.some((text) => text.startsWith('Shortly')) && asked.some((text) => text.startsWith('For ever')), `${asked}`);
  });

  it('shows reasoning, a tool, and an error for what they are', async () => {
    await say('Think [[tokens=8 delay=5 reasoning=6]]');
    await last(/Thought for/u).waitFor();
    await last(/\bt7\b/u).waitFor();
    await idle();
    await say('What time is it? [[tokens=9 delay=5 tool=get_current_timestamp]]');
    await last(/get_current_timestamp/u).waitFor();
    await last(/\bt8\b/u).waitFor();
    await idle();
    await say('Fail [[refuse=500 message="out of order"]]');
    await last(/out of order/u).waitFor();
    await idle();
    await shot('07-kinds');
  });

  it('renames a chat', async () => {
    await button('Open Sidebar').click();
    await page.locator('#sidebar-chat-item').first().hover();
    await button('Chat Menu').first().click();
    await page.getByText('Rename', { exact: true }).first().click();
    const box = page.locator('[id^=chat-title-input-]');
    await box.fill('Numbers and colours');
    await box.press('Enter');
    await page.getByRole('heading', { name: 'Numbers and colours' }).waitFor();
    await until(async () => (await stored()).title === 'Numbers and colours');
    await shot('08-renamed');
  });

  it('finds it by its title and by its words', async () => {
    for (const words of ['colours', 'Slowly']) {
      await button('Search').first().click();
      const search = page.getByRole('combobox', { name: 'Search your workspace' });
      await search.fill(words);
      await page.getByRole('option', { name: /Numbers and colours/ }).first().waitFor();
      await shot(`09-search-${words}`);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Numbers and colours' }).waitFor();
    }
  });

  it('answers with two models at once', async () => {
    await page.goto(`${server.url}/?models=numbered,n50d5`);
    await page.locator('#chat-input').waitFor();
    await say('Both of you [[tokens=10 delay=5]]');
    await until(async () => (await page.getByText(/\bt9\b/u).count()) === 2);
    await idle();
    await shot('10-two-models');
  });

  it('keeps a temporary chat out of the list', async () => {
    await page.goto(`${server.url}/?temporary-chat=true`);
    await page.locator('#chat-input').waitFor();
    await say('Forget me [[tokens=7 delay=5]]');
    await last(/\bt6\b/u).waitFor();
    await idle();
    await say('And again [[tokens=6 delay=5]]');
    await last(/\bt5\b/u).waitFor();
    await idle();
    const call = provider.answers.at(-1);
    assert.equal(call.messages.filter((message) => message.role === 'user').length, 2, 'the model forgot what was said before');
    const token = await page.evaluate(() => localStorage.token);
    const list = await (await fetch(`${server.url}/api/v1/chats/`, { headers: { Authorization: `Bearer ${token}` } })).json();
    assert.ok(!list.some((chat) => /Forget/.test(chat.title)), 'it is in the list');
  });

  it('keeps its settings', async () => {
    await page.goto(server.url);
    await button(/User menu|Open User Profile Menu/).first().click();
    await page.getByText('Settings', { exact: true }).first().click();
    await page.getByText('General', { exact: true }).first().waitFor();
    await shot('11-settings');
    await page.keyboard.press('Escape');
    await page.goto(server.url);
    await page.locator('#chat-input').waitFor();
    await shot('12-again');
  });

  const kPages = {
    '/admin/users': /ada@x\.io/u,
    '/admin/users/groups': /group/iu,
    '/admin/settings/general': /Sign ?Ups?|Authentication/u,
    '/admin/settings/connections': /OpenAI API/u,
    '/admin/settings/models': /numbered/u,
    '/admin/settings/interface': /Title Generation/u,
    '/admin/settings/evaluations': /Arena/u,
    '/admin/evaluations/leaderboard': /Leaderboard/u,
    '/admin/evaluations/feedback': /Feedback/u,
    '/workspace/models': /Models/u,
    '/workspace/prompts': /Prompts/u,
    '/workspace/knowledge': /Knowledge/u,
    '/workspace/tools': /Workspace|Tools/u,
  };
  for (const [path, words] of Object.entries(kPages)) {
    it(`opens ${path}`, async () => {
      await page.goto(server.url + path);
      await page.locator('main, #main-content, body').getByText(words).first().waitFor();
      await shot(`13${path.replaceAll('/', '-')}`);
    });
  }

  it('signs out, refuses a wrong password, and signs in again', async () => {
    await page.goto(server.url);
    const before = await page.evaluate(() => localStorage.token);
    await button(/User menu|Open User Profile Menu/).first().click();
    await page.getByText('Sign Out').click();
    await page.getByPlaceholder('Enter Your Email').waitFor();
    assert.equal((await fetch(`${server.url}/api/v1/chats/`, { headers: { Authorization: `Bearer ${before}` } })).status, 401);
    await page.getByPlaceholder('Enter Your Email').fill(ada.email);
    await page.getByPlaceholder('Enter Your Password').first().fill('wrong');
    await page.keyboard.press('Enter');
    await until(() => refused.has('400 POST /api/v1/auths/signin'));
    refused.delete('400 POST /api/v1/auths/signin');
    await page.getByPlaceholder('Enter Your Password').first().fill(ada.password);
    await page.keyboard.press('Enter');
    await page.locator('#chat-input').waitFor();
    await say('Still here? [[tokens=6 delay=5]]');
    await last(/\bt5\b/u).waitFor();
    await idle();
    await shot('14-again');
  });

  it('was refused nothing that it needs', (t) => {
    for (const [what, count] of refused) t.diagnostic(`${count} × ${what}`);
    const unknown = [...refused.keys()].filter((what) => !kKnown.some(([pattern]) => pattern.test(what)));
    assert.deepEqual(unknown, []);
  });

  it('complained about nothing that stops it', () => {
    assert.deepEqual(complaints.filter((text) => !kKnownComplaints.some((pattern) => pattern.test(text))), []);
  });
});

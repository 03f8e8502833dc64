// Every page in both themes and at both sizes: what axe finds, what is wider than the window or too small for a finger, what the console says.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openBrowser, patience, sizes, violations } from '../lib/browser.mjs';
import { adminAccount, startServer } from '../lib/server.mjs';
import { startProvider } from '../provider/provider.mjs';

/** By the guidelines a finger needs 44 pixels. */
const kFinger = 44;
const say = '# Title\n\nA [link](https://example.org) and `code`.\n\n```js\nconst a = 1; // one\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\nA formula, $a^2$, and\n\n$$\\frac{1}{2}$$\n\nשלום עולם\n';

/** What can be pressed and is smaller than a finger. Links inside a sentence are as high as its line, and inputs have their label. */
function tooSmall(page) {
  return page.evaluate((least) => {
    const all = [...document.querySelectorAll('button, a[href], summary, select, input:not([type=radio], [type=checkbox], [type=file])')];
    return all
      .filter((element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
      .filter((element) => !element.closest('p, .prose, .sr-only, [inert]') && !element.classList.contains('sr-only'))
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && box.height > 0 && (box.height < least - 1 || box.width < least - 1))
      .map(({ element, box }) => `${Math.round(box.width)}×${Math.round(box.height)} ${element.outerHTML.slice(0, 140)}`);
  }, kFinger);
}

describe('every page', () => {
  let provider;
  let server;
  let admin;
  let browser;
  let chat;
  let folder;
  before(async () => {
    provider = await startProvider();
    server = await startServer({ provider, env: { ANTIPHON_RATE_LIMITS: '0' } });
    browser = await openBrowser();
    admin = await server.admin();
    const socket = await admin.connect();
    provider.script({ say, delay: 0 }, { contains: 'every kind' });
    chat = (await admin.ask('One of every kind, please', { socket })).chatId;
    folder = (await admin.post('/api/v1/folders/', { name: 'Folder' }, { expect: 200 })).json.id;
    await admin.post('/api/v1/auths/add', { name: 'Grace', email: 'grace@x.io', password: 'pass of grace 17', role: 'user' }, { expect: 200 });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await provider?.stop();
  });

  const pages = () => [
    '/', '/?temporary', `/c/${chat}`, `/f/${folder}`, '/connect', '/nowhere',
    ...['account', 'appearance', 'answers', 'keys', 'archive'].map((tab) => `/settings/${tab}`),
    ...['users', 'connections', 'models', 'files', 'general', 'cluster'].map((tab) => `/admin/${tab}`),
  ];

  for (const theme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries(sizes)) {
      it(`is accessible, fits and is quiet: ${theme}, ${size}`, async () => {
        const isPhone = size === 'phone';
        const context = await browser.newContext({ viewport, colorScheme: theme, isMobile: isPhone, hasTouch: isPhone, reducedMotion: 'reduce' });
        const page = await context.newPage();
        page.setDefaultTimeout(patience());
        const faults = [];
        page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
        page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(`${page.url()}: ${message.text()}`));
        const look = async (name) => {
          faults.push(...(await violations(page)).map((text) => `${name}: ${text}`));
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          if (width > viewport.width) faults.push(`${name}: ${width} px wide`);
          if (isPhone) faults.push(...(await tooSmall(page)).map((text) => `${name}: too small: ${text}`));
        };

        await page.goto(server.url);
        await page.getByLabel('E-mail').waitFor();
        await look('sign-in');
        await page.getByLabel('E-mail').fill(adminAccount.email);
        await page.getByLabel('Password').fill(adminAccount.password);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.locator('#composer').waitFor();
        for (const path of pages()) {
          await page.goto(server.url + path);
          await page.locator('main h1').first().waitFor({ state: 'attached' });
          await page.waitForLoadState('networkidle');
          if (path.startsWith('/c/')) await page.locator('.prose mfrac').waitFor();
          await look(path);
        }
        if (isPhone) {
          await page.getByRole('button', { name: 'Show the sidebar' }).click();
          await look('the drawer');
        }
        await context.close();
        assert.deepEqual(faults, []);
      });
    }
  }
});

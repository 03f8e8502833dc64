// Takes a picture of every page: npm run screens -- <server> <e-mail> <password> <folder>
// CHROMIUM names the browser. To be looked at by people; it asserts only that no page is wider than its window.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, email, password, folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: npm run screens -- <server> <e-mail> <password> <folder>');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const pages = [
  '/', '/connect',
  ...['account', 'appearance', 'answers', 'keys', 'archive'].map((tab) => `/settings/${tab}`),
  ...['users', 'connections', 'models', 'general', 'cluster'].map((tab) => `/admin/${tab}`),
];
const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
let tooWide = 0;

async function take(page, name) {
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
    console.error(`${name}: wider than the window`);
    tooWide++;
  }
}

for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of Object.entries(sizes)) {
    const context = await browser.newContext({ viewport, colorScheme, isMobile: size === 'phone', hasTouch: size === 'phone' });
    const page = await context.newPage();
    await page.goto(base);
    await page.getByLabel('E-mail').waitFor();
    await take(page, `${colorScheme}-${size}-entrance`);
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('main').waitFor();
    await page.getByLabel('E-mail').waitFor({ state: 'detached' });
    for (const path of pages) {
      await page.goto(base + path);
      await take(page, `${colorScheme}-${size}${path === '/' ? '-new' : path.replaceAll('/', '-')}`);
    }
    const chats = await context.request.get(`${base}/api/v1/chats/?page=1`).then((reply) => reply.json());
    if (chats[0]) {
      await page.goto(`${base}/c/${chats[0].id}`);
      await take(page, `${colorScheme}-${size}-chat`);
    }
    await context.close();
  }
}
await browser.close();
process.exit(tooWide ? 1 : 0);

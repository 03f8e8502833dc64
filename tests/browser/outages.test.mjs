// The server dies, restarts or is away while somebody is at the page: it says so, recovers by itself, and no token is lost or doubled.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep } from '../lib/until.mjs';

describe('a server that goes away, in a browser', () => {
  let stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());
  const notice = (seat) => seat.page.getByText(/The connection is lost|The server cannot be reached/u);
  /** Tokens that stand in the page now. */
  const countOf = async (seat) => readTokens(await seat.textOf(seat.answers.last())).count;

  it('killed in the middle of an answer: what was written stays, and Continue writes the rest', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.say('Die in the middle [[tokens=150 delay=20]]');
    await seat.page.getByText(/\bt20\b/u).waitFor();
    await stage.server.restart();
    const kept = readTokens(await seat.answered()).count;
    assert.ok(kept >= 20 && kept <= 150, `${kept} tokens kept`);
    await seat.page.getByRole('alert').first().waitFor();
    await seat.shot('outages-killed');
    await seat.assertSound('an answer that was cut off');
    await seat.button('Continue').click();
    await seat.page.getByText(/\bt149\b/u).waitFor();
    const whole = await seat.answered();
    assert.equal(readTokens(whole).count, 150);
    await seat.page.reload();
    assert.equal(await seat.answered(), whole, 'after a reload the same');
    await seat.context.close();
  });

  it('stopped and started in order: the same', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.say('End in order [[tokens=60 delay=20]]');
    await seat.page.getByText(/\bt10\b/u).waitFor();
    await stage.server.terminate();
    await stage.server.start();
    const text = await seat.answered();
    const shown = readTokens(text).count;
    await seat.page.reload();
    assert.equal(await seat.answered(), text);
    if (shown < 60) await seat.button('Continue the answer').click();
    await seat.page.getByText(/\bt59\b/u).waitFor();
    assert.equal(readTokens(await seat.answered()).count, 60);
    await seat.context.close();
  });

  for (const [policy, mark] of [['continue', /^The server stopped; continued at \d/u], ['restart', /^The server stopped; begun again at \d/u]]) {
    it(`killed in the middle of an answer of a connection that says ${policy}: the answer becomes whole, says so, and says it after a reload`, async () => {
      const { json } = await stage.admin.get('/openai/config', { expect: 200 });
      const configured = (takeover) => ({ ...json, OPENAI_API_CONFIGS: { 0: { ...json.OPENAI_API_CONFIGS['0'], takeover } } });
      await stage.admin.post('/openai/config/update', configured(policy), { expect: 200 });
      for (const [size, viewport] of Object.entries(sizes)) {
        for (const colorScheme of ['light', 'dark']) {
          const seat = await stage.seat(stage.admin, { viewport, colorScheme });
          await seat.open('/');
          await seat.say(`${policy} in the middle [[tokens=120 delay=20]]`);
          await seat.page.getByText(/\bt20\b/u).waitFor();
          await stage.server.restart();
          await seat.page.getByText(/\bt119\b/u).waitFor();
          const whole = await seat.answered();
          assert.equal(readTokens(whole).count, 120);
          await seat.page.getByText(mark).waitFor();
          await seat.page.reload();
          assert.equal(await seat.answered(), whole, 'after a reload the same');
          await seat.page.getByText(mark).waitFor();
          await seat.shot(`takeover-${policy}-${size}-${colorScheme}`);
          await seat.assertSound(`${policy}, ${size}, ${colorScheme}`);
          await seat.context.close();
        }
      }
      await stage.admin.post('/openai/config/update', configured(''), { expect: 200 });
    });
  }

  it('a cut connection in the middle of an answer: every token once', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.say('Cut me off [[tokens=200 delay=20]]');
    await seat.page.getByText(/\bt10\b/u).waitFor();
    await seat.context.setOffline(true);
    stage.server.pause();
    await sleep(300);
    stage.server.resume();
    await seat.context.setOffline(false);
    await seat.page.getByText(/\bt199\b/u).waitFor();
    await seat.answered();
    assert.equal(await countOf(seat), 200);
    await seat.context.close();
  });

  it('a question sent before the models are known is held, says so, and goes out once', async () => {
    const seat = await stage.seat();
    const waiting = [];
    await seat.page.route('**/api/models', (route) => waiting.push(route));
    await seat.open('/');
    await seat.composer.fill('Early [[tokens=3]]');
    await seat.composer.press('Enter');
    await seat.page.getByText('Your message goes out as soon as the models are known.').waitFor();
    assert.equal(await seat.composer.inputValue(), 'Early [[tokens=3]]');
    await seat.assertSound('a held question');
    await seat.shot('outages-held');
    await waiting[0].fulfill({ status: 503, json: { detail: 'Not now' } });
    await seat.page.getByText(/could not be read/u).waitFor();
    await seat.page.unroute('**/api/models');
    await seat.button('Try again').click();
    assert.equal(readTokens(await seat.answered()).count, 3);
    assert.equal(await seat.questions.count(), 1);
    assert.equal(await seat.composer.inputValue(), '');
    await seat.context.close();
  });

  it('what cannot be read says why, and is read when one tries again', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.ask('Readable later [[tokens=3]]');
    const chat = seat.page.url();
    const folder = (await stage.admin.post('/api/v1/folders/', { name: 'Readable later' }, { expect: 200 })).json.id;
    const pages = [
      ['/admin/users', '**/api/v1/users/?*', () => seat.page.getByText('One user')],
      ['/admin/models', '**/api/models/base', () => seat.page.getByRole('heading', { name: 'For new chats' })],
      ['/admin/general', '**/api/v1/auths/admin/config', () => seat.page.getByText('Sign in with e-mail and password')],
      ['/admin/cluster', '**/api/v1/cluster', () => seat.page.getByRole('heading', { name: 'Database' })],
      ['/admin/connections', '**/openai/config', () => seat.page.getByRole('heading', { name: 'OpenAI-compatible' })],
      ['/settings/answers', '**/api/v1/users/user/settings', () => seat.page.getByRole('heading', { name: 'Parameters' })],
      ['/settings/archive', '**/api/v1/chats/archived*', () => seat.page.getByText('Nothing is archived.')],
      [new URL(chat).pathname, '**/branch?*', () => seat.answers.first()],
      [`/f/${folder}`, '**/shared/chats?*', () => seat.page.getByText('No chats here yet.')],
    ];
    for (const [path, request, there] of pages) {
      await seat.page.route(request, (route) => route.fulfill({ status: 503, json: { detail: 'The database is away.' } }));
      await seat.open(path);
      await seat.page.getByRole('main').getByText('The database is away.').waitFor();
      assert.equal(await there().count(), 0, path);
      await seat.assertSound(path);
      await seat.page.unroute(request);
      await seat.page.getByRole('main').getByRole('button', { name: 'Try again' }).click();
      await there().waitFor();
    }
    await seat.context.close();
  });

  for (const [size, viewport] of Object.entries(sizes)) {
    it(`says that the server is away, and that it is back: ${size}`, async () => {
      const seat = await stage.seat(stage.admin, { viewport, colorScheme: size === 'phone' ? 'dark' : 'light' });
      await seat.open('/');
      await seat.composer.waitFor();
      await seat.ask('Before it goes [[tokens=5]]');
      assert.equal(await notice(seat).count(), 0);
      await stage.server.kill();
      await notice(seat).waitFor();
      assert.ok(await notice(seat).isVisible());
      await seat.shot(`outages-away-${size}`);
      await seat.assertSound('the notice');
      await seat.composer.fill('Kept while it is away [[tokens=4]]');
      await stage.server.start();
      await notice(seat).waitFor({ state: 'detached' });
      assert.equal(await seat.composer.inputValue(), 'Kept while it is away [[tokens=4]]');
      await seat.composer.press('Enter');
      assert.equal(readTokens(await seat.answered(2)).count, 4);
      await seat.context.close();
    });
  }

  it('what is fetched when it is opened says so when it is not there, and offers to reload', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.ask('Not to be tagged [[tokens=3]]');
    await seat.page.route('**/assets/TagsDialog-*', (route) => route.fulfill({ status: 404 }));
    await seat.page.route('**/assets/SettingsPage-*', (route) => route.fulfill({ status: 404 }));
    await seat.choose(/^Actions for/u, 'Tags', seat.page.locator('main'));
    await seat.page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
    assert.equal(await seat.page.getByRole('dialog').count(), 0);
    await seat.page.keyboard.press('Control+.');
    await seat.page.getByText('This page could not be loaded.').waitFor();
    await seat.page.unrouteAll();
    await seat.page.getByRole('main').getByRole('button', { name: 'Reload' }).click();
    await seat.page.getByRole('heading', { name: 'Settings' }).waitFor();
    await seat.context.close();
  });

  it('a page opened while it is away offers to try again, and comes up', async () => {
    const seat = await stage.seat();
    await seat.open('/');
    await seat.composer.waitFor();
    await seat.page.route('**/api/config', (route) => route.abort());
    await seat.page.reload();
    await seat.page.getByText('The server cannot be reached.').waitFor();
    await seat.page.unroute('**/api/config');
    await seat.button('Try again').click();
    await seat.composer.waitFor();
    await seat.context.close();
  });
});

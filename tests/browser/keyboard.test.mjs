// The whole of it without a pointer: sign in, ask, stop, go to another chat, menus and dialogs, with the focus where it belongs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { adminAccount } from '../lib/server.mjs';

describe('with the keyboard alone, in a browser', () => {
  let stage;
  let seat;
  let page;
  before(async () => {
    stage = await openStage();
    seat = await stage.seat(null);
    page = seat.page;
  });
  after(() => stage?.close());

  /** What has the focus, as a screen reader would name it. */
  const focus = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText?.trim() ?? element.tagName;
    });
  /** Presses Tab until what has the focus is called so. */
  const tabTo = async (name, { most = 60, key = 'Tab' } = {}) => {
    for (let i = 0; i < most; i += 1) {
      if (name.test(await focus())) return;
      await page.keyboard.press(key);
    }
    assert.fail(`${name} was not reached; the focus is on ${await focus()}`);
  };
  const focused = async (name) => assert.match(await focus(), name);

  /** Opens the menu whose button has the focus. */
  const openMenu = async () => {
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.role?.startsWith('menuitem') || document.activeElement.getAttribute('role')?.startsWith('menuitem'));
  };

  it('signs in', async () => {
    await seat.open('/');
    await page.getByLabel('E-mail').waitFor();
    await tabTo(/^E-mail/u);
    await page.keyboard.type(adminAccount.email);
    await page.keyboard.press('Tab');
    await focused(/^Password/u);
    await page.keyboard.type(adminAccount.password);
    await page.keyboard.press('Enter');
    await seat.composer.waitFor();
    await page.waitForFunction(() => document.activeElement.id === 'composer');
  });

  it('asks, stops with Escape, and begins another chat', async () => {
    await page.keyboard.type('For ever and ever [[tokens=4000 delay=20]]');
    await page.keyboard.press('Enter');
    await page.getByText(/\bt5\b/u).waitFor();
    await page.keyboard.press('Escape');
    await seat.answered();
    assert.equal(stage.provider.answers.at(-1).closedBy, 'client');
    await focused(/^Your message$/u);
    await page.keyboard.press('Control+Shift+O');
    await page.waitForURL((url) => url.pathname === '/');
    await page.waitForFunction(() => document.activeElement.id === 'composer');
    await page.keyboard.type('The second one [[tokens=3]]');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('has two lines');
    await page.keyboard.press('Enter');
    await seat.answered();
    assert.match(stage.provider.answers.at(-1).messages[0].content, /\]\]\nhas two lines$/u);
  });

  it('goes through the versions of an answer, and leaves the editor, without losing the focus', async () => {
    await tabTo(/^Answer again$/u, { key: 'Shift+Tab' });
    await page.keyboard.press('Enter');
    await page.getByText('2/2').waitFor();
    await seat.answered();
    await tabTo(/^Previous version$/u);
    await page.keyboard.press('Enter');
    await page.getByText('1/2').waitFor();
    // There is none before the first, so the one that leads back has it.
    await page.waitForFunction(() => document.activeElement.ariaLabel === 'Next version');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.ariaLabel === 'Previous version');
    await tabTo(/^Edit the question$/u, { key: 'Shift+Tab' });
    await page.keyboard.press('Enter');
    await focused(/^Text$/u);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement.id === 'composer');
  });

  it('goes to another chat through the search, and through the sidebar', async () => {
    await page.keyboard.press('Control+K');
    await page.getByRole('combobox', { name: 'Search chats' }).waitFor();
    await focused(/^Search chats$/u);
    await page.keyboard.type('ever and');
    await page.getByRole('option', { selected: true }).waitFor();
    await page.getByRole('option', { name: /ever and ever/u }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('For ever and ever').first().waitFor();
    await page.getByRole('combobox', { name: 'Search chats' }).waitFor({ state: 'detached' });
    const second = await seat.sidebar.locator('a[href^="/c/"]:not([aria-current])').first().innerText(); // Two of one second stand in any order.
    await page.evaluate(() => document.activeElement.blur());
    await tabTo(new RegExp(`^${second}$`, 'u'));
    await page.keyboard.press('Enter');
    await page.getByText('has two lines').waitFor();
  });

  it('walks a menu with the arrows, and Escape gives the focus back', async () => {
    await page.evaluate(() => document.activeElement.blur());
    await tabTo(/^Actions for/u);
    const trigger = await focus();
    await openMenu();
    await focused(/^Rename$/u);
    await page.keyboard.press('ArrowDown');
    await focused(/^Pin$/u);
    await page.keyboard.press('End');
    await focused(/^Delete/u);
    await page.keyboard.press('Home');
    await focused(/^Rename$/u);
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' }).catch(() => {});
    assert.equal(await focus(), trigger);
  });

  for (const leave of ['Escape', 'Cancel', 'Close']) {
    it(`a dialog keeps the focus inside, and gives it back: ${leave}`, async () => {
      await tabTo(/^Actions for/u);
      const trigger = await focus();
      await openMenu();
      await page.keyboard.press('End');
      await focused(/^Delete/u);
      await page.keyboard.press('Enter');
      const dialog = seat.dialog('Delete this chat?');
      await dialog.waitFor();
      assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement)), 'the focus is in the dialog');
      for (let i = 0; i < 8; i += 1) {
        await page.keyboard.press('Tab');
        assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement) || document.activeElement === document.body), 'and stays there');
      }
      if (leave === 'Escape') await page.keyboard.press('Escape');
      else {
        await tabTo(new RegExp(`^${leave}$`, 'u'), { most: 10 });
        await page.keyboard.press('Enter');
      }
      await dialog.waitFor({ state: 'detached' });
      assert.equal(await focus(), trigger);
    });
  }

  it('renames in the sidebar, and the focus stays with the chat', async () => {
    await tabTo(/^Actions for/u);
    await openMenu();
    await focused(/^Rename$/u);
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Title of the chat' }).waitFor();
    await page.keyboard.type('By keys');
    await page.keyboard.press('Enter');
    await seat.sidebar.getByRole('link', { name: 'By keys' }).waitFor();
    await focused(/^By keys$/u);
  });

  it('chooses a model, and lists the keys', async () => {
    await page.keyboard.press('Control+Shift+M');
    await page.getByRole('combobox', { name: 'Find a model' }).waitFor();
    await page.keyboard.type('thinker');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Model: thinker' }).waitFor();
    await page.keyboard.press('Control+/');
    await seat.dialog('Keys').waitFor();
    await seat.assertSound('the list of keys');
    await page.keyboard.press('Escape');
    await seat.dialog('Keys').waitFor({ state: 'detached' });
  });

  it('a drawer on a phone takes the focus and gives it back', async () => {
    await page.setViewportSize(sizes.phone);
    await seat.button('Show the sidebar').focus();
    await page.keyboard.press('Enter');
    const drawer = seat.dialog('Sidebar');
    await drawer.waitFor();
    assert.ok(await drawer.evaluate((element) => element.contains(document.activeElement)));
    await seat.assertSound('the drawer');
    await page.getByRole('button', { name: /^Actions for/u }).first().focus();
    await openMenu();
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Title of the chat' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Title of the chat' }).waitFor({ state: 'detached' });
    assert.ok(await drawer.isVisible(), 'Escape gave up the new title, not the drawer');
    await page.getByRole('button', { name: /^Actions for/u }).first().focus();
    await openMenu();
    await page.getByRole('menuitem', { name: 'Tags' }).press('Enter');
    await seat.dialog('Tags').getByRole('textbox').waitFor();
    await page.keyboard.press('Escape');
    await seat.dialog('Tags').waitFor({ state: 'detached' });
    assert.ok(await drawer.isVisible(), 'Escape closed the dialog, not the drawer');
    await openMenu();
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
    assert.ok(await drawer.isVisible(), 'Escape closed the menu, not the drawer');
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
    await focused(/^Show the sidebar$/u);
    await page.setViewportSize(sizes.desk);
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

// A chat of more than a thousand messages with many branches: the page reads the branch it shows and no more, and goes anywhere from there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';

const kTurns = 60;
const kOthers = 18; //   Other answers to each question, half of them before the one on the branch.
const kPage = 50; //     Messages that the client reads at once.

/** `q0 a0 q1 a1 …`, with other answers `x<turn>-<n>` beside each answer; the very first of them has a conversation of its own. */
function largeChat() {
  const messages = {};
  const add = (id, parentId, role) => {
    messages[id] = { id, parentId, childrenIds: [], role, content: `${id}: ${'something was said here, and then something else. '.repeat(8)}`, done: true, model: role === 'user' ? undefined : 'numbered' };
    if (parentId) messages[parentId].childrenIds.push(id);
  };
  for (let turn = 0; turn < kTurns; turn += 1) {
    add(`q${turn}`, turn ? `a${turn - 1}` : null, 'user');
    for (let n = 0; n <= kOthers; n += 1) {
      if (n === kOthers / 2) add(`a${turn}`, `q${turn}`, 'assistant');
      if (n < kOthers) add(`x${turn}-${n}`, `q${turn}`, 'assistant');
    }
  }
  add('elsewhere', `x${kTurns - 1}-7`, 'user');
  add('there', 'elsewhere', 'assistant');
  return { title: 'Large', models: ['numbered'], history: { messages, currentId: `a${kTurns - 1}` } };
}

describe('a chat of more than a thousand messages, in a browser', () => {
  let stage;
  let seat;
  let page;
  let id;
  let whole;
  /** What was asked of the server about the chat since the last `asked()`: [method and path, bytes of the reply]. */
  let replies = [];
  const asked = async () => {
    const seen = await Promise.all(replies.splice(0));
    return seen.sort((a, b) => a.at - b.at).map(({ what }) => what);
  };
  const watch = (of) => {
    of.on('response', (response) => {
      const { pathname, search } = new URL(response.url());
      if (!pathname.startsWith(`/api/v1/chats/${id}`)) return;
      const what = `${response.request().method()} ${pathname.slice(`/api/v1/chats/${id}`.length)}${search}`;
      const at = response.request().timing().startTime;
      replies.push(response.body().then((body) => ({ what, at, bytes: body.length })));
    });
  };
  const version = (within, at, of) => within.getByLabel(`Version ${at} of ${of}`, { exact: true });
  const message = (name) => page.getByRole('article').filter({ hasText: `${name}: ` });
  const earlier = (of = page) => of.getByRole('button', { name: 'Load earlier messages' });
  const log = (of = page) => of.getByRole('log', { name: 'Conversation' });
  const lastAnswer = () => seat.answers.last();
  before(async () => {
    stage = await openStage();
    seat = await stage.seat();
    page = seat.page;
    const reply = await stage.admin.post('/api/v1/chats/new', { chat: largeChat() }, { expect: 200 });
    ({ id } = reply.json);
    whole = Buffer.byteLength(reply.text);
    assert.ok(Object.keys(reply.json.chat.history.messages).length > 1000);
    watch(page);
  });
  after(() => stage?.close());

  it('opens with the end of its branch, and nothing else is read', async () => {
    await seat.open(`/c/${id}`);
    await message('a59').waitFor();
    await version(lastAnswer(), 10, 19).waitFor();
    const [first, ...more] = await Promise.all(replies);
    assert.deepEqual(await asked(), [`GET /branch?limit=${kPage}`]);
    assert.deepEqual(more, []);
    assert.ok(first.bytes < whole / 10, `${first.bytes} bytes of ${whole}`);
    await seat.shot('large-desk');
    await seat.assertSound('the end of a large chat');
  });

  it('goes to versions that were never read, and the server remembers the last one', async () => {
    await seat.button('Next version', lastAnswer()).click();
    await message('x59-9').waitFor();
    await version(lastAnswer(), 11, 19).waitFor();
    for (let at = 10; at > 8; at -= 1) {
      await seat.button('Previous version', lastAnswer()).click();
      await version(lastAnswer(), at, 19).waitFor();
    }
    await seat.button('Previous version', lastAnswer()).click();
    await message('there').waitFor();
    assert.equal(await message('a59').count(), 0);
    await version(message('x59-7'), 8, 19).waitFor();
    assert.deepEqual(await asked(), Array(4).fill('POST /branch'), 'the page goes elsewhere with one request');
    await page.reload();
    await message('there').waitFor();
    await version(message('x59-7'), 8, 19).waitFor();
    await seat.button('Next version', message('x59-7')).click();
    await version(lastAnswer(), 9, 19).waitFor();
    await seat.button('Next version', lastAnswer()).click();
    await message('a59').waitFor();
    assert.equal((await stage.admin.chat(id)).current_message_id, 'a59');
  });

  it('goes on, answers again and takes back, all at the end', async () => {
    await seat.say('And then? [[tokens=4]]');
    await page.getByText(/\bt3\b/u).waitFor();
    await seat.answered();
    await seat.button('Answer again', lastAnswer()).click();
    await version(lastAnswer(), 2, 2).waitFor();
    await seat.answered();
    await seat.button('Previous version', lastAnswer()).click();
    await version(lastAnswer(), 1, 2).waitFor();
    assert.equal(stage.provider.answers.at(-1).messages.length, kTurns * 2 + 1, 'the model was told everything');
    await seat.questions.last().hover();
    await seat.button('Delete the question', seat.questions.last()).click();
    await seat.button('Delete', seat.dialog('Delete this question?')).click();
    await page.getByText('And then?').waitFor({ state: 'detached' });
    await version(lastAnswer(), 10, 19).waitFor();
    await seat.button('Answer again', message('a59')).click();
    await version(lastAnswer(), 20, 20).waitFor();
    await seat.answered();
    await page.reload();
    await version(lastAnswer(), 20, 20).waitFor();
    await seat.button('Previous version', lastAnswer()).click();
    await message('x59-17').waitFor();
    await version(lastAnswer(), 19, 20).waitFor();
    await asked();
  });

  it('shows all of it to whoever scrolls up, page by page', async () => {
    await stage.admin.post(`/api/v1/chats/${id}/branch`, { leaf: 'a59' }, { expect: 200 });
    await page.reload();
    await message('a59').waitFor();
    for (let turn = 0; turn < 12 && (await message('q0').count()) === 0; turn += 1) {
      const shown = await seat.questions.count();
      await log().evaluate((node) => node.scrollTo({ top: 0 }));
      await until(async () => (await seat.questions.count()) > shown, { what: `more than ${shown} questions` });
    }
    await message('q0').waitFor();
    assert.equal(await seat.questions.count(), kTurns);
    assert.equal(await earlier().count(), 0);
    assert.deepEqual(await asked(), [`GET /branch?limit=${kPage}`, `GET /branch?until=a34&limit=${kPage}`, `GET /branch?until=a9&limit=${kPage}`]);
    await version(message('a0'), 10, 19).waitFor();
  });

  it('follows what another window says at the end, and keeps what was loaded', async () => {
    const socket = await stage.admin.connect();
    const turn = await stage.admin.ask('late: said elsewhere [[tokens=3]]', { socket, chatId: id, parentId: 'a59' });
    await message('late').waitFor();
    await page.getByText(/\bt2\b/u).waitFor();
    assert.equal(await seat.questions.count(), kTurns + 1);
    assert.equal(await earlier().count(), 0);
    await stage.admin.delete(`/api/v1/chats/${id}/messages/${turn.userId}`, { expect: 200 });
  });

  for (const [size, viewport] of Object.entries(sizes)) {
    it(`loads what is earlier by keyboard, and the place where one reads stays: ${size}`, async () => {
      const other = await stage.seat(stage.admin, { viewport });
      // Scrolling must not do it here, so that the button has to.
      await other.page.addInitScript(() => {
        window.IntersectionObserver = class {
          observe() {}
          disconnect() {}
        };
      });
      await other.open(`/c/${id}`);
      const article = (name) => other.page.getByRole('article').filter({ hasText: `${name}: ` });
      const top = (name) => article(name).evaluate((node) => node.getBoundingClientRect().top);
      const focused = () => other.page.evaluate(() => document.activeElement.textContent.trim());
      await article('a59').waitFor();
      await log(other.page).evaluate((node) => node.scrollTo({ top: 0 }));
      await other.button('Copy the question', article('q45')).focus();
      await other.page.keyboard.press('Shift+Tab');
      await until(async () => (await focused()) === 'Load earlier messages' || (await other.page.keyboard.press('Shift+Tab')), { what: 'the button has the focus' });
      await other.shot(`large-earlier-${size}`);
      await other.assertSound(`earlier messages, ${size}`);
      for (const [from, to] of [['q45', 'q35'], ['q35', 'q20'], ['q20', 'q10'], ['q10', 'q0']]) {
        await log(other.page).evaluate((node) => node.scrollTo({ top: 0 }));
        const before = await top(from);
        await other.page.keyboard.press('Enter');
        await article(to).waitFor();
        assert.ok(Math.abs((await top(from)) - before) < 2, `${from} stays where it was`);
      }
      assert.equal(await earlier(other.page).count(), 0, 'there is no more');
      assert.equal(await other.page.evaluate(() => document.activeElement.getAttribute('role')), 'log', 'the keyboard stays in the conversation');
      await other.page.keyboard.press('Home');
      await until(() => log(other.page).evaluate((node) => node.scrollTop === 0), { what: 'the keyboard scrolls' });
      await other.shot(`large-top-${size}`);
    });
  }

  it('says so when earlier messages cannot be loaded, and loads them when asked again', async () => {
    const other = await stage.seat();
    await other.open(`/c/${id}`);
    await other.answered();
    await other.context.setOffline(true);
    await log(other.page).evaluate((node) => node.scrollTo({ top: 0 }));
    await until(async () => (await other.questions.count()) === kPage / 2, { what: 'all that was loaded' });
    await log(other.page).evaluate((node) => node.scrollTo({ top: 0 }));
    await other.page.getByRole('alert').first().waitFor();
    assert.equal(await other.questions.count(), kPage / 2);
    await other.context.setOffline(false);
    await earlier(other.page).click();
    await until(async () => (await other.questions.count()) > kPage / 2, { what: 'the page before' });
  });

  it('follows an answer on another branch: it can be stopped from here, and is whole there', async () => {
    const [asks, says] = [randomUUID(), randomUUID()];
    const messages = {
      [asks]: { id: asks, parentId: null, childrenIds: [says], role: 'user', content: 'Count [[tokens=60 delay=50]]' },
      [says]: { id: says, parentId: asks, childrenIds: [], role: 'assistant', content: 'one, two', model: 'numbered', done: true },
    };
    const chat = { title: 'Two', models: ['numbered'], history: { messages, currentId: says } };
    const made = (await stage.admin.post('/api/v1/chats/new', { chat }, { expect: 200 })).json;
    await seat.open(`/c/${made.id}`);
    await seat.answered();
    await seat.button('Answer again').click();
    await page.getByText(/\bt3\b/u).waitFor();
    await stage.admin.post(`/api/v1/chats/${made.id}/branch`, { leaf: says }, { expect: 200 });
    await page.reload();
    await page.getByText('one, two').waitFor();
    await seat.button('Stop the answer').waitFor();
    await seat.button('Next version').click();
    await page.getByText(/\bt59\b/u).waitFor();
    await until(async () => readTokens(await seat.answered()).count === 60, { what: 'every token once' });
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

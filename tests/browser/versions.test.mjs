// Several versions of what was said: answers again, changed questions and answers, several models at once, ratings, Continue after Stop.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { until } from '../lib/until.mjs';

describe('versions of what was said, in a browser', () => {
  let stage;
  let seat;
  let page;
  before(async () => {
    stage = await openStage();
    seat = await stage.seat();
    page = seat.page;
  });
  after(() => stage?.close());

  const version = (within, at, of) => within.getByLabel(`Version ${at} of ${of}`, { exact: true });
  const begin = async () => {
    await seat.open('/');
    await page.locator('#composer').waitFor();
  };
  /** What the provider was asked the last time, title and tags left aside: [role, text] by message. */
  const lastAsked = () => stage.provider.answers.at(-1).messages.map(({ role, content }) => [role, content]);

  it('answers again beside the first answer, goes between them, and goes on from the one that is shown', async () => {
    await begin();
    const first = await seat.ask('Count [[tokens=5]]');
    await seat.button('Answer again').click();
    await version(seat.answers, 2, 2).waitFor();
    const second = await seat.answered();
    assert.equal(readTokens(first).count, 5);
    assert.equal(readTokens(second).count, 5);
    assert.notEqual(first, second);
    assert.ok(await seat.button('Next version').isDisabled());

    await seat.button('Previous version').click();
    await version(seat.answers, 1, 2).waitFor();
    assert.equal(await seat.textOf(seat.answers), first);
    assert.ok(await seat.button('Previous version').isDisabled());
    await until(async () => {
      const { history } = (await stage.admin.chat(seat.chatId)).chat;
      return history.messages[history.currentId].content === first;
    }, { what: 'the server knows which version is shown' });
    await page.reload();
    await version(seat.answers, 1, 2).waitFor();
    assert.equal(await seat.textOf(seat.answers), first);

    await seat.ask('And now [[tokens=3]]');
    assert.deepEqual(lastAsked(), [['user', 'Count [[tokens=5]]'], ['assistant', first], ['user', 'And now [[tokens=3]]']]);
    assert.equal(await seat.questions.count(), 2);
    await seat.answers.first().hover();
    await seat.button('Next version').click();
    await version(seat.answers, 2, 2).waitFor();
    assert.equal(await seat.questions.count(), 1, 'what was said after the first version belongs to it alone');
    await seat.button('Previous version').click();
    await page.getByText('And now').waitFor();
    await seat.assertSound('versions of an answer');
  });

  it('makes a branch of a changed question, and keeps the old one', async () => {
    await begin();
    const first = await seat.ask('Before [[tokens=4]]');
    await seat.questions.hover();
    await seat.button('Edit the question').click();
    const text = page.getByRole('textbox', { name: 'Text' });
    assert.equal(await text.inputValue(), 'Before [[tokens=4]]');
    await text.fill('After [[tokens=6]]');
    await seat.button('Send', seat.questions).click();
    await version(seat.questions, 2, 2).waitFor();
    const second = await seat.answered();
    assert.equal(readTokens(second).count, 6);
    assert.deepEqual(lastAsked(), [['user', 'After [[tokens=6]]']]);
    await page.reload();
    await version(seat.questions, 2, 2).waitFor();
    assert.equal(await seat.answered(), second);
    await seat.button('Previous version', seat.questions).click();
    await version(seat.questions, 1, 2).waitFor();
    assert.match(await seat.questions.innerText(), /Before/u);
    assert.equal(await seat.textOf(seat.answers), first);
  });

  it('saves a changed question in place, and nobody is asked', async () => {
    await begin();
    const answer = await seat.ask('Slip of the pen [[tokens=4]]');
    await seat.composer.press('ArrowUp');
    await page.getByRole('textbox', { name: 'Text' }).fill('No slip of the pen [[tokens=4]]');
    const asked = stage.provider.answers.length;
    await seat.button('Save').click();
    await page.getByText('No slip of the pen').waitFor();
    await until(async () => JSON.stringify(await stage.admin.chat(seat.chatId)).includes('No slip of the pen'), { what: 'the server has it' });
    await page.reload();
    await page.getByText('No slip of the pen').waitFor();
    assert.equal(await seat.answered(), answer);
    assert.equal(await seat.questions.getByRole('group', { name: 'Versions' }).count(), 0);
    assert.equal(stage.provider.answers.length, asked);
  });

  it('leaves the editor with Escape, without a change', async () => {
    const before = await seat.questions.innerText();
    await seat.questions.hover();
    await seat.button('Edit the question').click();
    await page.getByRole('textbox', { name: 'Text' }).fill('never mind');
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Text' }).waitFor({ state: 'detached' });
    assert.equal(await seat.questions.innerText(), before);
  });

  it('changes an answer, and tells the model the changed one', async () => {
    await begin();
    await seat.ask('Say it [[say="It is so."]]');
    await seat.choose('More about this answer', 'Edit');
    await page.getByRole('textbox', { name: 'Text' }).fill('It is **not** so.');
    await seat.button('Save').click();
    await page.getByText('It is not so.').waitFor();
    await until(async () => JSON.stringify(await stage.admin.chat(seat.chatId)).includes('It is **not** so.'), { what: 'the server has it' });
    await page.reload();
    assert.equal(await seat.answered(), 'It is not so.');
    await seat.ask('Sure? [[tokens=3]]');
    assert.deepEqual(lastAsked()[1], ['assistant', 'It is **not** so.']);
  });

  it('deletes a question with its answers', async () => {
    await page.getByText('Sure?').hover();
    await seat.button('Delete the question', seat.questions.last()).click();
    await seat.button('Delete', seat.dialog('Delete this question?')).click();
    await page.getByText('Sure?').waitFor({ state: 'detached' });
    await page.reload();
    assert.equal(await seat.answered(), 'It is not so.');
    assert.equal(await seat.questions.count(), 1);
  });

  it('makes a new chat from an answer', async () => {
    const from = seat.chatId;
    await seat.choose('More about this answer', 'New chat from here');
    await page.waitForURL((url) => url.pathname.startsWith('/c/') && !url.pathname.endsWith(from));
    assert.equal(await seat.answered(), 'It is not so.');
    await seat.ask('Elsewhere [[tokens=2]]');
    assert.equal(Object.keys((await stage.admin.chat(from)).chat.history.messages).length, 2, 'the old chat is as it was');
  });

  it('goes on where a stopped answer ended', async () => {
    await begin();
    await seat.say('On and on [[tokens=80 delay=25]]');
    await page.getByText(/\bt9\b/u).last().waitFor();
    await seat.button('Stop the answer').click();
    const stopped = await seat.answered();
    const { count } = readTokens(stopped);
    assert.ok(count >= 10 && count < 80, `${count} tokens before the stop`);
    assert.equal(stage.provider.answers.at(-1).closedBy, 'client');
    await seat.button('Continue the answer').click();
    await page.getByText(/\bt79\b/u).last().waitFor();
    const whole = await seat.answered();
    assert.equal(readTokens(whole).count, 80);
    await page.reload();
    assert.equal(await seat.answered(), whole);
    assert.equal(await seat.answers.getByRole('group', { name: 'Versions' }).count(), 0, 'it is the same answer');
  });

  it('offers to continue or to try again where an answer failed', async () => {
    await begin();
    await seat.ask('Break off [[tokens=30 error=12 message="the pen broke"]]');
    await page.getByRole('alert').getByText('the pen broke').waitFor();
    await seat.shot('versions-error');
    await seat.assertSound('a failed answer');
    stage.provider.script({ tokens: 30, error: -1 }, { contains: 'Break off' });
    await seat.button('Continue').click();
    await page.getByText(/\bt29\b/u).waitFor();
    assert.equal(readTokens(await seat.answered()).count, 30);
    assert.equal(await page.getByRole('alert').count(), 0);
    await begin();
    await seat.ask('Not at all [[refuse=429 message="too many of you"]]');
    await page.getByRole('alert').getByText('too many of you').waitFor();
    assert.equal(await seat.button('Continue').count(), 0, 'there is nothing to continue');
    stage.provider.script({ tokens: 6, refuse: 0 }, { contains: 'Not at all' });
    await seat.button('Try again').click();
    await version(seat.answers, 2, 2).waitFor();
    assert.equal(readTokens(await seat.answered()).count, 6);
  });

  it('rates an answer, changes its mind, and the rating stays', async () => {
    await begin();
    await seat.ask('Judge me [[tokens=4]]');
    await seat.button('Good answer').click();
    await page.getByRole('button', { name: 'Good answer', pressed: true }).waitFor();
    const ratings = async () => (await stage.admin.get('/api/v1/evaluations/feedbacks/all/export', { expect: 200 })).json.map(({ data }) => data.rating);
    await until(async () => (await ratings()).join() === '1', { what: 'the rating is kept' });
    await page.reload();
    await page.getByRole('button', { name: 'Good answer', pressed: true }).waitFor();
    await seat.button('Bad answer').click();
    await page.getByRole('button', { name: 'Bad answer', pressed: true }).waitFor();
    await page.getByRole('button', { name: 'Good answer', pressed: false }).waitFor();
    await until(async () => (await ratings()).join() === '-1', { what: 'one feedback, changed' });
  });

  it('keeps everything of an answer in one row on a phone, and notices below the header', async () => {
    const phone = await stage.seat(undefined, { viewport: sizes.phone, isMobile: true, hasTouch: true });
    await phone.open('/');
    await phone.ask('Count on a phone [[tokens=5]]');
    await phone.button('Answer again').click();
    await version(phone.answers, 2, 2).waitFor();
    await phone.answered();
    const tops = await phone.answers.getByRole('group', { name: 'Versions' }).locator('..').locator('button:visible').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
    assert.ok(tops.length >= 7, `${tops.length} buttons`);
    assert.equal(new Set(tops).size, 1, `one row: ${tops}`);
    await phone.openMenu('More about this answer', phone.answers);
    await phone.page.getByRole('menuitem', { name: 'Continue' }).waitFor();
    await phone.page.keyboard.press('Escape');
    await phone.shot('versions-phone');

    await phone.page.route('**/archive', (route) => route.fulfill({ status: 503, json: { detail: 'The database is away.' } }));
    await phone.choose(/^Actions for/u, 'Archive');
    const notice = phone.page.getByRole('alert').filter({ hasText: 'The database is away.' });
    await notice.waitFor();
    assert.equal(await phone.questions.count(), 1, 'what could not be archived stays open');
    assert.equal(await phone.page.getByText('Archived.').count(), 0);
    const header = await phone.page.locator('main header').boundingBox();
    assert.ok((await notice.boundingBox()).y >= header.y + header.height, 'the header stays free');
    await phone.shot('notice-phone');
    await phone.context.close();
  });

  it('asks several models at once, side by side, and goes on from the chosen one', async () => {
    await begin();
    await page.getByRole('button', { name: /^Model:/u }).click();
    for (const model of ['numbered', 'thinker']) {
      const option = page.getByRole('option', { name: model, exact: true });
      if ((await option.getAttribute('aria-selected')) === 'false') await option.locator('[data-compare]').click();
    }
    await seat.shot('versions-picker');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Model: numbered + thinker' }).waitFor();
    await seat.say('Both of you [[tokens=12]]');
    const columns = page.getByRole('region', { name: 'Answers of 2 models' });
    await columns.waitFor();
    await seat.answered(2);
    const [numbered, thinker] = [page.getByRole('article', { name: 'Answer of numbered' }), page.getByRole('article', { name: 'Answer of thinker' })];
    const texts = [await seat.textOf(numbered), await seat.textOf(thinker)];
    for (const text of texts) assert.equal(readTokens(text).count, 12);
    assert.notEqual(texts[0], texts[1]);
    await seat.shot('versions-columns');
    await seat.assertSound('two columns');

    const first = columns.getByRole('button', { name: /numbered/u });
    await first.click();
    await columns.getByRole('button', { name: /numbered/u, pressed: true }).waitFor();
    await page.reload();
    await seat.answered(2);
    await columns.getByRole('button', { name: /numbered/u, pressed: true }).waitFor();
    await seat.say('Go on [[tokens=3]]');
    await seat.answered(4);
    const asked = stage.provider.answers.slice(-2).map(({ model, messages }) => [model, messages[1].content]);
    assert.deepEqual(asked.sort(), [['numbered', texts[0]], ['thinker', texts[0]]], 'both go on from the chosen answer');

    await page.setViewportSize(sizes.phone);
    const tabs = columns.first().getByRole('tablist', { name: 'Models' });
    await tabs.getByRole('tab', { name: 'thinker' }).click();
    await page.getByRole('tab', { name: 'thinker', selected: true }).first().waitFor();
    await seat.shot('versions-columns-phone');
    assert.ok(await thinker.first().isVisible() && !(await numbered.first().isVisible()), 'one at a time on a phone');
    await page.setViewportSize(sizes.desk);
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

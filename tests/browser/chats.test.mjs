// What is done with chats: rename, pin, tags, archive and back, share, folders, copies, files, search, deletion.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { until } from '../lib/until.mjs';

describe('what is done with chats, in a browser', () => {
  let stage;
  let seat;
  let page;
  let bob;
  let eve;
  before(async () => {
    stage = await openStage();
    bob = await stage.server.user(stage.admin, 'Bob');
    eve = await stage.server.user(stage.admin, 'Eve');
    seat = await stage.seat(bob);
    page = seat.page;
  });
  after(() => stage?.close());

  /** A chat of one question and one answer, with a title; gives its id. */
  const makeChat = async (title, question = `About ${title}`, answer = `Answer about ${title}`) => {
    const [asked, said] = [randomUUID(), randomUUID()];
    const messages = {
      [asked]: { id: asked, parentId: null, childrenIds: [said], role: 'user', content: question, timestamp: 1700000000 },
      [said]: { id: said, parentId: asked, childrenIds: [], role: 'assistant', content: answer, model: 'numbered', done: true, timestamp: 1700000001 },
    };
    return (await bob.post('/api/v1/chats/new', { chat: { title, models: ['numbered'], history: { messages, currentId: said } } }, { expect: 200 })).json.id;
  };
  const row = (title) => seat.sidebar.getByRole('link', { name: title, exact: true });
  const menuOf = (title) => seat.sidebar.getByRole('button', { name: `Actions for ${title}`, exact: true });
  const inMenu = async (title, entry) => {
    await row(title).hover();
    await menuOf(title).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const gone = (locator) => locator.waitFor({ state: 'detached' });
  const openWith = async (...titles) => {
    const ids = [];
    for (const title of titles) ids.push(await makeChat(title));
    await seat.open('/');
    await row(titles[0]).waitFor();
    return ids;
  };

  it('lists a new chat at once, and its title when it has one', async () => {
    await seat.open('/');
    await seat.say('First words [[tokens=100 delay=20]]');
    await seat.sidebar.locator('a[aria-current=page]').waitFor();
    await page.getByText(/\bt99\b/u).waitFor();
    await seat.sidebar.locator('a[aria-current=page]').filter({ hasText: /^Title \d+$/u }).waitFor();
    assert.match(await page.title(), /^Title \d+ · Antiphon/u);
  });

  it('renames in the sidebar, and from the menu of the open chat', async () => {
    const [id] = await openWith('Old name');
    await inMenu('Old name', 'Rename');
    const field = page.getByRole('textbox', { name: 'Title of the chat' });
    assert.equal(await field.inputValue(), 'Old name');
    await field.fill('Dropped');
    await field.press('Escape');
    await row('Old name').waitFor();
    await inMenu('Old name', 'Rename');
    await field.fill('New name');
    await field.press('Enter');
    await row('New name').waitFor();
    await row('New name').click();
    await seat.answered();
    await seat.choose('Actions for New name', 'Rename', page.locator('main'));
    await seat.dialog('Rename').getByLabel('Title').fill('Newest name');
    await page.keyboard.press('Enter');
    await row('Newest name').waitFor();
    await until(async () => (await bob.chat(id)).title === 'Newest name', { what: 'the server has the name' });
    await page.reload();
    await row('Newest name').waitFor();
  });

  it('what could not be changed is shown as it was, and nothing is left', async () => {
    const [id] = await openWith('As it was');
    await row('As it was').click();
    await seat.answered();
    const refused = (route) => (route.request().method() === 'GET' ? route.continue() : route.fulfill({ status: 503, json: { detail: 'The database is away.' } }));
    await page.route(`**/api/v1/chats/${id}**`, refused);
    await inMenu('As it was', 'Rename');
    await page.getByRole('textbox', { name: 'Title of the chat' }).fill('Never');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').first().waitFor();
    await row('As it was').waitFor();
    await inMenu('As it was', 'Delete');
    await seat.button('Delete', seat.dialog('Delete this chat?')).click();
    await page.getByRole('alert').nth(1).waitFor();
    assert.equal(seat.chatId, id);
    await page.unroute(`**/api/v1/chats/${id}**`, refused);
  });

  it('pins, and lets go again', async () => {
    await openWith('To be pinned', 'Newer');
    await inMenu('To be pinned', 'Pin');
    await page.getByRole('heading', { name: 'Pinned' }).waitFor();
    assert.equal(await row('To be pinned').count(), 1, 'once in the list');
    await page.reload();
    await page.getByRole('heading', { name: 'Pinned' }).waitFor();
    const pinned = seat.sidebar.locator('h2:text-is("Pinned") + ul');
    assert.deepEqual(await pinned.getByRole('link').allInnerTexts(), ['To be pinned']);
    await inMenu('To be pinned', 'Unpin');
    await gone(page.getByRole('heading', { name: 'Pinned' }));
    await row('To be pinned').waitFor();
  });

  it('archives the open chat, finds it again, and brings it back', async () => {
    const [id] = await openWith('For the archive');
    await row('For the archive').click();
    await seat.answered();
    await seat.choose('Actions for For the archive', 'Archive', page.locator('main'));
    await page.waitForURL((url) => url.pathname === '/');
    await gone(row('For the archive'));
    await seat.choose(/Bob/u, 'Archived chats');
    const list = page.getByRole('listitem').filter({ hasText: 'For the archive' });
    await list.waitFor();
    await page.getByLabel('Find an archived chat').fill('no such chat');
    await gone(list);
    await page.getByLabel('Find an archived chat').fill('the archive');
    await list.waitFor();
    await seat.assertSound('the archive');
    await list.getByRole('link').click();
    await page.getByText('Answer about For the archive').waitFor();
    await page.goBack();
    await list.waitFor();
    await seat.button('Restore', list).click();
    await row('For the archive').waitFor();
    assert.equal((await bob.chat(id)).archived, false);
  });

  it('takes an archived chat back at once with Undo', async () => {
    await openWith('By mistake');
    await inMenu('By mistake', 'Archive');
    await gone(row('By mistake'));
    await seat.button('Undo').click();
    await row('By mistake').waitFor();
  });

  it('deletes only when that is confirmed', async () => {
    const [id] = await openWith('To be deleted');
    await row('To be deleted').click();
    await seat.answered();
    await inMenu('To be deleted', 'Delete');
    await seat.button('Cancel', seat.dialog('Delete this chat?')).click();
    await gone(seat.dialog('Delete this chat?'));
    await bob.chat(id);
    await inMenu('To be deleted', 'Delete');
    await seat.assertSound('the question whether to delete');
    await seat.button('Delete', seat.dialog('Delete this chat?')).click();
    await page.waitForURL((url) => url.pathname === '/');
    await gone(row('To be deleted'));
    await bob.get(`/api/v1/chats/${id}`, { expect: 401 });
    await seat.open(`/c/${id}`);
    await page.getByRole('heading', { name: 'This chat cannot be opened' }).waitFor();
  });

  it('shares by a link that others open, keep a copy of, and lose again', async () => {
    const [id] = await openWith('For all to read');
    const permissions = (await stage.admin.get('/api/v1/users/default/permissions', { expect: 200 })).json;
    await inMenu('For all to read', 'Share');
    const dialog = seat.dialog('Share this chat');
    await seat.button('Make a link', dialog).click();
    const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
    assert.match(link, /\/s\/[\w-]+$/u);
    await seat.shot('chats-share');
    await seat.assertSound('the share dialog');

    const other = await stage.seat(eve);
    const stranger = await stage.seat(null, { viewport: sizes.phone });
    await other.page.goto(link);
    await other.page.getByText('it was not meant for you').waitFor();
    await stranger.page.goto(link);
    await stranger.page.getByText('only people who are signed in may follow it').waitFor();
    assert.equal(await dialog.getByLabel('Anyone who has the link').count(), 0, 'what the server refuses is not offered');
    await dialog.getByLabel('Name somebody').fill('eve@');
    await dialog.getByRole('button', { name: /^Eve/u }).click();
    await seat.button('Remove Eve', dialog).waitFor();
    await seat.button('Update the link', dialog).click();
    await until(async () => (await eve.get(`/api/v1/chats/share/${link.split('/s/')[1]}`)).status === 200, { what: 'Eve may read' });
    await seat.shot('chats-share-named');
    await other.page.reload();
    await other.page.getByText('Answer about For all to read').waitFor();
    await other.assertSound('a shared chat');
    await seat.button('Close', dialog).click();
    await inMenu('For all to read', 'Share');
    await seat.button('Remove Eve', dialog).waitFor();

    await stage.admin.post('/api/v1/users/default/permissions', { ...permissions, sharing: { ...permissions.sharing, public_chats: true, open_chats: true } }, { expect: 200 });
    await seat.open('/');
    await inMenu('For all to read', 'Share');
    await dialog.getByLabel('Anyone who has the link').check();
    await seat.button('Update the link', dialog).click();
    await until(async () => (await stage.server.client().get(`/api/v1/chats/share/${link.split('/s/')[1]}`)).status === 200, { what: 'strangers may read' });
    await stranger.page.reload();
    await stranger.page.getByText('Answer about For all to read').waitFor();
    await stranger.shot('chats-shared-phone');
    await stranger.assertSound('a shared chat, for a stranger, on a phone');

    await other.button('Keep a copy').click();
    await other.page.waitForURL(/\/c\//u);
    await other.page.getByText('Answer about For all to read').waitFor();
    await other.ask('Mine now [[tokens=3]]');

    await seat.button('Stop sharing', dialog).click();
    await gone(dialog.getByRole('textbox', { name: 'Link' }));
    await other.page.goto(link);
    await other.page.getByText('This link leads nowhere').waitFor();
    assert.equal(Object.keys((await bob.chat(id)).chat.history.messages).length, 2, 'what Eve says stays with her');
    await page.keyboard.press('Escape');
    await gone(dialog);
    await other.context.close();
    await stranger.context.close();
  });

  it('makes folders in folders, moves chats into them, and gives them instructions', async () => {
    const [id] = await openWith('Bound for a folder');
    await seat.button('New folder').click();
    await seat.dialog('New folder').getByLabel('Name').fill('Work');
    await seat.assertSound('the folder dialog');
    await seat.button('Create').click();
    await row('Work').waitFor();
    await row('Work').hover();
    await seat.choose('Actions for folder Work', 'New folder inside', seat.sidebar);
    await seat.dialog('New folder').getByLabel('Name').fill('Reports');
    await seat.dialog('New folder').getByLabel('Instructions').fill('Speak as a report does.');
    await seat.button('Create').click();
    await gone(seat.dialog('New folder'));
    await seat.button('Open Work').click();
    await row('Reports').waitFor();

    await inMenu('Bound for a folder', 'Move to folder');
    const dialog = seat.dialog('Move to');
    await dialog.getByRole('button', { name: 'Reports' }).waitFor();
    await seat.assertSound('the choice of a folder');
    await dialog.getByRole('button', { name: 'Reports' }).click();
    await gone(dialog);
    await gone(row('Bound for a folder'));
    await seat.button('Open Reports').click();
    await row('Bound for a folder').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('option', { name: /Bound for a folder/u }).waitFor();
    await page.keyboard.press('Escape');
    await page.reload();
    await row('Bound for a folder').waitFor();
    await row('Reports').click();
    await page.getByRole('list', { name: 'Chats' }).getByText('Bound for a folder').waitFor();

    await page.getByRole('link', { name: 'New chat in this folder' }).click();
    await page.getByText('In “Reports”.').waitFor();
    await seat.ask('In here [[tokens=3]]');
    assert.match(stage.provider.answers.at(-1).messages[0].content, /Speak as a report does\./u);
    assert.equal((await bob.chat(seat.chatId)).folder_id, (await bob.chat(id)).folder_id);
    await seat.shot('chats-folders');

    await inMenu('Bound for a folder', 'Move to folder');
    await dialog.getByRole('button', { name: 'No folder' }).click();
    await until(async () => (await bob.chat(id)).folder_id === null, { what: 'the chat is out' });
    await row('Work').hover();
    await seat.choose('Actions for folder Work', 'Delete', seat.sidebar);
    await seat.button('Delete', seat.dialog('Delete this folder?')).click();
    await gone(row('Work'));
    await row('Bound for a folder').waitFor();
  });

  it('tags a chat, and finds it by the tag', async () => {
    await openWith('Tagged one');
    await inMenu('Tagged one', 'Tags');
    await page.getByLabel('New tag').fill('Deep Sea');
    await page.keyboard.press('Enter');
    await seat.button('Remove Deep Sea').waitFor();
    await seat.assertSound('the tags');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Search/u }).click();
    const search = page.getByRole('combobox', { name: 'Search chats' });
    await search.fill('tag:de');
    await page.getByRole('button', { name: /tag:deep_sea/u }).click();
    await page.getByRole('option', { name: /Tagged one/u }).waitFor();
    assert.equal(await page.getByRole('option').count(), 1);
    await search.fill('tag:deep_sea answer tagged');
    const marks = async () => [...new Set((await page.getByRole('option').locator('mark').allInnerTexts()).map((text) => text.toLowerCase()))].sort();
    await until(async () => (await marks()).join() === 'answer,tagged', { what: 'the words are marked' });
    await seat.shot('chats-search-marks');
    await seat.assertSound('the search');
    await search.press('Escape');
  });

  it('saves a chat as a file and brings it in again, with all of it', async () => {
    const [id] = await openWith('On a file');
    const saving = page.waitForEvent('download');
    await inMenu('On a file', 'Save as file');
    const download = await saving;
    assert.equal(download.suggestedFilename(), 'On a file.json');
    const path = await download.path();
    const text = readFileSync(path, 'utf8');
    assert.equal(JSON.parse(text)[0].id, id);
    await bob.delete(`/api/v1/chats/${id}`, { expect: 200 });
    await seat.open('/settings/archive');
    const file = page.getByLabel('File with chats');
    await file.setInputFiles({ name: 'no.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
    await page.getByText('This file holds no chats').waitFor();
    await file.setInputFiles({ name: 'chats.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.getByText('One chat was brought in.').waitFor();
    await row('On a file').click();
    await page.getByText('Answer about On a file').waitFor();
    assert.notEqual(seat.chatId, id);
    await seat.ask('Go on [[tokens=3]]');
    assert.equal(stage.provider.answers.at(-1).messages[1].content, 'Answer about On a file');
  });

  it('begins a chat with a suggestion of the configuration', async () => {
    const suggestions = [{ title: ['Count to three', 'slowly'], content: 'Count to three [[tokens=3]]' }];
    await stage.admin.post('/api/v1/configs/suggestions', { suggestions }, { expect: 200 });
    await seat.open('/');
    await seat.shot('chats-suggestions');
    await seat.assertSound('suggestions');
    await page.getByRole('list', { name: 'Ways to begin' }).getByRole('button', { name: /^Count to three/u }).click();
    await seat.answered();
    assert.equal(stage.provider.answers.at(-1).messages[0].content, 'Count to three [[tokens=3]]');
  });

  it('duplicates a chat', async () => {
    await openWith('Twice');
    await inMenu('Twice', 'Duplicate');
    await row('Twice (copy)').waitFor();
    await page.getByText('Answer about Twice').waitFor();
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

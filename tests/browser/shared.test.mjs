// Folders that several people see: shared from the folder's menu, found in the sidebar, read, gone on with in a copy, filled together.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { until } from '../lib/until.mjs';

describe('shared folders, in a browser', () => {
  let stage;
  let bob;
  let eve;
  let owner;
  let guest;
  let chat;
  let folder;
  before(async () => {
    stage = await openStage({ env: { USER_PERMISSIONS_FOLDERS_ALLOW_SHARING: 'true' } });
    bob = await stage.server.user(stage.admin, 'Bob');
    eve = await stage.server.user(stage.admin, 'Eve');
    folder = (await bob.post('/api/v1/folders/', { name: 'Plans', data: { system_prompt: 'Speak like a planner.' } }, { expect: 200 })).json.id;
    chat = (await bob.ask('The plan [[tokens=4]]', { socket: await bob.connect(), body: { folder_id: folder } })).chatId;
    owner = await stage.seat(bob);
    guest = await stage.seat(eve, { viewport: sizes.phone, isMobile: true, hasTouch: true });
  });
  after(() => stage?.close());

  const dialog = () => owner.dialog('Share “Plans”');
  const openDialog = async () => {
    await owner.open('/');
    await owner.sidebar.getByRole('link', { name: 'Plans', exact: true }).hover();
    await owner.choose('Actions for folder Plans', 'Share', owner.sidebar);
    await owner.button('Save', dialog()).waitFor();
  };
  const save = async () => {
    await owner.button('Save', dialog()).click();
    await dialog().waitFor({ state: 'detached' });
  };
  const add = async (text, name) => {
    await dialog().getByLabel('Name somebody').fill(text);
    await dialog().getByRole('button', { name }).click();
  };
  const grants = async () => (await bob.get(`/api/v1/folders/${folder}`, { expect: 200 })).json.access_grants.map((one) => `${one.principal_type} ${one.permission}`).sort();
  const chats = (seat) => seat.page.getByRole('list', { name: 'Chats' });

  it('are shared with people and groups, who may read or add', async () => {
    const group = (await stage.admin.post('/api/v1/groups/create', { name: 'Readers', description: '' }, { expect: 200 })).json.id;
    // Members share with their groups.
    await stage.admin.post(`/api/v1/groups/id/${group}/users/add`, { user_ids: [bob.user.id] }, { expect: 200 });
    await openDialog();
    await add('eve@', /^Eve/u);
    await add('read', /^Readers/u);
    await dialog().getByLabel('What Readers may do').selectOption('may add chats');
    await owner.shot('folder-share');
    await owner.assertSound('the dialog that shares a folder');
    await save();
    assert.deepEqual(await grants(), ['group read', 'group write', 'user read']);

    await openDialog();
    assert.equal(await dialog().getByLabel('What Readers may do').inputValue(), 'write');
    await owner.button('Remove Readers', dialog()).click();
    await save();
    assert.deepEqual(await grants(), ['user read']);
    await stage.admin.delete(`/api/v1/groups/id/${group}/delete`, { expect: 200 });
  });

  it('stand in the sidebar of whom they are shared with, and their chats are read, not written', async () => {
    await guest.open('/');
    await guest.button('Show the sidebar').click();
    await guest.page.getByRole('list', { name: 'Shared folders' }).getByRole('link', { name: /Plans/u }).click();
    await guest.page.getByText('Bob shares this folder with you.').waitFor();
    assert.equal(await guest.page.getByRole('link', { name: 'New chat in this folder' }).count(), 0);
    await guest.shot('folder-shared-phone');
    await guest.assertSound('the page of a shared folder');
    await chats(guest).getByRole('link').click();
    await guest.page.waitForURL(`**/c/${chat}`);
    await guest.answers.waitFor();
    await guest.page.getByText('This is a chat of Bob.').waitFor();
    for (const name of ['Edit the question', 'Delete the question', 'Answer again', 'Good answer', 'Send', /^Actions for/u]) {
      assert.equal(await guest.page.getByRole('button', { name }).count(), 0, String(name));
    }
    await guest.shot('chat-of-others-phone');
    await guest.assertSound('a chat of somebody else');
    await guest.button('Go on in a copy').click();
    await guest.composer.waitFor();
    await guest.ask('My own way [[tokens=3]]');
    assert.equal((await eve.chat(guest.chatId)).user_id, eve.user.id);
    assert.equal(Object.keys((await bob.chat(chat)).chat.history.messages).length, 2);
  });

  it('are filled by whom they are open to for writing', async () => {
    await openDialog();
    await dialog().getByLabel('What Eve may do').selectOption('may add chats');
    await save();
    await guest.open(`/f/${folder}`);
    await guest.page.getByRole('link', { name: 'New chat in this folder' }).click();
    await guest.page.getByText('In “Plans”.').waitFor();
    await guest.ask('From Eve [[tokens=3]]');
    assert.match(stage.provider.answers.at(-1).messages[0].content, /Speak like a planner\./u);
    await owner.open(`/f/${folder}`);
    await owner.page.getByText('You share this folder with one other').waitFor();
    await chats(owner).getByRole('link').filter({ hasText: 'Eve' }).click();
    await owner.page.getByText('This is a chat of Eve.').waitFor();
    await owner.shot('chat-of-others');
    await owner.assertSound('a chat of somebody else, at a desk');
  });

  it('are gone when the sharing ends', async () => {
    await openDialog();
    await owner.button('Remove Eve', dialog()).click();
    await save();
    await until(async () => (await eve.get(`/api/v1/folders/${folder}`)).status === 404, { what: 'Eve is out' });
    await guest.open(`/f/${folder}`);
    await guest.page.getByRole('heading', { name: 'This folder cannot be opened' }).waitFor();
    await guest.assertSound('a folder that is not shared any more');
    await guest.button('Show the sidebar').click();
    assert.equal(await guest.page.getByRole('list', { name: 'Shared folders' }).count(), 0);
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

// Who comes in and what is theirs: a wrong password, a newcomer who waits, account, keys, colours, instructions; and the administration.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, patience, sizes } from '../lib/browser.mjs';
import { adminAccount } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

describe('people, in a browser', () => {
  let stage;
  let other;
  let root;
  let dan;
  const password = 'dan walks the dog';
  before(async () => {
    stage = await openStage({ env: { DEFAULT_USER_ROLE: 'pending', ENABLE_API_KEYS: 'true', USER_PERMISSIONS_FEATURES_API_KEYS: 'true' } });
    other = await startProvider({ models: ['second-hand'] });
    root = await stage.seat(null);
    dan = await stage.seat(null, { viewport: sizes.phone, isMobile: true, hasTouch: true });
  });
  after(async () => {
    await stage?.close();
    await other?.stop();
  });
  const signIn = async (seat, email, secret) => {
    await seat.page.getByLabel('E-mail').fill(email);
    await seat.page.getByLabel('Password').fill(secret);
    await seat.button('Sign in').click();
  };
  const saved = (seat) => seat.page.getByText(/^Saved\./u).first().waitFor();
  const rowOf = (seat, text) => seat.page.getByRole('listitem').filter({ hasText: text });

  it('says that a password is wrong, and lets in with the right one', async () => {
    await root.open('/');
    await signIn(root, adminAccount.email, 'not this one');
    await root.page.getByRole('alert').waitFor();
    assert.match(await root.page.getByRole('alert').innerText(), /password/iu);
    await root.shot('people-wrong-password');
    await root.assertSound('a wrong password');
    await signIn(root, adminAccount.email, adminAccount.password);
    await root.composer.waitFor();
    const cookies = await root.context.cookies();
    assert.ok(cookies.find(({ name }) => name === 'token').httpOnly);
  });

  it('lets a newcomer wait until an administrator lets him in, who then sees the page by himself', async () => {
    await root.open('/admin/general');
    await root.page.getByRole('switch', { name: /create accounts themselves/u }).check();
    await root.button('Save').click();
    await saved(root);
    await dan.open('/');
    await dan.button('I need an account').click();
    await dan.page.getByLabel('Name').fill('Dan');
    await dan.page.getByLabel('E-mail').fill('dan@x.io');
    await dan.page.getByLabel('Password').fill(password);
    await dan.button('Create account').click();
    await dan.page.getByRole('heading', { name: 'Almost there' }).waitFor();
    await dan.shot('people-pending-phone');
    await dan.assertSound('the page of who waits');
    await root.choose(/Admin/u, 'Administration');
    await root.page.getByLabel('Find a user').fill('dan@');
    await root.page.getByText('One user').waitFor();
    await root.button('Let in', rowOf(root, 'dan@x.io')).click();
    await root.button('Let in', rowOf(root, 'dan@x.io')).waitFor({ state: 'detached' });
    await dan.composer.waitFor({ timeout: 2 * patience() });
    await dan.say('Hello [[tokens=3]]');
    await dan.answered();
  });

  it('changes the name and the password', async () => {
    await dan.open('/settings/account');
    await dan.page.getByLabel('Name').fill('Daniel');
    await dan.button('Save').click();
    await until(async () => (await stage.admin.get('/api/v1/users/?query=dan@')).json.users[0].name === 'Daniel', { what: 'the name is kept' });
    await dan.page.getByLabel('Present password').fill('wrong');
    await dan.page.getByLabel('New password', { exact: true }).fill('dan walks two dogs');
    await dan.page.getByLabel('New password again').fill('dan walks two cats');
    await dan.page.getByText(/not the same|differ|match/iu).first().waitFor();
    await dan.page.getByLabel('New password again').fill('dan walks two dogs');
    await dan.button('Change the password').click();
    await dan.page.getByRole('alert').waitFor();
    await dan.button('Dismiss').first().click();
    await dan.page.getByLabel('Present password').fill(password);
    await dan.button('Change the password').click();
    await until(async () => (await stage.server.client().signIn({ email: 'dan@x.io', password: 'dan walks two dogs' }, { expect: null })).status === 200, { what: 'the new password opens' });
    await stage.server.client().signIn({ email: 'dan@x.io', password }, { expect: 400 });
    await dan.assertSound('the account');
  });

  it('signs in again with the new password, and signs out', async () => {
    await dan.context.clearCookies();
    await dan.open('/');
    await signIn(dan, 'dan@x.io', 'dan walks two dogs');
    await dan.composer.waitFor();
    await dan.open('/settings/account');
    await dan.button('Sign out').click();
    await dan.button('Sign in').waitFor();
    assert.equal((await dan.context.cookies()).find(({ name }) => name === 'token'), undefined);
    await signIn(dan, 'dan@x.io', 'dan walks two dogs');
    await dan.page.getByRole('heading', { name: 'Who you are' }).waitFor();
  });

  it('makes an API key that is shown once, works, and is deleted', async () => {
    await dan.open('/settings/keys');
    await dan.page.getByText('You have no key yet.').waitFor();
    await dan.button('Make a key').click();
    await dan.dialog('Make a key').getByLabel('Name').fill('My script');
    await dan.assertSound('the dialog of keys');
    await dan.button('Make it').click();
    const key = (await dan.page.locator('main code.break-all').innerText()).trim();
    assert.match(key, /^sk-/u);
    await dan.shot('people-key-phone');
    const asKey = (status) => stage.server.client().get('/api/models', { token: key, expect: status });
    await asKey(200);
    await dan.page.reload();
    await rowOf(dan, 'My script').waitFor();
    assert.ok(!(await dan.page.content()).includes(key), 'it is not shown again');
    await dan.button('Delete', rowOf(dan, 'My script')).click();
    await dan.button('Delete', dan.dialog('Delete “My script”?')).click();
    await dan.page.getByText('You have no key yet.').waitFor();
    await asKey(401);
  });

  it('keeps the chosen colours over a reload', async () => {
    await dan.open('/settings/appearance');
    const ink = () => dan.page.evaluate(() => getComputedStyle(document.body).color);
    const light = await ink();
    await dan.page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    await until(async () => (await ink()) !== light, { what: 'the ink is another' });
    const dark = await ink();
    await dan.page.reload();
    await dan.page.locator('main h1').waitFor();
    await until(async () => (await ink()) === dark, { what: 'the ink is still the other' });
    await dan.assertSound('dark');
  });

  it('sends the own instructions and parameters to the model', async () => {
    await dan.open('/settings/answers');
    await dan.page.getByLabel('What should models know about you').fill('Call me {{USER_NAME}}, and be brief.');
    await dan.page.getByLabel('Temperature').fill('7');
    assert.ok(await dan.button('Save').isDisabled(), 'a temperature of 7 is not accepted');
    await dan.page.getByLabel('Temperature').fill('0.3');
    await dan.page.getByLabel('Longest answer').fill('77');
    await dan.page.getByLabel('Stop at').fill('END, FIN');
    await dan.button('Save').click();
    await saved(dan);
    await dan.open('/');
    await dan.say('As I like it [[tokens=3]]');
    await dan.answered();
    const { body } = stage.provider.answers.at(-1);
    assert.deepEqual(body.messages[0], { role: 'system', content: 'Call me Daniel, and be brief.' });
    assert.deepEqual([body.temperature, body.max_tokens, body.stop], [0.3, 77, ['END', 'FIN']]);
    await dan.open('/settings/answers');
    await until(async () => (await dan.page.getByLabel('Temperature').inputValue()) === '0.3', { what: 'the form shows what is kept' });
    await dan.assertSound('instructions and parameters');
  });

  describe('who look after the server', () => {
    it('add, change, lock out and delete a user', async () => {
      await root.open('/admin/users');
      await root.button('Add a user').click();
      const dialog = root.dialog('Add a user');
      await dialog.getByLabel('Name').fill('Fay');
      await dialog.getByLabel('E-mail').fill('fay@x.io');
      await dialog.getByLabel('Password').fill('fay flies far');
      await dialog.getByLabel('Role').selectOption('user');
      await root.assertSound('the dialog of a user');
      await root.button('Add', dialog).click();
      await rowOf(root, 'fay@x.io').waitFor();
      const fay = stage.server.client();
      await fay.signIn({ email: 'fay@x.io', password: 'fay flies far' });

      await root.choose('Actions for Fay', /Change or set a password/u);
      await root.dialog('Fay').getByLabel('New password').fill('fay flies farther');
      await root.button('Save', root.dialog('Fay')).click();
      await root.dialog('Fay').waitFor({ state: 'detached' });
      await fay.get('/api/v1/auths/', { expect: 401 });
      await fay.signIn({ email: 'fay@x.io', password: 'fay flies farther' });
      await root.openMenu('Actions for Fay');
      await root.assertSound('the menu of a user');
      await root.page.getByRole('menuitemradio', { name: 'Waiting (locked out)' }).click();
      await root.button('Let in', rowOf(root, 'fay@x.io')).waitFor();
      assert.equal((await fay.get('/api/v1/chats/')).status, 401);
      await root.choose('Actions for Fay', /Delete/u);
      await root.button('Delete', root.dialog('Delete Fay?')).click();
      await rowOf(root, 'fay@x.io').waitFor({ state: 'detached' });
      await stage.server.client().signIn({ email: 'fay@x.io', password: 'fay flies farther' }, { expect: 400 });
    });

    it('add a connection, whose models appear, and remove it again', async () => {
      await root.open('/admin/connections');
      const section = root.page.locator('section').filter({ hasText: /OpenAI/u }).first();
      await root.button('Add a connection', section).click();
      const dialog = root.dialog('Add a connection');
      await dialog.getByLabel('Address').fill(other.openaiUrl);
      await dialog.getByLabel('Key').fill('k');
      await root.button('Verify', dialog).click();
      await dialog.getByRole('status').filter({ hasText: /\w/u }).waitFor();
      await root.shot('people-connection');
      await root.assertSound('the dialog of a connection');
      await root.button('Save', dialog).click();
      await dialog.waitFor({ state: 'detached' });
      await rowOf(root, other.openaiUrl).waitFor();
      await root.page.getByRole('link', { name: /New chat|Antiphon/u }).first().click();
      await root.page.getByRole('button', { name: /^Model:/u }).click();
      await root.page.getByRole('option', { name: 'second-hand', exact: true }).click();
      await root.ask('You there [[tokens=3]]');
      assert.equal(other.answers.length, 1);
      await root.open('/admin/connections');
      await root.button('Change', rowOf(root, other.openaiUrl)).click();
      await root.button('Delete …', root.dialog('Connection')).click();
      await root.button('Delete', root.dialog('Delete this connection?')).click();
      await rowOf(root, other.openaiUrl).waitFor({ state: 'detached' });
      await until(async () => !(await stage.admin.get('/api/models')).json.data.some(({ id }) => id === 'second-hand'), { what: 'its models are gone' });
    });

    it('name a model anew, and take one out of sight', async () => {
      await root.open('/admin/models');
      await root.page.getByLabel('Find a model').fill('n50d5');
      await root.button('Change', rowOf(root, 'n50d5')).click();
      const dialog = root.dialog('n50d5');
      await dialog.getByLabel('Name').fill('The quick one');
      await dialog.getByLabel('Description').fill('Fifty words and done.');
      await root.assertSound('the dialog of a model');
      await root.button('Save', dialog).click();
      await rowOf(root, 'The quick one').waitFor();
      const names = async () => (await stage.admin.get('/api/models')).json.data.map(({ name }) => name);
      assert.ok((await names()).includes('The quick one'));
      await root.button('Change', rowOf(root, 'The quick one')).click();
      await dialog.getByRole('switch', { name: /Offered/u }).uncheck();
      await root.button('Save', dialog).click();
      await dialog.waitFor({ state: 'detached' });
      await until(async () => !(await names()).includes('The quick one'), { what: 'it is not offered' });
    });

    it('let a group use a model', async () => {
      const group = (await stage.admin.post('/api/v1/groups/create', { name: 'Testers', description: '' }, { expect: 200 })).json.id;
      const grants = async () => (await stage.admin.get('/api/v1/models/base')).json.find(({ id }) => id === 'n50d5').access_grants.map(({ principal_id, permission }) => [principal_id, permission]);
      await root.open('/admin/models');
      await root.button('Change', rowOf(root, 'n50d5')).click();
      const dialog = root.dialog('n50d5');
      await dialog.getByLabel('Who may use it').selectOption('Only those I name');
      await dialog.getByLabel('Name somebody').fill('test');
      await dialog.getByRole('button', { name: /^Testers/u }).click();
      await root.button('Remove Testers', dialog).waitFor();
      await root.assertSound('the choice of who may use a model');
      await root.button('Save', dialog).click();
      await dialog.waitFor({ state: 'detached' });
      assert.deepEqual(await grants(), [[group, 'read']]);
      await root.button('Change', rowOf(root, 'n50d5')).click();
      await root.button('Remove Testers', dialog).waitFor();
      await root.button('Cancel', dialog).click();
    });

    it('open all models to everyone, and switch off those that were found', async () => {
      const rows = async () => (await stage.admin.get('/api/v1/models/base')).json;
      const offered = async () => (await stage.admin.get('/api/models/base')).json.data.map(({ id }) => id);
      await root.open('/admin/models');
      await root.choose(/^All \d+/u, 'Open to everyone');
      const dialog = root.dialog('Open to everyone');
      await root.assertSound('the question before all models are changed');
      await root.button('Open to everyone', dialog).click();
      await dialog.waitFor({ state: 'detached' });
      const open = (await rows()).filter(({ access_grants }) => access_grants.some(({ principal_id }) => principal_id === '*')).map(({ id }) => id);
      assert.deepEqual(open.sort(), (await offered()).sort());
      assert.equal((await rows()).find(({ id }) => id === 'n50d5').name, 'The quick one', 'its name stays');
      await root.page.getByLabel('Find a model').fill('n50d5');
      await root.choose('This one', 'Offer');
      await root.button('Offer', root.dialog('Offer')).click();
      await root.dialog('Offer').waitFor({ state: 'detached' });
      assert.ok((await rows()).every(({ is_active }) => is_active));
      await root.choose('This one', 'Switch off');
      await root.button('Switch off', root.dialog('Switch off')).click();
      await root.dialog('Switch off').waitFor({ state: 'detached' });
      assert.deepEqual((await rows()).filter(({ is_active }) => !is_active).map(({ id }) => id), ['n50d5']);
      await root.shot('admin-models');
    });

    it('change the general settings, which count at once and stay', async () => {
      await root.open('/admin/general');
      const signUp = root.page.getByRole('switch', { name: /create accounts themselves/u });
      assert.ok(await signUp.isChecked());
      await signUp.uncheck();
      await root.page.getByLabel('New accounts begin as').selectOption('user');
      await root.button('Save').click();
      await saved(root);
      await root.page.reload();
      await signUp.waitFor();
      assert.ok(!(await signUp.isChecked()));
      assert.equal(await root.page.getByLabel('New accounts begin as').inputValue(), 'user');
      const guest = await stage.seat(null);
      await guest.open('/');
      await guest.button('Sign in').waitFor();
      assert.equal(await guest.button('I need an account').count(), 0);
      await stage.server.client().signUp({ name: 'X', email: 'x@x.io', password: 'x marks the spot' }, { expect: 403 });
      await guest.context.close();
    });

    it('are the only ones who see the administration', async () => {
      for (const [path, text] of [['/admin/users', 'Only administrators look after this server.'], ['/connect', 'Only administrators connect models.']]) {
        await dan.open(path);
        await dan.page.getByText(text).waitFor();
        await dan.assertSound(path);
      }
      assert.equal(await dan.page.getByLabel('Address').count(), 0);
    });
  });

  it('ran without a fault in a script and without breaking its own policy', () => assert.deepEqual(stage.faults, []));
});

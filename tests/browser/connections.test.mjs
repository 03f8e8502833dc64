// An administrator's way through the page of connections: how a server is spoken to, on and off, and the models of an Ollama server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, sizes } from '../lib/browser.mjs';
import { sleep, until } from '../lib/until.mjs';

describe('the page of connections, in a browser', () => {
  let stage, seat, page;
  before(async () => {
    stage = await openStage();
    seat = await stage.seat();
    page = seat.page;
    await seat.open('/admin/connections');
    await list('OpenAI-compatible').getByRole('listitem').first().waitFor();
  });
  after(() => stage?.close());

  const list = (name) => page.getByRole('list', { name });
  const openai = async () => (await stage.admin.get('/openai/config', { expect: 200 })).json;
  const dialog = () => seat.dialog(/connection/iu);
  const saved = () => dialog().waitFor({ state: 'detached' });

  it('says what is wrong with an address and with a header, and sends nothing', async () => {
    await page.getByRole('button', { name: 'Add a connection' }).first().click();
    await dialog().getByLabel('Address').fill('example.org');
    await dialog().getByLabel('Key', { exact: true }).click();
    await dialog().getByText('This is not a complete address').waitFor();
    await dialog().getByLabel('Address').fill('https://one.example/v1');
    await dialog().getByText('How it is spoken to').click();
    await dialog().getByLabel('More headers').fill('no header');
    await dialog().getByText('is no header').waitFor();
    await seat.button('Save', dialog()).click();
    await seat.shot('connections-dialog');
    await seat.assertSound('a connection with faults');
    assert.equal((await openai()).OPENAI_API_BASE_URLS.length, 1);
  });

  it('keeps everything that can be said of a connection, and shows it again', async () => {
    const d = dialog();
    await d.getByLabel('Key', { exact: true }).fill('secret');
    await d.getByLabel('Prefix').fill('one');
    await d.getByLabel('Tags').fill('fast, ours');
    await d.getByLabel('Only these models').fill('m1\nm2');
    await d.getByLabel('Style').selectOption('Azure OpenAI');
    await d.getByLabel('API version').fill('2024-10-21');
    await d.getByLabel('How we prove').selectOption('With nothing');
    await d.getByLabel('Where it runs').selectOption('Local');
    await d.getByLabel('More headers').fill('X-Team: 7\nX-User: {{USER_ID}}');
    await seat.button('Save', d).click();
    await saved();
    const config = await openai();
    assert.equal(config.OPENAI_API_BASE_URLS[1], 'https://one.example/v1');
    assert.deepEqual(config.OPENAI_API_CONFIGS[1], {
      enable: true, prefix_id: 'one', tags: [{ name: 'fast' }, { name: 'ours' }], model_ids: ['m1', 'm2'], provider: 'azure_openai',
      api_version: '2024-10-21', auth_type: 'none', connection_type: 'local', headers: { 'X-Team': '7', 'X-User': '{{USER_ID}}' },
    });
    const row = list('OpenAI-compatible').getByRole('listitem').nth(1);
    await row.getByText('in use · Azure · prefix one · tags fast, ours · 2 models only · more headers').waitFor();
    await seat.button('Change', row).click();
    await dialog().getByText('How it is spoken to').click();
    assert.equal(await dialog().getByLabel('API version').inputValue(), '2024-10-21');
    assert.equal(await dialog().getByLabel('More headers').inputValue(), 'X-Team: 7\nX-User: {{USER_ID}}');
    await seat.button('Cancel', dialog()).click();
    await saved();
  });

  it('switches one off and on, and deletes it only when asked twice', async () => {
    const row = list('OpenAI-compatible').getByRole('listitem').nth(1);
    const use = row.getByRole('switch', { name: 'Use https://one.example/v1' });
    await use.click();
    await row.getByText('switched off').waitFor();
    assert.equal((await openai()).OPENAI_API_CONFIGS[1].enable, false);
    await use.click();
    await row.getByText('in use').waitFor();
    await seat.button('Change', row).click();
    await seat.button('Delete …', dialog()).click();
    await seat.button('Cancel', seat.dialog('Delete this connection?')).click();
    assert.equal((await openai()).OPENAI_API_BASE_URLS.length, 2);
    await seat.button('Delete …', dialog()).click();
    await seat.button('Delete', seat.dialog('Delete this connection?')).click();
    await row.waitFor({ state: 'detached' });
    const config = await openai();
    assert.deepEqual([config.OPENAI_API_BASE_URLS.length, Object.keys(config.OPENAI_API_CONFIGS)], [1, ['0']]);
  });

  it('tries a server, and tells what it found', async () => {
    await seat.button('Change', list('OpenAI-compatible').getByRole('listitem').first()).click();
    await seat.button('Verify', dialog()).click();
    await dialog().getByText(/^It answers and offers \d+ models\.$/u).waitFor();
    await dialog().getByLabel('Address').fill('http://127.0.0.1:9/v1');
    await seat.button('Verify', dialog()).click();
    await dialog().getByText(/No server answers/u).waitFor();
    await seat.button('Cancel', dialog()).click();
    await saved();
  });

  it('fetches a model to an Ollama server, showing how far it is, stops one, and deletes one', async () => {
    await stage.admin.post('/ollama/config/update', { ENABLE_OLLAMA_API: true, OLLAMA_BASE_URLS: [stage.provider.url], OLLAMA_API_CONFIGS: {} }, { expect: 200 });
    await page.reload();
    await seat.button('Models', list('Ollama').getByRole('listitem').first()).click();
    const models = seat.dialog('Models on this server');
    await models.getByText('pebble:1b').waitFor();
    stage.provider.state.pullDelay = 400;
    await models.getByLabel('Fetch a model').fill('boulder:3b');
    await seat.button('Fetch', models).click();
    await models.getByRole('progressbar', { name: 'Fetching boulder:3b' }).waitFor();
    await models.getByText(/^[1-9]\d? %$/u).waitFor();
    await seat.shot('connections-pull');
    await seat.assertSound('a model on its way');
    await models.getByText('boulder:3b is there.').waitFor();
    await seat.button('Delete boulder:3b', models).waitFor();
    assert.ok(stage.provider.state.ollamaModels.has('boulder:3b'));

    stage.provider.state.pullDelay = 300;
    await models.getByLabel('Fetch a model').fill('mountain:70b');
    await seat.button('Fetch', models).click();
    await models.getByRole('progressbar').waitFor();
    await seat.button('Stop', models).click();
    await seat.button('Fetch', models).waitFor();
    // The server that fetches it hears of it: left alone it would be there by then.
    await sleep(300 * 12);
    assert.ok(!stage.provider.state.ollamaModels.has('mountain:70b'));

    await seat.button('Delete boulder:3b', models).click();
    await seat.button('Delete', seat.dialog('Delete boulder:3b?')).click();
    await seat.button('Delete boulder:3b', models).waitFor({ state: 'detached' });
    await until(() => !stage.provider.state.ollamaModels.has('boulder:3b'), { what: 'the model is gone from the server' });
    await seat.button('Close', models).click();
  });

  it('fits a phone', async () => {
    await page.setViewportSize(sizes.phone);
    await page.emulateMedia({ colorScheme: 'dark' });
    await seat.assertSound('the page on a phone');
    await seat.shot('connections-phone');
    await seat.button('Change', list('OpenAI-compatible').getByRole('listitem').first()).click();
    await dialog().getByText('How it is spoken to').click();
    await seat.assertSound('the dialog on a phone');
    await seat.shot('connections-phone-dialog');
  });
});

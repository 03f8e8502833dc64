// What clients of Open WebUI ask on every page, of features that are not there: an answer, and no claim.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServer } from '../lib/server.mjs';

describe('a feature that is not there', () => {
  let server;
  let admin;
  before(async () => {
    server = await startServer();
    admin = await server.admin();
  });
  after(() => server?.close());

  it('has empty lists, so that pages of others do not break', async () => {
    for (const path of ['/api/v1/tools/', '/api/v1/functions/', '/api/v1/prompts/', '/api/v1/memories/', '/api/v1/terminals/', '/api/events/webhooks']) {
      assert.deepEqual((await admin.get(path, { expect: 200 })).json, [], path);
    }
    for (const path of ['/api/v1/prompts/list', '/api/v1/notes/search', '/api/v1/automations/list']) {
      assert.deepEqual((await admin.get(path, { expect: 200 })).json, { items: [], total: 0 }, path);
    }
    assert.equal((await admin.get('/api/v1/channels/')).status, 403);
    assert.equal((await admin.post('/api/chat/actions/translate')).status, 404);
    assert.equal((await server.client().get('/api/v1/tools/')).status, 401);
  });

  it('is not announced in /api/config, whatever its setting says', async () => {
    const { features } = (await admin.get('/api/config', { expect: 200 })).json;
    for (const name of ['notes', 'memories', 'channels', 'calendar', 'automations', 'tools', 'functions', 'plugins', 'web_search', 'image_generation']) {
      assert.equal(features[`enable_${name}`], false, name);
    }
    assert.equal(features.enable_message_rating, true);
    assert.equal(features.enable_folders, true);
  });

  it('leaves programs of older versions their report of an ended answer', async () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'x' }], chat_id: 'c', id: 'i' };
    assert.deepEqual((await admin.post('/api/chat/completed', body, { expect: 200 })).json, body);
  });
});

// The list of models, the models of the workspace, their access, versions and pictures.

const kModels = '/api/v1/models';
const form = (id, more = {}) => ({ id, name: `Model ${id}`, base_model_id: 'numbered', meta: { description: 'A helper', tags: [{ name: 'help' }] }, params: { system: 'Be brief.', temperature: 0.4 }, access_grants: [], is_active: true, ...more });
const everybody = [{ principal_type: 'user', principal_id: '*', permission: 'read' }];

async function lists(w) {
  for (const who of ['ada', 'bob', 'pat', 'nobody']) await w.call(who, 'GET /api/models', { pick: byId });
  await w.call('bob', 'GET /api/v1/models', { pick: byId });
  await w.call('ada', 'GET /api/models', { query: { refresh: true }, note: 'fresh', pick: byId });
  for (const who of ['ada', 'bob']) await w.call(who, 'GET /api/models/base', { pick: byId });
  await w.call('ada', `GET ${kModels}/base`, { pick: sorted });
  await w.call('ada', `GET ${kModels}/base/tags`);
  await w.call('bob', `GET ${kModels}/base`, { note: 'not an administrator' });
  await w.call('ada', `GET ${kModels}/all`, { pick: sorted });
  await w.call('bob', `GET ${kModels}/list`, { query: { page: 1 } });
  await w.call('bob', `GET ${kModels}/tags`);
}

const sorted = (list) => [...list].sort((a, b) => a.id.localeCompare(b.id));
/** In which order the connections are merged is free; a client sorts. */
const byId = (json) => ({ ...json, data: sorted(json.data) });

async function workspace(w) {
  const make = `POST ${kModels}/create`;
  await w.call('ada', make, { body: form('helper') });
  await w.call('ada', make, { body: form('helper'), note: 'the same id again' });
  await w.call('ada', make, { body: { id: 'x' }, note: 'half a body' });
  await w.call('ada', make, { body: form('odd', { params: 'text' }), note: 'a text for parameters' });
  await w.call('bob', make, { body: form('mine'), note: 'without the permission' });
  await w.call('nobody', make, { body: form('mine') });
  const query = { id: 'helper' };
  await w.call('ada', `GET ${kModels}/model`, { query });
  await w.call('bob', `GET ${kModels}/model`, { query, note: 'not granted' });
  await w.call('ada', `GET ${kModels}/model`, { query: { id: 'none' }, note: 'missing' });
  await w.pause();
  await w.call('ada', `POST ${kModels}/model/update`, { query, body: form('helper', { name: 'Helper 2' }) });
  await w.call('bob', `POST ${kModels}/model/update`, { query, body: form('helper'), note: 'not theirs' });
  await w.call('ada', `POST ${kModels}/model/update`, { query: { id: 'none' }, body: form('none'), note: 'missing' });
  await w.call('ada', `POST ${kModels}/model/access/update`, { body: { id: 'helper', access_grants: everybody } });
  await w.call('bob', `POST ${kModels}/model/access/update`, { body: { id: 'helper', access_grants: [] }, note: 'not theirs' });
  await w.call('bob', `GET ${kModels}/model`, { query, note: 'granted' });
  await w.call('bob', 'GET /api/models', { note: 'with the granted one', pick: ({ data }) => data.find((model) => model.id === 'helper') ?? null });
  await w.call('ada', `POST ${kModels}/model/toggle`, { query });
  await w.call('bob', 'GET /api/models', { note: 'turned off', pick: ({ data }) => data.some((model) => model.id === 'helper') });
  await w.call('ada', `POST ${kModels}/model/toggle`, { query, note: 'back' });
  await w.call('bob', `POST ${kModels}/model/toggle`, { query, note: 'not theirs' });
  await w.call('bob', 'GET /api/models', { note: 'turned on again', pick: ({ data }) => data.some((model) => model.id === 'helper') });
  await w.call('ada', `GET ${kModels}/list`, { query: { page: 1, query: 'helper' }, note: 'by words' });
  await w.call('ada', `GET ${kModels}/list`, { query: { page: 1, tag: 'help' }, note: 'by tag' });
  await w.call('ada', `GET ${kModels}/tags`, { note: 'with one' });
}

async function pictured(w) {
  const profile_image_url = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const meta = { ...form('x').meta, profile_image_url };
  await w.call('ada', `POST ${kModels}/create`, { body: form('pictured', { meta }), note: 'with a picture' });
  await w.call('ada', `GET ${kModels}/model`, { query: { id: 'pictured' }, note: 'with a picture' });
  await w.call('ada', `GET ${kModels}/list`, { query: { page: 1, query: 'pictured' }, note: 'with a picture' });
  await w.call('ada', `GET ${kModels}/model/profile/image`, { query: { id: 'pictured' }, note: 'with a picture' });
  await w.call('ada', `POST ${kModels}/model/delete`, { body: { id: 'pictured' }, note: 'with a picture' });
}

async function answersOf(w) {
  await w.call('bob', 'POST /api/chat/completions', { body: { model: 'helper', stream: false, messages: [{ role: 'user', content: 'Hi [[tokens=3]]' }] }, note: 'by a model of the workspace' });
  const call = w.provider.calls.at(-1);
  await w.call('bob', 'GET /api/version', { note: 'what the model of the workspace asked its base', pick: () => ({ ...call?.body }) });
}

async function versions(w) {
  const query = { id: 'helper' };
  const list = (await w.call('ada', `GET ${kModels}/model/history`, { query })).json ?? [];
  const version = list.at?.(-1)?.id;
  await w.call('bob', `GET ${kModels}/model/history`, { query, note: 'not theirs' });
  await w.call('ada', `GET ${kModels}/model/history/{version}`, { query, path: { version } });
  await w.call('ada', `GET ${kModels}/model/history/{version}`, { query, path: { version: 'no-such' }, note: 'missing' });
  await w.call('ada', `POST ${kModels}/model/update/version`, { query, body: { version_id: version ?? 'none' } });
  await w.call('ada', `GET ${kModels}/model`, { query, note: 'an older version' });
  await w.call('ada', `DELETE ${kModels}/model/history/{version}`, { query, path: { version: list[0]?.id } });
}

async function picturesAndFiles(w) {
  await w.call('bob', `GET ${kModels}/model/profile/image`, { query: { id: 'helper' } });
  await w.call('bob', `GET ${kModels}/model/profile/image`, { query: { id: 'none' }, note: 'missing' });
  await w.call('nobody', `GET ${kModels}/model/profile/image`, { query: { id: 'helper' } });
  const exported = (await w.call('ada', `GET ${kModels}/export`, { pick: sorted })).json ?? [];
  await w.call('bob', `GET ${kModels}/export`, { note: 'without the permission' });
  await w.call('ada', `POST ${kModels}/import`, { body: { models: exported.filter?.((one) => one.id === 'helper') ?? [] } });
  await w.call('ada', `POST ${kModels}/import`, { body: {}, note: 'no list' });
  await w.call('bob', `POST ${kModels}/import`, { body: { models: [] }, note: 'without the permission' });
  await w.call('bob', `POST ${kModels}/sync`, { body: { models: [] }, note: 'not an administrator' });
}

async function deleting(w) {
  await w.call('bob', `POST ${kModels}/model/delete`, { body: { id: 'helper' }, note: 'not theirs' });
  await w.call('ada', `POST ${kModels}/model/delete`, { body: { id: 'helper' } });
  await w.call('ada', `POST ${kModels}/model/delete`, { body: { id: 'helper' }, note: 'again' });
  await w.call('bob', `DELETE ${kModels}/delete/all`, { note: 'not an administrator' });
}

export async function models(w) {
  await lists(w);
  await workspace(w);
  await pictured(w);
  await answersOf(w);
  await versions(w);
  await picturesAndFiles(w);
  await deleting(w);
}

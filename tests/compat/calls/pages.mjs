// What the browser asks around the API, and what is empty as long as nobody has made anything.

const kLists = [
  '/api/v1/tools/', '/api/v1/tools/list', '/api/v1/functions/', '/api/v1/prompts/', '/api/v1/prompts/list', '/api/v1/prompts/tags',
  '/api/v1/knowledge/', '/api/v1/knowledge/search', '/api/v1/skills/', '/api/v1/skills/list', '/api/v1/notes/', '/api/v1/notes/search',
  '/api/v1/notes/pinned', '/api/v1/memories/', '/api/v1/files/', '/api/v1/terminals/', '/api/v1/channels/', '/api/v1/channels/list',
];
const kAdminLists = ['/api/events/webhooks', '/api/v1/pipelines/list', '/api/v1/knowledge/external/connections', '/api/v1/functions/list'];

export async function pages(w) {
  for (const path of kLists) await w.call('bob', `GET ${path}`, { note: 'empty' });
  for (const path of kLists) await w.call('nobody', `GET ${path}`);
  for (const path of kAdminLists) {
    await w.call('ada', `GET ${path}`, { note: 'empty' });
    await w.call('bob', `GET ${path}`, { note: 'not an administrator' });
  }
  for (const who of ['bob', 'nobody']) await w.call(who, 'GET /api/usage');
  for (const who of ['bob', 'nobody']) await w.call(who, 'GET /api/v1/utils/gravatar', { query: { email: 'Bob@x.io ' } });
  await w.call('bob', 'GET /api/v1/utils/gravatar', { note: 'no address' });
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'POST /api/v1/utils/code/format', { body: { code: 'x = (' }, note: 'no Python' });
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'GET /api/v1/utils/db/download');
  await w.call('bob', 'GET /api/version/updates', { pick: Object.keys });
  await w.call('nobody', 'GET /api/version/updates');
  await w.call('nobody', 'GET /api/changelog', { pick: (json) => Object.values(json)[0] && Object.keys(Object.values(json)[0]).slice(0, 1) });
  for (const path of ['/health', '/health/db', '/ready', '/manifest.json', '/opensearch.xml', '/']) {
    await w.call('nobody', `GET ${path}`, { pick: (json) => Object.keys(json).sort() });
  }
  await w.call('nobody', 'GET /c/some-chat', { note: 'a path of the client' });
  for (const path of ['/api/none', '/api/v1/none', '/openai-none', '/ollama/none', '/oauth/none', '/cache/none', '/static/none.png', '/openapi.json', '/docs']) {
    await w.call('nobody', `GET ${path}`, { note: 'unknown or closed' });
  }
  await w.call('nobody', 'POST /api/none', { body: {}, note: 'unknown' });
  await w.call('bob', 'PUT /api/v1/chats/', { body: {}, note: 'another method' });
  await w.call('bob', 'GET /api/v1/chats/search/', { query: { text: 'x' }, note: 'a slash too many' });
  await w.call('bob', 'GET /api/v1/folders', { note: 'a slash too few' });
}

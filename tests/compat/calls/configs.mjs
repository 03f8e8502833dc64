// Pages of settings that an administrator reads and writes.

const kConfigs = '/api/v1/configs';

/** Reads a page, sends it back as it is, sends rubbish, and tries it as somebody else. */
async function page(w, path, { write = true } = {}) {
  const config = (await w.call('ada', `GET ${path}`)).json ?? {};
  await w.call('bob', `GET ${path}`);
  if (!write) return;
  await w.call('ada', `POST ${path}`, { body: config, note: 'unchanged' });
  await w.call('ada', `POST ${path}`, { body: {}, note: 'empty' });
  await w.call('bob', `POST ${path}`, { body: config, note: 'not an administrator' });
}

export async function configs(w) {
  await page(w, `${kConfigs}/connections`);
  await page(w, `${kConfigs}/models`);
  await page(w, `${kConfigs}/code_execution`);
  await page(w, `${kConfigs}/tool_servers`, { write: false });
  await page(w, `${kConfigs}/terminal_servers`, { write: false });
  await w.call('bob', `GET ${kConfigs}/models/defaults`);
  await w.call('bob', `GET ${kConfigs}/banners`, { note: 'none yet' });
  const banner = { id: 'b1', type: 'info', title: 'Note', content: 'Back at noon', dismissible: true, timestamp: 1_767_225_600 };
  await w.call('ada', `POST ${kConfigs}/banners`, { body: { banners: [banner] } });
  await w.call('ada', `POST ${kConfigs}/banners`, { body: { banners: [{ id: 'x' }] }, note: 'half a banner' });
  await w.call('bob', `POST ${kConfigs}/banners`, { body: { banners: [] }, note: 'not an administrator' });
  await w.call('bob', `GET ${kConfigs}/banners`);
  const suggestion = { title: ['Tell me', 'a story'], content: 'Tell me a story' };
  await w.call('ada', `POST ${kConfigs}/suggestions`, { body: { suggestions: [suggestion] } });
  await w.call('ada', `POST ${kConfigs}/suggestions`, { body: { suggestions: [{ title: 'x' }] }, note: 'half a suggestion' });
  await w.call('bob', 'GET /api/config', { note: 'with the suggestion', pick: (json) => json.default_prompt_suggestions });
  await w.call('ada', `POST ${kConfigs}/interface/visibility`, { body: { visibility: { search: true } } });
  await w.call('ada', `GET ${kConfigs}/namespace/{name}`, { path: { name: 'ui' }, pick: (json) => Object.keys(json).sort() });
  await w.call('bob', `GET ${kConfigs}/namespace/{name}`, { path: { name: 'ui' }, note: 'not an administrator' });
  await w.call('ada', `GET ${kConfigs}/export`, { pick: (json) => typeof json });
  await w.call('bob', `GET ${kConfigs}/export`, { note: 'not an administrator' });
  await w.call('ada', `POST ${kConfigs}/import`, { body: { config: { 'ui.default_user_role': 'user' } }, pick: (json) => typeof json });
  await w.call('ada', `POST ${kConfigs}/import`, { body: {}, note: 'empty' });
  await w.call('bob', `POST ${kConfigs}/import`, { body: { config: {} }, note: 'not an administrator' });
  for (const path of ['ldap', 'ldap/server', 'oauth']) {
    await w.call('ada', `GET /api/v1/auths/admin/config/${path}`);
    await w.call('bob', `GET /api/v1/auths/admin/config/${path}`);
  }
  await w.call('ada', 'POST /api/v1/auths/admin/config/ldap', { body: { enable_ldap: false } });
  const chat = (await w.call('ada', 'GET /api/v1/chats/config')).json ?? {};
  await w.call('ada', 'POST /api/v1/chats/config', { body: chat, note: 'unchanged' });
  await w.call('ada', 'POST /api/v1/chats/config', { body: {}, note: 'empty' });
}

// Accounts as others and administrators see them; settings, status and variables of one's own.

const kUsers = '/api/v1/users';

/** Usage without what depends on where an answer was stopped, how providers count, and how fast the list is played. */
const counted = (json) => {
  if (json.period) json.period.start_date -= json.period.end_date;
  return JSON.parse(JSON.stringify(json), (key, value) => (/token|longest_chat_seconds/.test(key) ? typeof value : value));
};

async function own(w) {
  await w.call('bob', `GET ${kUsers}/user/settings`, { note: 'none yet' });
  await w.call('bob', `POST ${kUsers}/user/settings/update`, { body: { ui: { models: ['numbered'], version: '0.12.4', theme: 'dark' } } });
  await w.call('bob', `GET ${kUsers}/user/settings`);
  await w.call('bob', `GET ${kUsers}/user/settings`, { query: { raw: true }, note: 'raw' });
  await w.call('bob', `POST ${kUsers}/user/settings/update`, { body: { ui: 'text' }, note: 'a text' });
  await w.call('bob', `POST ${kUsers}/user/settings/update`, { body: { role: 'admin' }, note: 'a role' });
  await w.call('bob', `GET ${kUsers}/user/settings`, { note: 'after the role' });
  await w.call('nobody', `GET ${kUsers}/user/settings`);
  await w.call('pat', `GET ${kUsers}/user/settings`);
  await w.call('bob', `POST ${kUsers}/user/status/update`, { body: { status_emoji: '🌱', status_message: 'Growing' } });
  await w.call('bob', `GET ${kUsers}/user/status`);
  await w.call('bob', `GET ${kUsers}/user/info`, { note: 'none yet' });
  await w.call('bob', `POST ${kUsers}/user/info/update`, { body: { location: 'Berlin' } });
  await w.call('bob', `GET ${kUsers}/user/info`);
  await w.call('bob', `POST ${kUsers}/user/variables/update`, { body: { variables: { CITY: 'Berlin' } } });
  await w.call('bob', `GET ${kUsers}/user/variables`);
  await w.call('bob', `POST ${kUsers}/user/variables/update`, { body: { variables: 5 }, note: 'a number' });
  for (const who of ['bob', 'ada', 'nobody']) await w.call(who, `GET ${kUsers}/permissions`);
  await w.call('bob', `GET ${kUsers}/groups`);
  await w.call('bob', `GET ${kUsers}/usage`, { pick: counted });
}

async function others(w) {
  const path = { id: w.person('bob').user?.id };
  await w.call('eve', `GET ${kUsers}/{id}/info`, { path });
  await w.call('eve', `GET ${kUsers}/{id}/info`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('eve', `GET ${kUsers}/{id}/active`, { path });
  await w.call('eve', `GET ${kUsers}/{id}/profile/image`, { path });
  await w.call('eve', `GET ${kUsers}/{id}/profile/image`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('nobody', `GET ${kUsers}/{id}/profile/image`, { path });
  await w.call('eve', `GET ${kUsers}/search`, { query: { query: 'bob' } });
  await w.call('eve', `GET ${kUsers}/search`, { query: { query: '%' }, note: 'for a percent sign' });
  await w.call('nobody', `GET ${kUsers}/search`, { query: { query: 'bob' } });
}

/** Open WebUI lets some in that we turn away (accounts.mjs); the lists are compared without them. */
const known = (json) => {
  const users = json.users.filter(({ email }) => /^(ada|bob|eve|pat)@x\.io$/.test(email));
  return { ...json, users: users.sort((a, b) => a.email.localeCompare(b.email)), total: users.length };
};

/** The order of a preview's models is that of no list. */
export function inOrder(json) {
  json.models?.items.sort((a, b) => a.id.localeCompare(b.id));
  return json;
}

async function administering(w) {
  const path = { id: w.person('bob').user?.id };
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, `GET ${kUsers}/`, { query: { page: 1, order_by: 'created_at', direction: 'asc' }, pick: known });
  await w.call('ada', `GET ${kUsers}/`, { query: { page: 1, query: 'bob' }, note: 'by words' });
  await w.call('ada', `GET ${kUsers}/`, { query: { page: 1, order_by: '(select 1)' }, note: 'an order that is none', pick: known });
  await w.call('ada', `GET ${kUsers}/all`, { pick: known });
  await w.call('bob', `GET ${kUsers}/all`, { note: 'not an administrator' });
  await w.call('ada', `GET ${kUsers}/{id}`, { path });
  await w.call('ada', `GET ${kUsers}/{id}`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('bob', `GET ${kUsers}/{id}`, { path, note: 'not an administrator' });
  await w.call('ada', `GET ${kUsers}/{id}/groups`, { path });
  await w.call('ada', `GET ${kUsers}/{id}/preview`, { path, pick: inOrder });
  await w.call('ada', `GET ${kUsers}/{id}/oauth/sessions`, { path });
  const form = { role: 'user', name: 'Bob', email: 'bob@x.io', profile_image_url: '/user.png' };
  await w.call('ada', `POST ${kUsers}/{id}/update`, { path, body: form });
  await w.call('ada', `POST ${kUsers}/{id}/update`, { path, body: { ...form, email: 'eve@x.io' }, note: 'an address that is taken' });
  await w.call('ada', `POST ${kUsers}/{id}/update`, { path, body: { ...form, role: 'king' }, note: 'a role that is none' });
  await w.call('ada', `POST ${kUsers}/{id}/update`, { path, body: form, note: 'as before' });
  await w.call('ada', `POST ${kUsers}/{id}/update`, { path: { id: 'no-such' }, body: form, note: 'missing' });
  await w.call('bob', `POST ${kUsers}/{id}/update`, { path, body: { ...form, role: 'admin' }, note: 'not an administrator' });
}

async function defaults(w) {
  for (const who of ['ada', 'bob']) await w.call(who, `GET ${kUsers}/default/permissions`);
  const tree = (await w.call('ada', `GET ${kUsers}/default/permissions/defaults`)).json ?? {};
  await w.call('ada', `POST ${kUsers}/default/permissions`, { body: tree });
  await w.call('ada', `POST ${kUsers}/default/permissions`, { body: { chat: {} }, note: 'half a tree' });
  await w.call('bob', `POST ${kUsers}/default/permissions`, { body: tree, note: 'not an administrator' });
}

export async function users(w) {
  await own(w);
  await others(w);
  await administering(w);
  await defaults(w);
}

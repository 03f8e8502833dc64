// Groups, their members and parents.

import { inOrder } from './users.mjs';

const kGroups = '/api/v1/groups';

export async function groups(w) {
  const bob = w.person('bob').user?.id ?? 'none';
  await w.call('ada', `GET ${kGroups}/`, { note: 'none yet' });
  const id = (await w.call('ada', `POST ${kGroups}/create`, { body: { name: 'Staff', description: 'All of us' } })).json?.id;
  await w.call('ada', `POST ${kGroups}/create`, { body: { name: 'Crew', description: '', parent_group_id: id } });
  await w.call('ada', `POST ${kGroups}/create`, { body: {}, note: 'empty' });
  await w.call('bob', `POST ${kGroups}/create`, { body: { name: 'Mine', description: '' }, note: 'not an administrator' });
  const path = { id };
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, `GET ${kGroups}/`, { note: 'with two', pick: (list) => [...list].sort((a, b) => a.name.localeCompare(b.name)) });
  await w.call('ada', `GET ${kGroups}/id/{id}`, { path });
  await w.call('ada', `GET ${kGroups}/id/{id}`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('bob', `GET ${kGroups}/id/{id}`, { path, note: 'not an administrator' });
  await w.call('bob', `GET ${kGroups}/id/{id}/info`, { path, note: 'not a member' });
  await w.call('ada', `POST ${kGroups}/id/{id}/users/add`, { path, body: { user_ids: [bob] } });
  await w.call('ada', `POST ${kGroups}/id/{id}/users/add`, { path, body: { user_ids: ['no-such'] }, note: 'nobody' });
  await w.call('bob', `POST ${kGroups}/id/{id}/users/add`, { path, body: { user_ids: [bob] }, note: 'not an administrator' });
  await w.call('bob', `GET ${kGroups}/id/{id}/info`, { path, note: 'a member' });
  await w.call('bob', `GET ${kGroups}/`, { note: 'a member' });
  await w.call('ada', `POST ${kGroups}/id/{id}/users`, { path });
  await w.call('ada', `GET ${kGroups}/id/{id}/members`, { path, query: { page: 1 } });
  await w.call('ada', `GET ${kGroups}/id/{id}/export`, { path });
  await w.call('ada', `GET ${kGroups}/id/{id}/preview`, { path, pick: inOrder });
  await w.call('ada', `POST ${kGroups}/id/{id}/update`, { path, body: { name: 'Staff 2', description: 'Still us', permissions: { workspace: { models: true } } } });
  await w.call('bob', 'GET /api/v1/users/permissions', { note: 'with those of the group' });
  await w.call('ada', 'GET /api/v1/users/{id}/groups', { path: { id: bob }, note: 'a member' });
  await w.call('bob', 'GET /api/v1/users/groups', { note: 'a member' });
  await w.call('ada', `POST ${kGroups}/id/{id}/users/remove`, { path, body: { user_ids: [bob] } });
  await w.call('bob', 'GET /api/v1/users/permissions', { note: 'without the group', pick: ({ workspace }) => workspace });
  await w.call('bob', `DELETE ${kGroups}/id/{id}/delete`, { path, note: 'not an administrator' });
  await w.call('ada', `DELETE ${kGroups}/id/{id}/delete`, { path });
  await w.call('ada', `DELETE ${kGroups}/id/{id}/delete`, { path, note: 'again' });
}

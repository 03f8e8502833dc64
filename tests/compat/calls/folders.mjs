// Folders: nested, with a prompt, chats inside, deleted with and without what they hold.
import { makeChat } from './bodies.mjs';

const kFolders = '/api/v1/folders';
/** A client sorts them itself. */
const byName = (list) => [...list].sort((a, b) => a.name.localeCompare(b.name));

const byTitle = (list) => [...list].sort((a, b) => a.title.localeCompare(b.title));

async function making(w) {
  const work = (await w.call('bob', `POST ${kFolders}/`, { body: { name: 'Work' } })).json?.id;
  await w.call('bob', `POST ${kFolders}/`, { body: { name: 'Work' }, note: 'the same name again' });
  await w.call('bob', `POST ${kFolders}/`, { body: {}, note: 'no name' });
  await w.call('bob', `POST ${kFolders}/`, { body: { name: 'X', surprise: 1 }, note: 'a field nobody knows' });
  const data = { system_prompt: 'Be brief.', files: [] };
  const inner = (await w.call('bob', `POST ${kFolders}/`, { body: { name: 'Inner', parent_id: work, data, meta: { icon: 'box' } } })).json?.id;
  const lost = (await w.call('bob', `POST ${kFolders}/`, { body: { name: 'Lost', parent_id: 'no-such' }, note: 'a parent that is not there' })).json?.id;
  // Where it was made it goes again, so that the lists are the same.
  if (lost) await w.person('bob').delete(`/api/v1/folders/${lost}`);
  for (const who of ['nobody', 'pat']) await w.call(who, `POST ${kFolders}/`, { body: { name: 'X' } });
  return { work, inner };
}

async function reading(w, { work, inner }) {
  await w.call('bob', `GET ${kFolders}/`, { pick: byName });
  await w.call('bob', `GET ${kFolders}/{id}`, { path: { id: work } });
  await w.call('bob', `GET ${kFolders}/{id}`, { path: { id: inner }, note: 'inner' });
  for (const who of ['eve', 'nobody', 'ada']) await w.call(who, `GET ${kFolders}/{id}`, { path: { id: work }, note: 'not theirs' });
  await w.call('bob', `GET ${kFolders}/{id}`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('bob', `GET ${kFolders}/shared`);
  await w.call('eve', `GET ${kFolders}/`, { note: 'none' });
}

async function changing(w, { work, inner }) {
  const path = { id: work };
  await w.call('bob', `POST ${kFolders}/{id}/update`, { path, body: { name: 'Work, renamed' } });
  await w.call('bob', `POST ${kFolders}/{id}/update`, { path, body: { data: { system_prompt: 'Be kind.' }, meta: { icon: 'star' } }, note: 'prompt and icon' });
  await w.call('eve', `POST ${kFolders}/{id}/update`, { path, body: { name: 'Mine' }, note: 'not theirs' });
  await w.call('bob', `POST ${kFolders}/{id}/update`, { path: { id: 'no-such' }, body: { name: 'X' }, note: 'missing' });
  await w.call('bob', `POST ${kFolders}/{id}/update/expanded`, { path, body: { is_expanded: true } });
  await w.call('bob', `POST ${kFolders}/{id}/update/expanded`, { path, body: {}, note: 'no state' });
  await w.call('bob', `POST ${kFolders}/{id}/update/parent`, { path: { id: inner }, body: { parent_id: null }, note: 'to the top' });
  await w.call('bob', `POST ${kFolders}/{id}/update/parent`, { path: { id: inner }, body: { parent_id: work }, note: 'back inside' });
  await w.call('bob', `POST ${kFolders}/{id}/update/parent`, { path, body: { parent_id: inner }, note: 'into its own child' });
  await w.call('eve', `POST ${kFolders}/{id}/update/parent`, { path, body: { parent_id: null }, note: 'not theirs' });
  await w.call('bob', `GET ${kFolders}/`, { note: 'after the changes', pick: byName });
  await w.call('bob', `POST ${kFolders}/{id}/access/update`, { path, body: { access_grants: [] } });
  await w.call('bob', `GET ${kFolders}/{id}/shared/chats`, { path });
}

const grant = (principal_id, permission = 'read', principal_type = 'user') => ({ principal_type, principal_id, permission });

/** Whom a folder is shared with, and what they may do there. Ada shares, since Bob lacks the permission. */
async function shared(w, { work }) {
  const eve = w.person('eve').user?.id ?? 'none';
  const access = `POST ${kFolders}/{id}/access/update`;
  await w.call('bob', access, { path: { id: work }, body: { access_grants: [grant(eve)] }, note: 'without the permission' });
  await w.call('eve', access, { path: { id: work }, body: { access_grants: [] }, note: 'not theirs' });
  await w.call('bob', access, { path: { id: 'no-such' }, body: { access_grants: [] }, note: 'missing' });
  await w.call('bob', access, { path: { id: work }, body: {}, note: 'no grants' });
  await w.call('nobody', access, { path: { id: work }, body: { access_grants: [] } });
  const id = (await w.person('ada').post(`${kFolders}/`, { name: 'House', data: { system_prompt: 'Be kind.' } })).json?.id;
  const path = { id };
  const chat = await makeChat(w, 'ada', 'For the house', { folder_id: id });
  for (const who of ['eve', 'nobody']) await w.call(who, `GET ${kFolders}/{id}/shared/chats`, { path, note: 'not shared yet' });
  await w.call('ada', access, { path, body: { access_grants: [grant(eve)] } });
  await w.call('ada', `GET ${kFolders}/{id}`, { path, note: 'shared' });
  await w.call('eve', `GET ${kFolders}/shared`, { note: 'one' });
  await w.call('eve', `GET ${kFolders}/{id}`, { path, note: 'to read' });
  await w.call('eve', `GET ${kFolders}/{id}/shared/chats`, { path, query: { page: 1 }, note: 'to read' });
  await w.call('eve', 'GET /api/v1/chats/{id}', { path: { id: chat.id }, note: 'in a shared folder' });
  await w.call('eve', 'POST /api/v1/chats/{id}', { path: { id: chat.id }, body: { chat: { title: 'Mine' } }, note: 'in a folder to read' });
  await w.call('eve', 'DELETE /api/v1/chats/{id}', { path: { id: chat.id }, note: 'in a folder to read' });
  await w.call('eve', `POST ${kFolders}/{id}/update`, { path, body: { name: 'Mine' }, note: 'to read' });
  await w.call('eve', `POST ${kFolders}/{id}/read`, { path, note: 'to read' });
  await w.call('ada', access, { path, body: { access_grants: [grant(eve), grant(eve, 'write')] }, note: 'to write' });
  await w.call('eve', `GET ${kFolders}/{id}`, { path, note: 'to write' });
  await w.call('eve', `GET ${kFolders}/{id}/shared/chats`, { path, query: { page: 1, sort_by: 'title', sort_dir: 'asc' }, note: 'to write' });
  await w.call('eve', `POST ${kFolders}/{id}/update`, { path, body: { name: 'Our house' }, note: 'to write' });
  await w.call('eve', `DELETE ${kFolders}/{id}`, { path, note: 'to write' });
  await w.call('ada', access, { path, body: { access_grants: [] }, note: 'no more' });
  await w.call('eve', `GET ${kFolders}/{id}`, { path, note: 'no more' });
  await w.person('ada').delete(`${kFolders}/${id}`);
}

async function chatsInside(w, { work, inner }) {
  const { id } = await makeChat(w, 'bob', 'Made inside', { folder_id: work });
  await w.pause();
  const other = await makeChat(w, 'bob', 'Moved inside');
  await w.call('bob', 'POST /api/v1/chats/{id}/folder', { path: { id: other.id }, body: { folder_id: inner } });
  await w.call('bob', 'POST /api/v1/chats/{id}/folder', { path: { id: other.id }, body: { folder_id: 'no-such' }, note: 'a folder that is not there' });
  await w.call('eve', 'POST /api/v1/chats/{id}/folder', { path: { id: other.id }, body: { folder_id: null }, note: 'not theirs' });
  await w.call('bob', 'GET /api/v1/chats/folder/{id}', { path: { id: work } });
  await w.call('bob', 'GET /api/v1/chats/folder/{id}/list', { path: { id: work }, query: { page: 1 } });
  await w.call('eve', 'GET /api/v1/chats/folder/{id}/list', { path: { id: work }, query: { page: 1 }, note: 'not theirs' });
  await w.call('bob', 'GET /api/v1/chats/folder/{id}/list', { path: { id: 'no-such' }, query: { page: 1 }, note: 'missing' });
  // Marks such as archived move a chat up in Open WebUI's list, not in ours: what is in it is compared here.
  await w.call('bob', 'GET /api/v1/chats/', { query: { page: 1 }, note: 'without those in folders', pick: byTitle });
  await w.call('bob', 'GET /api/v1/chats/search', { query: { text: 'folder:work' }, note: 'for a folder' });
  await w.call('bob', `POST ${kFolders}/{id}/read`, { path: { id: work } });
  await w.call('bob', 'POST /api/v1/chats/{id}/folder', { path: { id }, body: { folder_id: null }, note: 'out again' });
}

async function deleting(w, { work, inner }) {
  for (const who of ['eve', 'nobody']) await w.call(who, `DELETE ${kFolders}/{id}`, { path: { id: work }, note: 'not theirs' });
  await w.call('bob', `DELETE ${kFolders}/{id}`, { path: { id: inner }, query: { delete_contents: false }, note: 'its chats stay' });
  await w.call('bob', `DELETE ${kFolders}/{id}`, { path: { id: work } });
  await w.call('bob', `DELETE ${kFolders}/{id}`, { path: { id: work }, note: 'again' });
  await w.call('bob', `GET ${kFolders}/`, { note: 'after the deletion', pick: byName });
}

export async function folders(w) {
  const made = await making(w);
  await reading(w, made);
  await changing(w, made);
  await shared(w, made);
  await chatsInside(w, made);
  await deleting(w, made);
}

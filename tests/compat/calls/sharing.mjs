// Sharing a chat by link: who may read it, clone it, and that it ends.
import { makeChat } from './bodies.mjs';

const kChats = '/api/v1/chats';
const grant = (principal_id, permission = 'read', principal_type = 'user') => ({ principal_type, principal_id, permission });

export async function sharing(w) {
  const { id } = await makeChat(w, 'bob', 'Shared thoughts', { turns: 2 });
  const path = { id };
  await w.call('eve', `POST ${kChats}/{id}/share`, { path, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/shared`, { query: { page: 1 }, note: 'none yet' });
  const share = (await w.call('bob', `POST ${kChats}/{id}/share`, { path })).json?.share_id;
  await w.call('bob', `POST ${kChats}/{id}/share`, { path, note: 'again' });
  await w.call('bob', `POST ${kChats}/{id}/share`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('bob', `GET ${kChats}/shared`, { query: { page: 1 } });
  await w.call('bob', `GET ${kChats}/shared/{id}/access`, { path, note: 'before grants' });
  for (const who of ['bob', 'eve', 'ada', 'nobody', 'pat']) await w.call(who, `GET ${kChats}/share/{share}`, { path: { share }, note: 'before grants' });
  const eve = w.person('eve').user?.id ?? 'none';
  await w.call('bob', `POST ${kChats}/shared/{id}/access/update`, { path, body: { access_grants: [grant(eve)] } });
  await w.call('eve', `POST ${kChats}/shared/{id}/access/update`, { path, body: { access_grants: [grant(eve)] }, note: 'not theirs' });
  await w.call('bob', `POST ${kChats}/shared/{id}/access/update`, { path, body: { access_grants: [grant('*')] }, note: 'everybody, without the permission' });
  await w.call('bob', `POST ${kChats}/shared/{id}/access/update`, { path, body: {}, note: 'no grants' });
  await w.call('bob', `GET ${kChats}/shared/{id}/access`, { path });
  await w.call('eve', `GET ${kChats}/shared/{id}/access`, { path, note: 'not theirs' });
  for (const who of ['eve', 'nobody', 'pat']) await w.call(who, `GET ${kChats}/share/{share}`, { path: { share }, note: 'granted to eve' });
  await w.call('nobody', `GET ${kChats}/share/{share}`, { path: { share: 'no-such' }, note: 'missing' });
  await w.call('eve', `GET ${kChats}/share/{share}`, { path: { share: 'no-such' }, note: 'missing' });
  await w.call('eve', `POST ${kChats}/{id}/clone/shared`, { path: { id: share } });
  await w.call('eve', `POST ${kChats}/{id}/clone/shared`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('eve', `POST ${kChats}/{id}`, { path, body: { chat: { title: 'Mine now' } }, note: 'write through a read grant' });
  await w.call('bob', `GET ${kChats}/search`, { query: { text: 'shared:true' }, note: 'for what is shared' });
  await w.call('eve', `DELETE ${kChats}/{id}/share`, { path, note: 'not theirs' });
  await w.call('bob', `DELETE ${kChats}/{id}/share`, { path });
  await w.call('bob', `DELETE ${kChats}/{id}/share`, { path, note: 'again' });
  await w.call('eve', `GET ${kChats}/share/{share}`, { path: { share }, note: 'after its end' });
  await w.call('bob', `DELETE ${kChats}/share/all`);
}

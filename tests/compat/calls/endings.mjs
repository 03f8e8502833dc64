// The end: sessions that are revoked, accounts that are deleted, and what is left of them.
import { account } from './accounts.mjs';

export async function endings(w) {
  const [bob, eve, ada] = ['bob', 'eve', 'ada'].map((name) => w.person(name).user?.id);
  await w.call('nobody', 'POST /api/v1/auths/signout', { note: 'without a session' });
  const old = w.person('bob').token;
  await w.call('bob', 'POST /api/v1/auths/signout');
  await w.call('nobody', 'GET /api/v1/chats/', { headers: { Authorization: `Bearer ${old}` }, note: 'after sign-out' });
  const again = await w.call('bob', 'POST /api/v1/auths/signin', { body: account('bob'), note: 'again' });
  w.person('bob').token = again.json?.token;
  await w.call('bob', 'POST /api/v1/users/{id}/sessions/revoke', { path: { id: eve }, note: 'not an administrator' });
  await w.call('ada', 'POST /api/v1/users/{id}/sessions/revoke', { path: { id: bob } });
  await w.call('bob', 'GET /api/v1/chats/', { note: 'after the sessions were revoked' });
  await w.call('ada', 'POST /api/v1/users/{id}/update', { path: { id: ada }, body: { role: 'user', name: 'Ada', email: 'ada@x.io', profile_image_url: '/user.png' }, note: 'the first administrator steps down' });
  await w.call('eve', 'DELETE /api/v1/users/{id}', { path: { id: bob }, note: 'not an administrator' });
  await w.call('ada', 'DELETE /api/v1/users/{id}', { path: { id: ada }, note: 'oneself' });
  await w.call('ada', 'DELETE /api/v1/users/{id}', { path: { id: eve } });
  await w.call('ada', 'DELETE /api/v1/users/{id}', { path: { id: eve }, note: 'again' });
  await w.call('eve', 'GET /api/v1/chats/', { note: 'a deleted account' });
  await w.call('eve', 'POST /api/v1/auths/signin', { body: account('eve'), note: 'a deleted account' });
}

// Who asks: one row of the matrix each, with what he may do by the rules (not by the server's word).
import { sleep } from '../until.mjs';

/** What a key of scope `chat` reaches: docs/api.md and the clients of OpenAI, Anthropic and Ollama. */
const kChatPaths = [
  '/api/chat/completions', '/api/v1/chat/completions', '/api/message', '/api/v1/messages', '/openai', '/ollama/api/chat',
  '/ollama/api/generate', '/ollama/v1', '/api/models', '/api/v1/models', '/ollama/api/tags', '/api/v1/responses',
];

function isBelow(path, prefix) {
  return path === prefix || path.startsWith(`${prefix}/`);
}

function scopeAllows(scope, route) {
  if (!scope || scope === 'write') return true;
  if (scope === 'read') return route.method === 'GET';
  return scope === 'chat' && kChatPaths.some((prefix) => isBelow(route.path, prefix));
}

/** A credential that does not count here: the same as none. */
export function isVoid(route, person) {
  return person.via === 'nothing' || Boolean(person.dead) || (person.via === 'key' && !scopeAllows(person.scope, route));
}

const allow = { in: true };
const deny = (status) => ({ in: false, status });

/** What the route's declaration says about this person: {in: true} or {in: false, status}. */
export function verdict(route, person) {
  const changes = route.method !== 'GET';
  const byForeignPage = person.cookie === 'foreign' && changes;
  if (route.who === 'anyone') return byForeignPage ? deny(403) : allow;
  if (isVoid(route, person)) return deny(person.via === 'key' && !person.dead ? 403 : 401);
  const human = route.who === 'human' || route.who === 'pending_human';
  if (human && person.via === 'key') return deny(403);
  if (route.who !== 'signed_in' && route.who !== 'pending_human') {
    if (person.role === 'pending') return deny(401);
    if (route.who === 'admin' && (person.role !== 'admin' || person.scope)) return deny(401);
  }
  return byForeignPage ? deny(403) : allow;
}

async function key(owner, form = {}) {
  const { json } = await owner.post('/api/v1/auths/api_keys', { name: 'matrix', ...form }, { expect: 200 });
  return json.api_key;
}

async function signInAgain(server, name) {
  const client = server.client();
  await client.signIn({ email: `${name.toLowerCase()}@x.io`, password: `pass of ${name} 17` });
  return client;
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/**
 * Everybody: `owner` is the client whose objects are his own. Bob is the victim; Eve the other user. Needs a server with API keys
 * allowed for users.
 */
export async function makePeople(server) {
  const admin = await server.admin();
  const bob = await server.user(admin, 'Bob');
  const eve = await server.user(admin, 'Eve');
  const pia = await server.user(admin, 'Pia', 'pending');
  const paul = await server.user(admin, 'Paul');
  const gone = await server.user(admin, 'Gone');
  const expired = await key(bob, { expires_at: Math.floor(Date.now() / 1000) + 2 });
  const ofPending = await key(paul);
  const ofGone = await key(gone);
  const taken = await key(bob);
  const { json: keys } = await bob.get('/api/v1/auths/api_keys', { expect: 200 });
  await bob.delete(`/api/v1/auths/api_keys/${keys.find((one) => taken.endsWith(one.hint.split('…')[1])).id}`, { expect: 200 });
  const signedOut = await signInAgain(server, 'Bob');
  await signedOut.post('/api/v1/auths/signout', {}, { expect: 200 });
  await admin.post(`/api/v1/users/${paul.user.id}/update`, { role: 'pending' }, { expect: 200 });
  await admin.delete(`/api/v1/users/${gone.user.id}`, { expect: 200 });
  await sleep(2100); // Until the key that expires has.

  const people = [
    { name: 'anonymous', via: 'nothing', headers: {} },
    { name: 'nonsense token', via: 'session', dead: true, headers: bearer('a.b.c') },
    { name: 'pending', via: 'session', role: 'pending', owner: pia, headers: bearer(pia.token) },
    { name: 'user', via: 'session', role: 'user', owner: bob, headers: bearer(bob.token) },
    { name: 'other user', via: 'session', role: 'user', owner: eve, headers: bearer(eve.token) },
    { name: 'admin', via: 'session', role: 'admin', owner: admin, headers: bearer(admin.token) },
    { name: 'signed out', via: 'session', dead: true, headers: bearer(signedOut.token) },
    { name: 'demoted', via: 'session', dead: true, headers: bearer(paul.token) },
    { name: 'deleted', via: 'session', dead: true, headers: bearer(gone.token) },
    { name: 'key', via: 'key', role: 'user', owner: bob, headers: bearer(await key(bob)) },
    { name: 'key in x-api-key', via: 'key', role: 'user', owner: bob, headers: { 'x-api-key': await key(bob) } },
    { name: 'key to read', via: 'key', scope: 'read', role: 'user', owner: bob, headers: bearer(await key(bob, { scopes: ['read'] })) },
    { name: 'key to chat', via: 'key', scope: 'chat', role: 'user', owner: bob, headers: bearer(await key(bob, { scopes: ['chat'] })) },
    { name: 'expired key', via: 'key', dead: true, headers: bearer(expired) },
    { name: 'deleted key', via: 'key', dead: true, headers: bearer(taken) },
    { name: 'key of a demoted', via: 'key', dead: true, headers: bearer(ofPending) },
    { name: 'key of a deleted', via: 'key', dead: true, headers: bearer(ofGone) },
    { name: "other user's key", via: 'key', role: 'user', owner: eve, headers: bearer(await key(eve)) },
    { name: "admin's key", via: 'key', role: 'admin', owner: admin, headers: bearer(await key(admin)) },
    { name: "admin's key to write", via: 'key', scope: 'write', role: 'admin', owner: admin, headers: bearer(await key(admin, { scopes: ['write'] })) },
    { name: 'own page by cookie', via: 'session', cookie: 'own', role: 'user', owner: bob, headers: { Cookie: `token=${bob.token}`, Origin: server.url } },
    { name: 'foreign page by cookie', via: 'session', cookie: 'foreign', role: 'user', owner: bob, headers: { Cookie: `token=${bob.token}`, Origin: 'https://evil.example' } },
    { name: "foreign page by admin's cookie", via: 'session', cookie: 'foreign', role: 'admin', owner: admin, headers: { Cookie: `token=${admin.token}`, Origin: 'null' } },
  ];
  return { admin, bob, eve, people };
}

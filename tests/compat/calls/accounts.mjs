// First account, sign-up, sign-in, session, profile, API key; and what is refused.

export const passwords = { ada: 'correct horse 17', bob: 'pass of bob 17', eve: 'pass of eve 17', pat: 'pass of pat 17' };
export const account = (name) => ({ name: name[0].toUpperCase() + name.slice(1), email: `${name}@x.io`, password: passwords[name] });

const kAuths = '/api/v1/auths';

async function firstAccount(w) {
  await w.call('nobody', 'GET /api/config', { note: 'before there is an account' });
  await w.call('nobody', 'GET /api/version');
  await w.call('nobody', `GET ${kAuths}/`);
  const reply = await w.call('ada', `POST ${kAuths}/signup`, { body: account('ada'), note: 'the first account' });
  w.person('ada').token = reply.json.token;
  w.person('ada').user = reply.json;
  await w.call('nobody', 'GET /api/config', { note: 'when there is one' });
  await w.call('ada', 'GET /api/config');
  await w.call('bob', `POST ${kAuths}/signup`, { body: account('bob'), note: 'while it is closed' });
}

async function people(w) {
  for (const [name, role] of [['bob', 'user'], ['pat', 'pending']]) {
    await w.call('ada', `POST ${kAuths}/add`, { body: { ...account(name), role }, note: role });
    const reply = await w.call(name, `POST ${kAuths}/signin`, { body: account(name), note: role });
    w.person(name).token = reply.json?.token;
    w.person(name).user = reply.json;
  }
  await w.call('ada', `POST ${kAuths}/add`, { body: account('bob'), note: 'an address that is taken' });
  await w.call('ada', `POST ${kAuths}/add`, { body: { email: 'x@x.io' }, note: 'half a body' });
  await w.call('bob', `POST ${kAuths}/add`, { body: account('eve'), note: 'not an administrator' });
  await w.call('pat', 'GET /api/config');
  await w.call('bob', 'GET /api/config');
}

async function openSignUp(w) {
  const config = (await w.call('ada', `GET ${kAuths}/admin/config`)).json ?? {};
  const open = { ...config, ENABLE_SIGNUP: true, DEFAULT_USER_ROLE: 'user', ENABLE_API_KEYS: true };
  await w.call('ada', `POST ${kAuths}/admin/config`, { body: open, note: 'sign-up for all, API keys' });
  await w.call('ada', `POST ${kAuths}/admin/config`, { body: { ENABLE_SIGNUP: 'perhaps' }, note: 'not a configuration' });
  await w.call('bob', `GET ${kAuths}/admin/config`, { note: 'not an administrator' });
  const reply = await w.call('eve', `POST ${kAuths}/signup`, { body: account('eve'), note: 'once it is open' });
  w.person('eve').token = reply.json?.token;
  w.person('eve').user = reply.json;
}

async function badSignUps(w) {
  const good = { name: 'Zoe', email: 'zoe@x.io', password: 'pass of zoe 17' };
  const cases = {
    'an address that is taken': { ...good, email: 'bob@x.io' },
    'the same in capitals': { ...good, email: 'BOB@X.IO' },
    'no address': { ...good, email: 'not an address' },
    'a line feed in the address': { ...good, email: 'a@x.io\r\nX: y' },
    'a password of one sign': { ...good, password: '1' },
    'a password of 80 bytes': { ...good, email: 'long@x.io', password: 'p'.repeat(80) },
    'no password': { name: 'Zoe', email: 'zoe@x.io' },
    'a number for a name': { ...good, name: 7 },
    'not an object': [],
    'not JSON': '{"name":',
  };
  for (const [note, body] of Object.entries(cases)) await w.call('nobody', `POST ${kAuths}/signup`, { body, note });
}

async function signIns(w) {
  const cases = {
    'right': account('bob'),
    'the address in capitals': { ...account('bob'), email: 'BOB@x.io' },
    'a wrong password': { ...account('bob'), password: 'wrong' },
    'an unknown address': { email: 'none@x.io', password: 'wrong' },
    'no password': { email: 'bob@x.io' },
    'half a surrogate': '{"email":"\\ud800","password":"x"}',
    'not an object': [],
    'no body': undefined,
  };
  for (const [note, body] of Object.entries(cases)) await w.call('nobody', `POST ${kAuths}/signin`, { body, note });
  await w.call('nobody', `GET ${kAuths}/signin`);
  await w.call('nobody', `POST ${kAuths}/ldap`, { body: { user: 'bob', password: 'x' } });
}

async function session(w) {
  for (const who of ['nobody', 'pat', 'bob', 'ada']) await w.call(who, `GET ${kAuths}/`, { note: 'who am I' });
  const bad = { 'a broken token': 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA', 'not a token': 'Bearer x', 'another scheme': 'Basic Ym9iOng=' };
  for (const [note, Authorization] of Object.entries(bad)) {
    await w.call('nobody', `GET ${kAuths}/`, { headers: { Authorization }, note });
    await w.call('nobody', 'GET /api/v1/chats/', { headers: { Authorization }, note });
  }
  const cookie = { Cookie: `token=${w.person('bob').token}` };
  await w.call('nobody', 'GET /api/v1/chats/', { headers: cookie, note: 'the token as a cookie' });
  await w.call('nobody', 'GET /api/config', { headers: cookie, note: 'the token as a cookie', pick: (json) => Object.keys(json.features).sort() });
  for (const who of ['nobody', 'pat', 'bob']) await w.call(who, `GET ${kAuths}/admin/details`);
}

async function profile(w) {
  const good = { name: 'Bob B.', profile_image_url: '/user.png', bio: 'A builder', gender: 'x', date_of_birth: '1990-01-02' };
  await w.call('bob', `POST ${kAuths}/update/profile`, { body: good });
  await w.call('bob', `GET ${kAuths}/`, { note: 'after the profile' });
  await w.call('bob', `POST ${kAuths}/update/profile`, { body: { name: 'Bob' }, note: 'half a body' });
  await w.call('bob', `POST ${kAuths}/update/profile`, { body: { ...good, profile_image_url: 'javascript:alert(1)' }, note: 'a script for a picture' });
  await w.call('nobody', `POST ${kAuths}/update/profile`, { body: good });
  await w.call('bob', `POST ${kAuths}/update/profile`, { body: { name: 'Bob', profile_image_url: '/user.png' }, note: 'back' });
  await w.call('bob', `POST ${kAuths}/update/timezone`, { body: { timezone: 'Europe/Berlin' } });
  await w.call('bob', `POST ${kAuths}/update/timezone`, { body: {}, note: 'no zone' });
  await w.call('bob', `POST ${kAuths}/update/password`, { body: { password: 'wrong', new_password: 'another pass 17' }, note: 'a wrong old one' });
  await w.call('bob', `POST ${kAuths}/update/password`, { body: { new_password: 'another pass 17' }, note: 'half a body' });
}

async function apiKey(w) {
  await w.call('bob', `GET ${kAuths}/api_key`, { note: 'before there is one' });
  await w.call('bob', `POST ${kAuths}/api_key`, { note: 'without the permission' });
  const reply = await w.call('ada', `POST ${kAuths}/api_key`);
  await w.call('ada', `GET ${kAuths}/api_key`);
  const key = reply.json?.api_key ?? 'sk-none';
  const ways = { 'as bearer': { Authorization: `Bearer ${key}` }, 'as x-api-key': { 'x-api-key': key }, 'as cookie': { Cookie: `token=${key}` } };
  for (const [note, headers] of Object.entries(ways)) await w.call('nobody', 'GET /api/v1/chats/', { headers, note: `a key ${note}` });
  const headers = { Authorization: `Bearer ${key}` };
  const human = { password: passwords.ada, new_password: 'another pass 17' };
  await w.call('nobody', `GET ${kAuths}/`, { headers, note: 'a key' });
  await w.call('nobody', `POST ${kAuths}/update/password`, { headers, body: human, note: 'a key' });
  await w.call('ada', `POST ${kAuths}/signin`, { body: { ...account('ada'), password: 'another pass 17' }, note: 'after that' });
  await w.call('nobody', `POST ${kAuths}/update/password`, { headers, body: { password: 'another pass 17', new_password: passwords.ada }, note: 'a key, back' });
  const back = await w.call('ada', `POST ${kAuths}/signin`, { body: account('ada'), note: 'as before' });
  w.person('ada').token = back.json.token;
  await w.call('nobody', `POST ${kAuths}/api_key`, { headers, note: 'a key makes a key' });
  await w.call('ada', `DELETE ${kAuths}/api_key`);
  await w.call('nobody', 'GET /api/v1/chats/', { headers, note: 'a key that is gone' });
  await w.call('nobody', 'GET /api/v1/chats/', { headers: { Authorization: 'Bearer sk-0123456789abcdef0123456789abcdef' }, note: 'a key that never was' });
  await w.call('nobody', `GET ${kAuths}/api_key`);
}

async function secondFactor(w) {
  await w.call('bob', `GET ${kAuths}/mfa/status`);
  await w.call('nobody', `GET ${kAuths}/mfa/status`);
  await w.call('nobody', `POST ${kAuths}/mfa/verify`, { body: { challenge_token: 'x', code: '000000' } });
  await w.call('nobody', `POST ${kAuths}/mfa/enroll/start`, { body: { challenge_token: 'x' } });
  await w.call('bob', `DELETE ${kAuths}/oauth/sessions/{provider}`, { path: { provider: 'google' } });
  await w.call('nobody', `POST ${kAuths}/oauth/{provider}/token/exchange`, { path: { provider: 'google' }, body: { token: 'x' } });
}

export async function accounts(w) {
  await firstAccount(w);
  await people(w);
  await openSignUp(w);
  await badSignUps(w);
  await signIns(w);
  await session(w);
  await profile(w);
  await apiKey(w);
  await secondFactor(w);
}

// Sign-up, sign-in, sign-out and what a token is worth, on the real binary and both databases.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { adminAccount, startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

const kSession = '/api/v1/auths/';

forEachDatabase((db) => {
  describe('the first account', () => {
    let server;
    before(async () => (server = await startServer({ databaseUrl: await db.create() })));
    after(() => server?.close());

    it('is asked for while nobody exists, becomes admin exactly once among 64 at the same time, and closes sign-up', async () => {
      const anyone = server.client();
      assert.equal((await anyone.get('/api/config', { expect: 200 })).json.onboarding, true);
      const replies = await Promise.all(
        Array.from({ length: 64 }, (_, i) =>
          server.client().signUp({ ...adminAccount, email: `first${i}@x.io` }, { expect: null }),
        ),
      );
      const won = replies.filter((reply) => reply.status === 200);
      assert.equal(won.filter((reply) => reply.json.role === 'admin').length, 1);
      for (const reply of replies) assert.ok([200, 403, 429].includes(reply.status), `${reply.status} ${reply.text}`);
      // The burst has used up what one address may ask for; a moment later the answer is about sign-up again.
      const late = await until(
        async () => {
          const reply = await anyone.signUp({ ...adminAccount, email: 'late@x.io' }, { expect: null });
          return reply.status === 429 ? null : reply;
        },
        { ms: 60_000, every: 1000 },
      );
      assert.equal(late.status, 403);
      assert.equal((await anyone.get('/api/config', { expect: 200 })).json.onboarding, undefined);
    });
  });

  describe('accounts', () => {
    let server;
    let admin;
    before(async () => {
      server = await startServer({ databaseUrl: await db.create() });
      admin = await server.admin();
    });
    after(() => server?.close());

    it('sign in and get a session of the documented shape', async () => {
      const client = server.client();
      const { json, headers } = await client.signIn(adminAccount);
      assert.equal(json.role, 'admin');
      assert.equal(json.email, adminAccount.email);
      assert.equal(json.token_type, 'Bearer');
      assert.equal(json.token.split('.').length, 3);
      assert.ok(Number.isInteger(json.expires_at) && json.expires_at > Date.now() / 1000);
      assert.equal(typeof json.permissions.chat, 'object');
      const cookie = headers.getSetCookie().find((line) => line.startsWith('token='));
      assert.match(cookie, /HttpOnly/i);
      assert.match(cookie, /SameSite=lax/i);
      assert.equal(headers.get('cache-control'), 'no-store');
    });

    it('are known by bearer token and, for reading, by cookie', async () => {
      const bearer = await admin.get(kSession, { expect: 200 });
      assert.equal(bearer.json.id, admin.user.id);
      const cookie = await server.client().get(kSession, { expect: 200, headers: { Cookie: `token=${admin.token}` } });
      assert.equal(cookie.json.id, admin.user.id);
    });

    it('are refused without a credential, with a wrong one and with a changed one', async () => {
      const client = server.client();
      const none = await client.get(kSession);
      assert.deepEqual([none.status, none.json], [401, { detail: 'Not authenticated' }]);
      const [head, body] = admin.token.split('.');
      const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${body}.`;
      for (const token of ['nonsense', 'a.b.c', `${head}.${body}.AAAA`, unsigned, `${admin.token}x`]) {
        assert.equal((await client.get(kSession, { token })).status, 401, token);
      }
    });

    it('answer a wrong password and an unknown account alike', async () => {
      const client = server.client();
      const wrong = await client.signIn({ email: adminAccount.email, password: 'not this one' }, { expect: 400 });
      const unknown = await client.signIn({ email: 'nobody@x.io', password: 'not this one' }, { expect: 400 });
      assert.deepEqual(wrong.json, unknown.json);
    });

    it('answer a malformed body with one sentence and never 500 (U5)', async () => {
      const client = server.client();
      for (const body of ['{}', '{"email":1,"password":2}', '[]', '{"email":"a@x.io"', 'null']) {
        const reply = await client.request('POST', '/api/v1/auths/signin', body);
        assert.ok([400, 422].includes(reply.status), `${body}: ${reply.status}`);
        if (reply.status === 422) assert.equal(reply.json.detail, 'Invalid authentication request.');
      }
      const lone = await client.request('POST', '/api/v1/auths/signin', '{"email":"\\ud800@x.io","password":"x"}');
      assert.ok(lone.status >= 400 && lone.status < 500, `${lone.status}`);
    });

    it('are made by an admin with a role; pending ones may not chat, users may not administer', async () => {
      const user = await server.user(admin, 'Bob');
      const pending = await server.user(admin, 'Pia', 'pending');
      assert.equal((await user.get(kSession)).json.role, 'user');
      assert.equal((await user.get('/api/v1/chats/')).status, 200);
      assert.equal((await pending.get(kSession)).json.role, 'pending');
      assert.equal((await pending.get('/api/v1/chats/')).status, 401);
      const refused = await user.post('/api/v1/auths/add', { name: 'E', email: 'e@x.io', password: 'long enough 9', role: 'admin' });
      assert.equal(refused.status, 401);
    });

    it('are not made twice, with weak passwords or with control characters (U3, U9)', async () => {
      const add = (fields) => admin.post('/api/v1/auths/add', { name: 'N', password: 'long enough 9', role: 'user', ...fields });
      assert.equal((await add({ email: 'twice@x.io' })).status, 200);
      assert.equal((await add({ email: 'Twice@X.io' })).status, 400);
      assert.equal((await add({ email: 'weak@x.io', password: '1' })).status, 400);
      assert.equal((await add({ email: 'a@y.io\r\nX: y' })).status, 400);
      assert.equal((await add({ email: 'no address' })).status, 400);
    });

    it('lose a token by sign-out at once, sockets included, and only that one (U2)', async () => {
      const [first, second] = [server.client(), server.client()];
      await first.signIn(adminAccount);
      await second.signIn(adminAccount);
      const socket = await first.connect({ reconnection: false });
      await first.post('/api/v1/auths/signout', {}, { expect: 200 });
      assert.equal((await first.get(kSession)).status, 401);
      assert.equal((await second.get(kSession)).status, 200);
      await until(() => !socket.connected, { ms: 2000, what: 'the socket of a signed-out token is closed' });
    });

    it('lose every token by a password change', async () => {
      const user = await server.user(admin, 'Carla');
      const password = 'a new pass 42';
      const wrong = await user.post('/api/v1/auths/update/password', { password: 'not it', new_password: password });
      assert.equal(wrong.status, 400);
      await user.post('/api/v1/auths/update/password', { password: 'pass of Carla 17', new_password: password }, { expect: 200 });
      assert.equal((await user.get(kSession)).status, 401);
      await server.client().signIn({ email: 'carla@x.io', password });
    });

    it('keep their session over a restart of the server', async () => {
      await server.restart();
      assert.equal((await admin.get(kSession)).status, 200);
    });

    it('are locked against guessing, without locking out the owner elsewhere (U8)', async () => {
      const guess = () => server.client().signIn({ email: 'bob@x.io', password: 'guess' }, { expect: null });
      const seen = new Set();
      for (let i = 0; i < 30 && !seen.has(429); i += 1) seen.add((await guess()).status);
      assert.deepEqual([...seen].sort(), [400, 429]);
    });
  });
});

// What must hold when things happen at once, on the real binary and both databases: rows 72, 79, 85, 127.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { adminAccount, startServer } from '../lib/server.mjs';
import { startCanary, threePeople, turnOf, publish } from '../lib/security.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kSignIn = '/api/v1/auths/signin';
const statusesOf = (replies) => [...new Set(replies.map((reply) => reply.status))].sort();

forEachDatabase((db) => {
  describe('at once', () => {
    it('row 72: of 64 first sign-ups exactly one becomes administrator, and nobody else gets in', async () => {
      const server = await startServer({ databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0' } });
      try {
        const replies = await Promise.all(Array.from({ length: 64 }, (_, i) => server.client().signUp({ ...adminAccount, email: `first${i}@x.io` }, { expect: null })));
        const won = replies.filter((reply) => reply.status === 200);
        assert.equal(won.length, 1, `${statusesOf(replies)}`);
        assert.equal(won[0].json.role, 'admin');
        for (const reply of replies) assert.ok([200, 403, 503].includes(reply.status), `${reply.status} ${reply.text}`);
        const { json } = await server.client().get('/api/v1/users/', { token: won[0].json.token, expect: 200 });
        assert.equal(json.total, 1);
      } finally {
        await server.close();
      }
    });

    describe('sign-ins', () => {
      let server;
      let admin;
      before(async () => {
        server = await startServer({ databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0' } });
        admin = await server.admin();
      });
      after(() => server?.close());
      const from = (address) => ({ headers: { 'X-Forwarded-For': address } });

      it('row 127: 500 of them hold up nobody else, and memory and threads stay as they are', async () => {
        const canary = await startCanary(server, { grows: 100 });
        const reader = await startCanary(server, { path: '/api/v1/chats/', token: admin.token, grows: 100 });
        const replies = await Promise.all(
          Array.from({ length: 500 }, (_, i) =>
            server.client().post(kSignIn, { email: `nobody${i}@x.io`, password: 'a guess 17' }, from(`198.51.${Math.floor(i / 25)}.7`)),
          ),
        );
        assert.deepEqual(statusesOf(replies).filter((status) => ![400, 503].includes(status)), []);
        const refused = replies.filter((reply) => reply.status === 503);
        assert.ok(refused.length > 300, `${refused.length} refused: the queue of hashes is bounded`);
        for (const reply of refused) assert.ok(Number(reply.headers.get('retry-after')) > 0);
        await canary.stop();
        await reader.stop();
      });

      it('row 85, U8: thirty failures of one address lock it out everywhere, and nobody else', async () => {
        await server.user(admin, 'Vic');
        const vic = { email: 'vic@x.io', password: 'pass of Vic 17' };
        const spray = [];
        for (let i = 0; i < 31; i += 1) spray.push(await server.client().post(kSignIn, { email: `u${i}@x.io`, password: 'a guess 17' }, from('203.0.113.9')));
        assert.deepEqual(spray.slice(0, 30).map((reply) => reply.status), Array(30).fill(400));
        assert.equal(spray[30].status, 429);
        assert.ok(Number(spray[30].headers.get('retry-after')) > 0);
        assert.equal((await server.client().post(kSignIn, vic, from('203.0.113.9'))).status, 429, 'the sprayer is out');
        assert.equal((await server.client().post(kSignIn, vic, from('203.0.113.10'))).status, 200, 'the victim is in');
      });

      it('row 85: the owner of a guessed account signs in from elsewhere; ten failures lock only the pair', async () => {
        const guess = () => server.client().post(kSignIn, { email: 'vic@x.io', password: 'a guess 17' }, from('203.0.113.20'));
        const seen = [];
        for (let i = 0; i < 11; i += 1) seen.push((await guess()).status);
        assert.deepEqual(seen, [...Array(10).fill(400), 429]);
        assert.equal((await server.client().post(kSignIn, { email: 'vic@x.io', password: 'pass of Vic 17' }, from('203.0.113.21'))).status, 200);
        assert.equal((await server.client().post(kSignIn, { email: adminAccount.email, password: adminAccount.password }, from('203.0.113.20'))).status, 200);
      });
    });

    it('row 85: guesses sent all together are held to what one address may ask for', async () => {
      const server = await startServer({ databaseUrl: await db.create() });
      try {
        await server.admin();
        const replies = await Promise.all(Array.from({ length: 200 }, () => server.client().post(kSignIn, { email: adminAccount.email, password: 'a guess 17' })));
        const tried = replies.filter((reply) => reply.status === 400).length;
        assert.deepEqual(statusesOf(replies).filter((status) => ![400, 429, 503].includes(status)), []);
        assert.ok(tried <= 30, `${tried} guesses were tried`);
      } finally {
        await server.close();
      }
    });

    describe('row 79: open sockets are closed within a second', () => {
      let provider;
      let server;
      let admin;
      let serial = 0;
      before(async () => {
        provider = await startProvider();
        ({ server, admin } = await threePeople(db, { provider }));
        await publish(admin, 'numbered');
      });
      after(async () => {
        await server?.close();
        await provider?.stop();
      });
      const ends = {
        'of signing out': (user) => user.post('/api/v1/auths/signout', {}, { expect: 200 }),
        'of being made pending': (user) => admin.post(`/api/v1/users/${user.user.id}/update`, { role: 'pending' }, { expect: 200 }),
        'of being made administrator': (user) => admin.post(`/api/v1/users/${user.user.id}/update`, { role: 'admin' }, { expect: 200 }),
        'of being deleted': (user) => admin.delete(`/api/v1/users/${user.user.id}`, { expect: 200 }),
        'of a new password by himself': (user, name) =>
          user.post('/api/v1/auths/update/password', { password: `pass of ${name} 17`, new_password: 'a better pass 18' }, { expect: 200 }),
        'of a new password by an administrator': (user) => admin.post(`/api/v1/users/${user.user.id}/update`, { password: 'a better pass 18' }, { expect: 200 }),
        'of revoked sessions': (user) => admin.post(`/api/v1/users/${user.user.id}/sessions/revoke`, {}, { expect: 200 }),
      };
      it('row 59: whoever deletes all his chats while answers in them end is not refused, and nothing of them is left', async () => {
        for (let round = 0; round < 15; round += 1) {
          const turns = Array.from({ length: 6 }, (_, i) => {
            const turn = turnOf({ session_id: 'nobody' });
            turn.user_message.content = `[[tokens=${3 + i} delay=${round % 5}]]`;
            return admin.post('/api/chat/completions', turn, { expect: 200 });
          });
          await Promise.all(turns);
          await sleep(round * 3);
          const gone = await admin.delete('/api/v1/chats/');
          assert.equal(gone.status, 200, `round ${round}: ${gone.text}`);
          assert.deepEqual((await admin.get('/api/v1/chats/')).json, []);
        }
      });

      for (const transports of [['websocket'], ['polling']]) {
        for (const [name, end] of Object.entries(ends)) {
          it(`${name}, by ${transports}; the token opens no other`, async () => {
            const who = `P${(serial += 1)}`;
            const user = await server.user(admin, who);
            const other = await server.client().connect({ token: admin.token, transports, reconnection: false });
            const sockets = await Promise.all([1, 2, 3].map(() => user.connect({ transports, reconnection: false })));
            const turn = await user.send('[[tokens=500 delay=10]]', { socket: sockets[0] });
            await turn.tokens(2);
            await end(user, who);
            // From the answer on: to hash two passwords is slow on purpose, and slower beside others.
            await until(() => sockets.every((socket) => !socket.connected), { ms: 1000, every: 5, what: 'all his sockets are closed' });
            const heard = sockets.map((socket) => socket.seen.length);
            await sleep(200);
            assert.deepEqual(sockets.map((socket) => socket.seen.length), heard, 'nothing comes any more');
            assert.ok(other.connected, "others' stay");
            const again = await server.client().connect({ token: user.token, transports, reconnection: false });
            assert.equal(await again.timeout(2000).emitWithAck('user-join', { auth: { token: user.token } }), null);
            assert.equal((await user.get('/api/v1/chats/')).status, 401);
            assert.equal((await user.post('/api/chat/completions', turnOf())).status, 401);
          });
        }
      }
    });
  });
});

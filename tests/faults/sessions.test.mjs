// Secrets, sessions and tokens over replicas (chapter B.1 of the list of faults).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { randomBytes } from 'node:crypto';
import { Client } from '../lib/client.mjs';
import { skewed } from '../lib/clock.mjs';
import { kLeaseMs, startFleet } from '../lib/fleet.mjs';
import { sharedPostgres } from '../lib/postgres.mjs';
import { rows } from '../lib/rows.mjs';
import { adminAccount, makeServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { scenario, wantsAll } from './scenario.mjs';

const kWhoAmI = '/api/v1/auths/';
/** Within which every replica knows. */
const kKnownMs = 1000;

/** A fleet for one scenario. */
async function withFleet(options, work) {
  const fleet = await startFleet({ balancer: null, ...options });
  try {
    return await work(fleet);
  } finally {
    await fleet.close();
  }
}

const newDatabase = async () => (await sharedPostgres()).createDatabase();
const statusAt = async (fleet, i, token) => (await fleet.at(i, { token }).get(kWhoAmI)).status;

/** From the first second on nobody accepts the token; 200 may come before that only. */
async function refusedEverywhere(fleet, token) {
  await sleep(kKnownMs);
  for (let i = 0; i < fleet.replicas.length; i += 1) assert.equal(await statusAt(fleet, i, token), 401, `replica ${i}, ${kKnownMs} ms later`);
}

describe('secrets', () => {
  scenario('S01 a replica with another secret does not start, and says which is whose', async () => {
    await withFleet({ replicas: 1 }, async (fleet) => {
      const other = await makeServer({ databaseUrl: fleet.databaseUrl, env: { WEBUI_SECRET_KEY: 'quite-another-secret-of-decent-length' } });
      try {
        const said = await other.startsNot();
        assert.match(said, /WEBUI_SECRET_KEY/);
        assert.doesNotMatch(said, /quite-another-secret/);
      } finally {
        await other.close();
      }
    });
  });

  scenario('S02 replicas without a secret that start at once on an empty database share the one that is made', async () => {
    for (let round = 0; round < (wantsAll ? 5 : 1); round += 1) {
      await withFleet({ replicas: 3, env: { WEBUI_SECRET_KEY: undefined }, together: true }, async (fleet) => {
        const admin = await fleet.admin();
        for (let i = 0; i < 3; i += 1) assert.equal(await statusAt(fleet, i, admin.token), 200, `replica ${i}`);
      });
    }
  });

  scenario('S03 the secret is rotated one replica after the other: nobody is signed out', async () => {
    const [before, later] = ['secret-of-yesterday-of-decent-length', 'secret-of-tomorrow-of-decent-length'];
    await withFleet({ replicas: 2, env: { WEBUI_SECRET_KEY: before } }, async (fleet) => {
      const admin = await fleet.admin();
      const good = async (token, what) => {
        for (const [i, replica] of fleet.replicas.entries()) if (replica.isRunning) assert.equal(await statusAt(fleet, i, token), 200, `${what}, replica ${i}`);
      };
      // First all know the new one, then all sign with it.
      for (const step of [{ WEBUI_SECRET_KEY: before, ANTIPHON_SECRET_KEYS: later }, { WEBUI_SECRET_KEY: later, ANTIPHON_SECRET_KEYS: before }]) {
        for (const replica of fleet.replicas) {
          await replica.terminate();
          Object.assign(replica.env, step);
          await replica.start();
          await good(admin.token, JSON.stringify(step));
          const fresh = new Client(replica.url);
          await fresh.signIn(adminAccount);
          await good(fresh.token, `signed in anew with ${JSON.stringify(step)}`);
        }
      }
    });
  });
});

describe('sessions', () => {
  let fleet;
  let admin;
  before(async () => {
    fleet = await startFleet({ replicas: 2 });
    admin = await fleet.admin();
  });
  after(() => fleet?.close());

  scenario('S04 S05 signing out at one replica is known at the other within a second, and after all were killed', async () => {
    const user = await fleet.user(admin, 'Olga');
    for (let i = 0; i < 2; i += 1) assert.equal(await statusAt(fleet, i, user.token), 200);
    await fleet.at(0, user).post('/api/v1/auths/signout', {}, { expect: 200 });
    await refusedEverywhere(fleet, user.token);
    for (const replica of fleet.replicas) await replica.kill();
    for (const replica of fleet.replicas) await replica.start();
    for (let i = 0; i < 2; i += 1) assert.equal(await statusAt(fleet, i, user.token), 401, 'right after the start');
    assert.equal(await statusAt(fleet, 1, admin.token), 200);
  });

  scenario('S04b signing out at one replica closes the socket at the other', async () => {
    const user = await fleet.user(admin, 'Oscar');
    const socket = await fleet.at(1, user).connect({ reconnection: false });
    await fleet.at(0, user).post('/api/v1/auths/signout', {}, { expect: 200 });
    await until(() => !socket.connected, { ms: 2000, what: 'the socket is closed' });
  });

  scenario('S07 a new password, and a new role, are known at the other replica within a second', async () => {
    const user = await fleet.user(admin, 'Petra');
    const here = fleet.at(0, user);
    await here.post('/api/v1/auths/update/password', { password: user.account.password, new_password: 'a better pass 18' }, { expect: 200 });
    await refusedEverywhere(fleet, user.token);
    const again = new Client(fleet.replicas[1].url);
    await again.signIn({ ...user.account, password: 'a better pass 18' });
    await fleet.at(0, admin).post(`/api/v1/users/${again.user.id}/update`, { role: 'pending', name: 'Petra', email: user.account.email, profile_image_url: '/user.png' }, { expect: 200 });
    await sleep(kKnownMs);
    const me = await fleet.at(1, again).get('/api/v1/chats/');
    assert.ok([401, 403].includes(me.status), `${me.status} for someone who is pending`);
  });

  scenario('S13 sign-up is closed at one replica: within a second it is at the other', async () => {
    const config = (await admin.get('/api/v1/auths/admin/config', { expect: 200 })).json;
    const signUpAt = (i) => new Client(fleet.replicas[i].url).signUp({ name: 'New', email: `${randomBytes(6).toString('hex')}@x.io`, password: 'a decent pass 17' }, { expect: null });
    for (const open of [true, false, true, false]) {
      await fleet.at(0, admin).post('/api/v1/auths/admin/config', { ...config, ENABLE_SIGNUP: open }, { expect: 200 });
      await sleep(kKnownMs);
      for (let i = 0; i < 2; i += 1) assert.equal((await signUpAt(i)).status, open ? 200 : 403, `replica ${i}, open ${open}`);
    }
  });
});

describe('clocks', () => {
  const withSkew = (seconds, work) =>
    withFleet({ replicas: 2, each: (i) => (i ? { wrap: skewed(seconds) } : {}) }, work);

  // Two that are 30 s off, each in its direction, are a minute apart, which is what tokens are forgiven: more is refused (AP-004).
  for (const seconds of [-25, -2, 2, 25]) {
    scenario(
      `S08 a replica whose clock is ${seconds} s off takes what the other signs, and the other way round`,
      () =>
        withSkew(seconds, async (fleet) => {
          const admin = await fleet.admin();
          assert.equal(await statusAt(fleet, 1, admin.token), 200);
          const there = new Client(fleet.replicas[1].url);
          await there.signIn(adminAccount);
          assert.equal(await statusAt(fleet, 0, there.token), 200);
          // Its lease is by the database's clock: it is neither dead to the other nor robs it.
          await fleet.settled();
          assert.equal((await rows(fleet, "SELECT count(*) AS n FROM node WHERE lease_until > extract(epoch FROM clock_timestamp()) * 1000"))[0].n, 2);
        }),
      { long: seconds !== 45 },
    );
  }

  for (const seconds of [-600, -45, 45, 600]) {
    scenario(`S08b a clock that is ${seconds} s off: the replica does not start, and says whose clock is wrong`, () =>
      withFleet({ replicas: 1 }, async (fleet) => {
        const late = await makeServer({ databaseUrl: fleet.databaseUrl, wrap: skewed(seconds) });
        try {
          assert.match(await late.startsNot(), /clock/i);
        } finally {
          await late.close();
        }
      }));
  }
});

describe('signing in', () => {
  for (const replicas of [1, 2, 5]) {
    scenario(
      `S11 wrong passwords over ${replicas} replicas: exactly ten are tried`,
      () =>
        withFleet({ replicas }, async (fleet) => {
          await fleet.admin();
          const seen = [];
          for (let i = 0; i < 15; i += 1) {
            const guess = new Client(fleet.replicas[i % replicas].url);
            seen.push((await guess.post('/api/v1/auths/signin', { email: adminAccount.email, password: 'a guess 17' })).status);
          }
          assert.deepEqual(seen, [...Array(10).fill(400), ...Array(5).fill(429)]);
        }),
      { long: replicas === 5 },
    );
  }

  scenario(
    'S12 eight sign up at once at two replicas of an empty deployment: exactly one is the administrator',
    async () => {
      for (let trial = 0; trial < (wantsAll ? 15 : 1); trial += 1) {
        await withFleet({ replicas: 2 }, async (fleet) => {
          const account = (i) => ({ name: `P${i}`, email: `p${i}@x.io`, password: 'a decent pass 17' });
          const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => new Client(fleet.replicas[i % 2].url).signUp(account(i), { expect: null })));
          const admins = replies.filter((reply) => reply.json?.role === 'admin');
          assert.equal(admins.length, 1, `trial ${trial}: ${replies.map((reply) => reply.text.slice(0, 100))}`);
          const [{ n }] = await rows(fleet, `SELECT count(*) AS n FROM "user" WHERE role = 'admin'`);
          assert.equal(Number(n), 1);
        });
      }
    },
    { timeout: 600_000 },
  );
});

describe('who is here', () => {
  scenario('S105 people at different replicas: each replica counts all of them, and forgets those of one that dies', () =>
    withFleet({ replicas: 2 }, async (fleet) => {
      const admin = await fleet.admin();
      const ann = await fleet.user(admin, 'Ann');
      const here = (i) => fleet.at(i, admin).get('/api/usage', { expect: 200 }).then((reply) => reply.json.user_count);
      const counts = (wanted, replicas, time) =>
        until(async () => (await Promise.all(replicas.map(here))).every((n) => n === wanted), { what: `${wanted} at replicas ${replicas}`, ms: time });
      await counts(0, [0, 1], 2000);
      await fleet.at(0, admin).connect();
      const second = fleet.at(1, ann);
      const socket = await second.connect();
      await counts(2, [0, 1], 4000);
      socket.disconnect();
      await counts(1, [0, 1], 4000);
      await second.connect();
      await counts(2, [0, 1], 4000);
      await fleet.replicas[1].kill();
      // Its lease, and what the table may be behind.
      await counts(1, [0], kLeaseMs + 3000);
    }),
  );

  scenario('S105b the room of a chat over replicas: entered by rule, each shows who is there and hears who types', () =>
    withFleet({ replicas: 2 }, async (fleet) => {
      const admin = await fleet.admin();
      const ann = await fleet.user(admin, 'Ann');
      const made = await fleet.at(1, ann).post('/api/v1/chats/new', { chat: { title: 'Shared', history: { messages: {}, currentId: null } } }, { expect: 200 });
      const chat_id = made.json.id;
      const say = (socket, type, data) => socket.emitWithAck('events:chat', { chat_id, data: { type, data } });
      const told = (socket, type) => socket.seen.filter((event) => event.chat_id === chat_id && event.data?.type === type);
      const shown = (socket) => told(socket, 'chat:presence').map((event) => event.data.data.users.map((user) => user.name).join());
      const [first, second, foreign] = [await fleet.at(0, ann).connect(), await fleet.at(1, ann).connect(), await fleet.at(0, admin).connect()];
      assert.equal(await say(foreign, 'join'), false);
      assert.equal(await say(first, 'join'), true);
      assert.equal(await say(second, 'join'), true);
      for (const socket of [first, second]) await until(() => shown(socket).at(-1) === 'Ann', { what: 'Ann is shown' });
      assert.equal(await say(first, 'typing', { typing: true }), true);
      await until(() => told(second, 'typing').length === 1, { what: 'who types is shown at the other replica' });
      assert.equal(await say(first, 'leave'), true);
      assert.equal(await say(second, 'typing', { typing: true }), true);
      await sleep(500);
      assert.equal(told(first, 'typing').length, 0, 'who has left hears nothing');
      assert.equal(shown(second).at(-1), 'Ann');
      assert.deepEqual(told(foreign, 'chat:presence'), []);
    }),
  );

  scenario('S106 models in use: each replica names those that answer at any, and none when they have ended or the replica has died', async () => {
    const provider = await startProvider();
    try {
      await withFleet({ replicas: 2, provider }, async (fleet) => {
        const admin = await fleet.admin();
        const at = [fleet.at(0, admin), fleet.at(1, admin)];
        const used = (i) => at[i].get('/api/usage', { expect: 200 }).then((reply) => reply.json.model_ids.join());
        const name = (wanted, replicas, ms) => until(async () => (await Promise.all(replicas.map(used))).every((ids) => ids === wanted), { what: `"${wanted}" at ${replicas}`, ms });
        await name('', [0, 1], 1000);
        const socket = await at[1].connect();
        const turn = await at[1].send('[[tokens=400 delay=20]] go', { socket });
        await name('numbered', [0, 1], 4000);
        await at[1].stop(turn.chatId);
        await name('', [0, 1], 4000);
        await at[1].send('[[tokens=4000 delay=20]] go', { socket });
        await name('numbered', [0, 1], 4000);
        await fleet.replicas[1].kill();
        await name('', [0], 12_000);
      });
    } finally {
      await provider.stop();
    }
  });
});

// PostgreSQL under replicas: it restarts, moves to another machine, loses its last moments, fills its disk (chapter B.5).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe } from 'node:test';
import { Cutter } from '../lib/cutter.mjs';
import { kLeaseMs, startFleet } from '../lib/fleet.mjs';
import { smallDisk } from '../lib/disk.mjs';
import { newMachine } from '../lib/network.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { makeServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { startToxiproxy } from '../lib/toxiproxy.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { checked, closeForeign } from './checker.mjs';
import { scenario } from './scenario.mjs';

describe('PostgreSQL under replicas', () => {
  let provider;
  before(async () => (provider = await startProvider()));
  after(async () => {
    await closeForeign();
    await provider?.stop();
  });

  /** A PostgreSQL, and replicas on it, for one scenario. `via(cluster)`: the port at which they see it. */
  async function scene({ settings = [], hosts = {}, replicas = 2, url = (cluster, database) => cluster.url(database), ...options }, work) {
    const cluster = await startPostgres(settings, hosts);
    let fleet;
    try {
      const database = cluster.createDatabase().split('/').at(-1);
      fleet = await startFleet({ replicas, provider, databaseUrl: await url(cluster, database), ...options });
      const admin = await fleet.admin();
      await work({ cluster, database, fleet, admin, run: (body, more) => checked({ fleet, provider, admin, ...more }, body) });
    } finally {
      if (cluster.halted) cluster.resume();
      await fleet?.close();
      cluster.stop();
    }
  }

  const asks = (checker, admin, sockets, options) => Promise.all(sockets.map((socket) => checker.ask(admin, { socket, ...options })));

  scenario('S56 it restarts while nobody asks: nothing is refused, and the next answer crosses replicas', () =>
    scene({}, async ({ cluster, fleet, admin, run }) => {
      await run(async (checker) => {
        const socket = await checker.socket(fleet.at(0, admin));
        for (let i = 0; i < 2; i += 1) {
          cluster.halt();
          cluster.resume();
          await admin.get('/api/v1/chats/', { expect: 200 });
          const answer = await checker.ask(fleet.at(1, admin), { socket, tokens: 50, delay: 10 });
          await answer.turn.done(15_000);
          answer.turn.checkTokens(50);
        }
      });
    }));

  scenario('S36 it is away for some seconds in mid-stream: no token is lost at any replica', () =>
    scene({}, async ({ cluster, fleet, admin, run }) => {
      await run(
        async (checker) => {
          const sockets = [await checker.socket(fleet.at(0, admin)), await checker.socket(fleet.at(1, admin))];
          const answers = await asks(checker, admin, [...sockets, ...sockets], { tokens: 600, delay: 8 });
          await Promise.all(answers.map((answer) => answer.turn.tokens(50)));
          cluster.halt();
          await sleep(4000);
          cluster.resume();
          await Promise.all(answers.map((answer) => answer.turn.done(30_000)));
        },
        { ms: 60_000 },
      );
    }), { long: true });

  scenario(
    'S36b it is away for 30 s in mid-stream: no token is lost, and nobody robs anybody when it is back',
    () =>
      scene({}, async ({ cluster, fleet, admin, run }) => {
        await fleet.settled();
        await run(
          async (checker) => {
            const sockets = [await checker.socket(fleet.at(0, admin)), await checker.socket(fleet.at(1, admin))];
            const answers = await asks(checker, admin, [...sockets, ...sockets], { tokens: 1500, delay: 8 });
            await Promise.all(answers.map((answer) => answer.turn.tokens(50)));
            cluster.halt();
            await sleep(30_000);
            cluster.resume();
            await Promise.all(answers.map((answer) => answer.turn.done(60_000)));
          },
          { ms: 60_000 },
        );
      }),
    { long: true },
  );

  scenario(
    'S58 it has room for few connections: replicas that do not fit do not start, and say the sum',
    () =>
      scene({ settings: ['max_connections=14', 'superuser_reserved_connections=3'], replicas: 1 }, async ({ fleet }) => {
        const many = await Promise.all([0, 1, 2, 3].map(() => makeServer({ provider, databaseUrl: fleet.databaseUrl, env: { DATABASE_POOL_SIZE: '4' } })));
        const said = [];
        try {
          for (const server of many) await server.start().catch(() => said.push(server.log));
          assert.ok(said.length > 0, 'sixteen connections do not fit in eleven');
          for (const log of said) {
            assert.match(log, /max_connections/);
            assert.match(log, /DATABASE_POOL_SIZE/);
          }
          assert.equal((await fetch(`${fleet.url}/ready`)).status, 200, 'who was there first goes on');
        } finally {
          for (const server of many) await server.close();
        }
      }),
    { long: true },
  );

  const both = (cluster, standby, database) =>
    `postgresql://antiphon@127.0.0.1:${cluster.port},127.0.0.1:${standby.port}/${database}?target_session_attrs=read-write`;

  /**
   * Two long answers are under way at two replicas when the standby takes over, which `turn` brings about; both end whole.
   * `url(cluster, database, standby)`: where the replicas look for it.
   */
  function takesOver({ url, close = () => {} }, turn) {
    let standby;
    const found = async (cluster, database) => {
      standby = await cluster.standby();
      return url(cluster, database, standby);
    };
    return scene({ url: found }, async (parts) => {
      const { fleet, admin, run } = parts;
      try {
        await fleet.settled();
        await run(
          async (checker) => {
            const sockets = [await checker.socket(fleet.at(0, admin)), await checker.socket(fleet.at(1, admin))];
            const answers = await asks(checker, admin, sockets, { tokens: 800, delay: 10 });
            await Promise.all(answers.map((answer) => answer.turn.tokens(60)));
            await turn({ ...parts, standby, answers });
            await Promise.all(answers.map((answer) => answer.turn.done(60_000)));
          },
          { ms: 60_000 },
        );
      } finally {
        await fleet.close();
        close();
        standby.stop();
      }
    });
  }

  scenario(
    'S59 its standby takes over at the same address: writes go on, and the one that is read-only now is left',
    () => {
      let address;
      const url = async (cluster, database) => {
        address = await new Cutter(cluster).start();
        return `postgresql://antiphon@127.0.0.1:${address.port}/${database}`;
      };
      return takesOver({ url, close: () => address.close() }, async ({ cluster, standby }) => {
        // The old one takes no more writes, and nobody is told: its connections stay.
        cluster.sql('postgres', 'ALTER SYSTEM SET default_transaction_read_only = on');
        cluster.sql('postgres', 'SELECT pg_reload_conf()');
        await until(() => standby.position() >= cluster.position(), { what: 'the standby has everything' });
        standby.promote();
        address.target = standby;
      });
    },
    { long: true },
  );

  scenario(
    'S59b its machine dies and the standby takes over at another address of the list: no committed token is lost',
    () => {
      const url = async (cluster, database, standby) => {
        // Only now: before, nothing could be committed.
        cluster.sql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '*'");
        cluster.sql('postgres', 'SELECT pg_reload_conf()');
        return both(cluster, standby, database);
      };
      return takesOver({ url }, async ({ cluster, standby }) => {
        cluster.halt();
        await sleep(1500);
        standby.promote();
      });
    },
    { long: true },
  );

  scenario(
    'S60 the standby that takes over lacks the last moments: the owners offer their tail again, and nothing is lost',
    () =>
      takesOver({ url: (cluster, database, standby) => both(cluster, standby, database) }, async ({ cluster, database, standby, answers }) => {
        await until(() => standby.sql(database, 'SELECT count(*) FROM run WHERE state < 10') === '2', { what: 'it has the beginning' });
        await standby.detach();
        await Promise.all(answers.map((answer) => answer.turn.tokens(200)));
        const last = cluster.position();
        cluster.halt();
        assert.ok(standby.position() < last, 'it has everything: nothing is tested');
        standby.promote();
      }),
    { long: true },
  );

  /** The owner of an answer and its PostgreSQL die together, and the standby takes over. */
  function bothDie({ url, lost = false, beforeDeath = () => {} }) {
    let standby;
    const found = async (cluster, database) => {
      standby = await cluster.standby();
      return url(cluster, database, standby);
    };
    return scene({ url: found }, async ({ cluster, database, fleet, admin, run }) => {
      try {
        await fleet.settled();
        await run(
          async (checker) => {
            const there = fleet.at(1, admin);
            const answer = checker.prepare(fleet.at(0, admin), { socket: await checker.socket(there), tokens: 3000, delay: 10, ends: ['interrupted'], lost });
            await answer.post();
            await answer.turn.tokens(60);
            await beforeDeath({ cluster, database, standby, turn: answer.turn });
            await Promise.all([fleet.replicas[0].kill(), cluster.halt()]);
            const seen = answer.turn.text;
            await sleep(1500);
            standby.promote();
            await answer.settle(60_000, there);
            const { content } = await answer.message(there);
            const [had, has] = [seen, content].map((text) => readTokens(text).count);
            assert.ok(lost ? has < had : has >= had, `${had} tokens were on the screen, ${has} are stored`);
          },
          { ms: 60_000 },
        );
      } finally {
        await fleet.close();
        standby.stop();
      }
    });
  }

  scenario(
    'S37 the owner and its PostgreSQL die together, the standby is synchronous: no token that was on a screen is lost',
    () =>
      bothDie({
        url: async (cluster, database, standby) => {
          cluster.sql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '*'");
          cluster.sql('postgres', 'SELECT pg_reload_conf()');
          return both(cluster, standby, database);
        },
      }),
    { long: true },
  );

  scenario(
    'S37b … the standby lacks the last moments: what it has is kept, and the client hears of the end',
    () =>
      bothDie({
        url: (cluster, database, standby) => both(cluster, standby, database),
        lost: true,
        async beforeDeath({ cluster, database, standby, turn }) {
          await until(() => standby.sql(database, 'SELECT count(*) FROM run WHERE state < 10') === '1', { what: 'it has the beginning' });
          await standby.detach();
          const had = turn.text.length;
          await until(() => turn.text.length > had + 500, { what: 'the client has more than the standby' });
          assert.ok(cluster.position() > standby.position());
        },
      }),
    { long: true },
  );

  scenario(
    'S63 somebody listens in a transaction that does not end, so that notifications pile up: nothing waits for them',
    () =>
      scene({}, async ({ cluster, database, fleet, admin, run }) => {
        const psql = (text) => spawn(`${cluster.programs}/psql`, [fleet.databaseUrl, '-qXAt', '-c', text], { stdio: 'ignore', cwd: '/' });
        const holder = spawn(`${cluster.programs}/psql`, [fleet.databaseUrl, '-qX'], { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
        try {
          holder.stdin.write('LISTEN nothing;\nBEGIN;\nSELECT 1;\n');
          const usage = () => Number(cluster.sql(database, 'SELECT pg_notification_queue_usage()'));
          // 1 GB of the queue's 8 GB; nobody has read them, because one has not.
          await once(psql("SELECT pg_notify('elsewhere', repeat('x', 7900) || i) FROM generate_series(1, 130000) i"), 'close');
          const before = usage();
          assert.ok(before > 0.1, `only ${before} of the queue is in use`);
          const pid = cluster.sql(database, "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'");
          const { json: overview } = await fleet.at(1, admin).get('/api/v1/cluster', { expect: 200 });
          const warning = overview.warnings.find((entry) => entry.code === 'AP-034');
          assert.match(warning?.text ?? '', new RegExp(`1\\d % full.*process ${pid} \\(psql, user antiphon`), 'the warning says who');
          await run(async (checker) => {
            const sockets = [await checker.socket(fleet.at(0, admin)), await checker.socket(fleet.at(1, admin))];
            const answers = await asks(checker, fleet.at(0, admin), sockets, { tokens: 200, delay: 10 });
            await Promise.all(answers.map((answer) => answer.turn.done(20_000)));
          });
          assert.ok(usage() > before, 'the queue was read meanwhile: nothing is tested');
        } finally {
          holder.kill('SIGKILL');
        }
      }),
    { long: true },
  );

  scenario('S62 its disk is full: who saves is told so, nothing is half stored, and all goes on when there is room', async () => {
    const disk = await smallDisk(160, 4000);
    const cluster = await startPostgres(['wal_keep_size=0', 'max_wal_size=32MB', 'min_wal_size=32MB'], { disk });
    let fleet;
    try {
      fleet = await startFleet({ replicas: 2, provider, databaseUrl: cluster.createDatabase() });
      const admin = await fleet.admin();
      const socket = await admin.connect();
      const before = await admin.ask('[[tokens=20]]', { socket });
      disk.fill();
      const outcomes = [];
      const text = 'x'.repeat(500_000);
      for (let i = 0; i < 80 && !outcomes.some((reply) => reply.status >= 500); i += 1) {
        outcomes.push(await admin.post('/api/v1/chats/new', { chat: { title: `Full ${i}`, models: ['numbered'], history: { messages: {}, currentId: null }, note: text } }));
      }
      const refused = outcomes.find((reply) => reply.status >= 500);
      assert.ok(refused, 'the disk was filled and nobody was refused');
      assert.ok([503, 507].includes(refused.status), `${refused.status} ${refused.text}`);
      assert.ok(refused.json.detail.length > 10, 'a sentence for people');
      disk.makeRoom();
      const titles = outcomes.map((reply, i) => reply.status === 200 && `Full ${i}`).filter(Boolean);
      await until(async () => (await admin.get('/api/v1/chats/')).status === 200, { ms: 30_000, every: 200, what: 'it serves again' });
      const lines = (await admin.get('/api/v1/chats/all', { expect: 200 })).text.trim().split('\n');
      const found = lines.map((line) => JSON.parse(line).title).filter((title) => title.startsWith('Full'));
      assert.deepEqual(new Set(found), new Set(titles), 'what was acknowledged is there, and nothing else');
      assert.equal(readTokens((await admin.message(before.chatId, before.messageId)).content).count, 20);
      (await admin.ask('[[tokens=20]]', { socket })).checkTokens(20);
    } finally {
      await fleet?.close();
      cluster.stop();
      await disk.stop();
    }
  }, { long: true });

  scenario(
    'N01 the line to it is slow at one replica: tokens are late there, and none is missing',
    async () => {
      const toxiproxy = await startToxiproxy();
      try {
        const cluster = await startPostgres();
        const database = cluster.createDatabase().split('/').at(-1);
        const line = await toxiproxy.line('postgres', cluster.port);
        const slow = { env: { DATABASE_URL: `postgresql://antiphon@127.0.0.1:${line.port}/${database}` } };
        const fleet = await startFleet({ replicas: 2, provider, databaseUrl: cluster.url(database), each: (i) => (i ? slow : {}) });
        try {
          const admin = await fleet.admin();
          await checked({ fleet, provider, admin, ms: 60_000 }, async (checker) => {
            const sockets = [await checker.socket(fleet.at(0, admin)), await checker.socket(fleet.at(1, admin))];
            await line.delay(150, 50);
            const answers = [];
            for (const i of [0, 1]) answers.push(...(await asks(checker, fleet.at(i, admin), sockets, { tokens: 300, delay: 10 })));
            await Promise.all(answers.map((answer) => answer.turn.done(60_000)));
            await line.restore();
          });
        } finally {
          await fleet.close();
          cluster.stop();
        }
      } finally {
        await toxiproxy.stop();
      }
    },
    { long: true },
  );

  for (const how of ['swallow', 'cut']) {
    scenario(
      `N03 the line to it is gone (${how}) at one replica while another begins and ends an answer: the client there hears everything afterwards`,
      async () => {
        const toxiproxy = await startToxiproxy();
        try {
          const cluster = await startPostgres();
          const database = cluster.createDatabase().split('/').at(-1);
          const line = await toxiproxy.line('postgres', cluster.port);
          const far = { env: { DATABASE_URL: `postgresql://antiphon@127.0.0.1:${line.port}/${database}` } };
          const fleet = await startFleet({ replicas: 2, provider, databaseUrl: cluster.url(database), each: (i) => (i ? far : {}) });
          try {
            const admin = await fleet.admin();
            await checked({ fleet, provider, admin, ms: 60_000 }, async (checker) => {
              const socket = await checker.socket(fleet.at(1, admin));
              for (const ms of [1000, 6000]) {
                const answer = checker.prepare(fleet.at(0, admin), { socket, tokens: 50, delay: 5 });
                await line[how]();
                await answer.post();
                await until(async () => (await answer.message(fleet.at(0, admin)))?.done, { ms: 10_000, what: 'the answer has ended' });
                await sleep(ms);
                await line.restore();
                await answer.settle(15_000, fleet.at(0, admin));
              }
            });
          } finally {
            await fleet.close();
            cluster.stop();
          }
        } finally {
          await toxiproxy.stop();
        }
      },
      { long: true },
    );
  }

  scenario(
    'N02 a replica is cut off from it, with its cable pulled: another ends its answers, and it says nothing meanwhile',
    async () => {
      const machine = newMachine();
      try {
        const cluster = await startPostgres([], { hosts: [machine.here], networks: [`${machine.here}/30`] });
        const database = cluster.createDatabase().split('/').at(-1);
        const there = { wrap: machine.wrap, env: { HOST: machine.address, DATABASE_URL: `postgresql://antiphon@${machine.here}:${cluster.port}/${database}` } };
        // At an address that both reach.
        const far = await startProvider({ host: machine.here });
        const fleet = await startFleet({ replicas: 2, provider: far, databaseUrl: cluster.url(database), balancer: null, start: false, each: (i) => (i ? there : {}) });
        try {
          fleet.replicas[1].url = `http://${machine.address}:${fleet.replicas[1].port}`;
          await fleet.start();
          const admin = await fleet.admin();
          await fleet.settled();
          await checked({ fleet, provider: far, admin, ms: 60_000 }, async (checker) => {
            const socket = await checker.socket(fleet.at(0, admin));
            const answer = checker.prepare(fleet.at(1, admin), { socket, tokens: 5000, delay: 10, ends: ['interrupted'] });
            await answer.post();
            await answer.turn.tokens(60);
            machine.unplug();
            const at = performance.now();
            await answer.turn.done(20_000);
            assert.ok(performance.now() - at < kLeaseMs + 4000, `${performance.now() - at} ms`);
            machine.plug();
            await until(() => fleet.replicas[1].isReady(), { ms: 30_000, every: 200, what: 'it is back' });
          });
        } finally {
          machine.plug();
          await fleet.close();
          await far.stop();
          cluster.stop();
        }
      } finally {
        machine.remove();
      }
    },
    { long: true },
  );
});

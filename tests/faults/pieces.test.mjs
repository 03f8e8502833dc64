// The laboratory's own pieces: each does what the scenarios take for granted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { describe } from 'node:test';
import { startBalancer } from '../lib/balancer.mjs';
import { skewed } from '../lib/clock.mjs';
import { newMachine } from '../lib/network.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { redisCommand, startRedis } from '../lib/redis.mjs';
import { startToxiproxy } from '../lib/toxiproxy.mjs';
import { within, sleep, until } from '../lib/until.mjs';
import { scenario } from './scenario.mjs';

/** A server that says its name. */
async function named(name) {
  const server = createHttp((_, response) => response.end(name));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server) => server.address().port;
const text = async (url) => (await fetch(url)).text();

describe('a piece of the laboratory:', () => {
  for (const kind of ['nginx', 'haproxy']) {
    scenario(`P01 ${kind} sends each request to the next replica, and to a living one`, async () => {
      const servers = await Promise.all(['a', 'b'].map(named));
      const balancer = await startBalancer(kind, servers.map(portOf));
      try {
        const ask = () => text(`${balancer.url}/x`);
        await until(async () => new Set([await ask(), await ask()]).size === 2, { what: 'both are found alive' });
        const told = [];
        for (let i = 0; i < 10; i += 1) told.push(await ask());
        told.forEach((name, i) => assert.ok(i === 0 || name !== told[i - 1], told.join('')));
        servers[0].closeAllConnections();
        servers[0].close();
        for (let i = 0; i < 6; i += 1) assert.equal(await ask(), 'b');
      } finally {
        await balancer.stop();
        for (const server of servers) server.close();
      }
    });
  }

  scenario('P02 a standby follows, and becomes the primary', async () => {
    const primary = await startPostgres();
    let standby;
    try {
      primary.sql('postgres', 'CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
      standby = await primary.standby();
      primary.sql('postgres', 'INSERT INTO t VALUES (2)');
      await until(() => standby.sql('postgres', 'SELECT count(*) FROM t') === '2', { what: 'it follows' });
      assert.throws(() => standby.sql('postgres', 'INSERT INTO t VALUES (3)'), /read-only/);
      primary.halt();
      standby.promote();
      standby.sql('postgres', 'INSERT INTO t VALUES (3)');
      assert.equal(standby.sql('postgres', 'SELECT sum(n) FROM t'), '6');
    } finally {
      standby?.stop();
      primary.stop();
    }
  });

  scenario(
    'P03 Sentinel makes another Redis the master',
    async () => {
      const redis = await startRedis();
      try {
        const first = redis.masterPort();
        redisCommand(first, 'SET', 'k', 'v');
        await until(() => redisCommand(redis.servers[1].port, 'GET', 'k') === 'v', { what: 'the replica follows' });
        await redis.serverAt(first).child.stop('SIGKILL');
        const second = await until(() => redis.masterPort() !== first && redis.masterPort(), { ms: 30_000, every: 200, what: 'a new master' });
        await until(() => redisCommand(second, 'SET', 'k', 'w') === 'OK', { every: 100, what: 'it takes writes' });
      } finally {
        await redis.stop();
      }
    },
    { long: true },
  );

  scenario(
    'P04 Toxiproxy delays, swallows and cuts',
    async () => {
      const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
      echo.listen(0, '127.0.0.1');
      await once(echo, 'listening');
      const toxiproxy = await startToxiproxy();
      try {
        const line = await toxiproxy.line('echo', portOf(echo));
        const open = async () => {
          const socket = connect(line.port, '127.0.0.1').on('error', () => {});
          await once(socket, 'connect');
          return socket;
        };
        const trip = async (socket) => {
          const at = performance.now();
          socket.write('x');
          await within(10_000, 'an echo', once(socket, 'data'));
          return performance.now() - at;
        };
        const socket = await open();
        await line.delay(300);
        assert.ok((await trip(socket)) >= 590, 'there and back');
        await line.swallow();
        let heard = false;
        socket.write('y');
        socket.once('data', () => (heard = true));
        await sleep(1000);
        assert.equal(heard, false);
        assert.equal(socket.destroyed, false, 'and nobody was told');
        const closed = once(socket, 'close');
        await line.restore();
        await closed;
        assert.ok((await trip(await open())) < 290);
        await line.cut();
        const refused = connect(line.port, '127.0.0.1');
        assert.equal((await once(refused, 'error'))[0].code, 'ECONNREFUSED');
      } finally {
        await toxiproxy.stop();
        echo.close();
      }
    },
    { long: true },
  );

  scenario(
    'P05 a machine of its own is reached until its cable is pulled, and again afterwards',
    async () => {
      const machine = newMachine();
      try {
        const ping = () => spawnSync(machine.wrap[0], [...machine.wrap.slice(1), 'bash', '-c', `exec 3<>/dev/tcp/${machine.here}/${port}`], { timeout: 3000 }).status === 0;
        const server = createServer((socket) => socket.on('error', () => {}).end('hello'));
        server.listen(0, machine.here);
        await once(server, 'listening');
        const { port } = server.address();
        try {
          assert.equal(ping(), true);
          machine.unplug();
          assert.equal(ping(), false);
          machine.plug();
          await until(ping, { every: 100, what: 'it is back' });
        } finally {
          server.close();
        }
      } finally {
        machine.remove();
      }
    },
    { long: true },
  );

  scenario('P06 a clock can be wrong', async () => {
    const [file, ...args] = skewed(600);
    const told = Number(spawnSync(file, [...args, 'date', '+%s'], { encoding: 'utf8' }).stdout);
    assert.ok(Math.abs(told - Date.now() / 1000 - 600) < 5, String(told));
  });
});

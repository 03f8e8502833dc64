// A real PgBouncer in front of one of our databases.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

export const hasPgbouncer = spawnSync('pgbouncer', ['--version']).status === 0;

const answers = (port) =>
  new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), settle(true))).once('error', () => settle(false));
  });

/** `databaseUrl`: of lib/postgres.mjs. `mode`: transaction or session. Gives {url, stop}. */
export async function startPgbouncer(databaseUrl, { mode = 'transaction', poolSize = 5 } = {}) {
  const { hostname, port: serverPort, username } = new URL(databaseUrl);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-bouncer-'));
  chmodSync(folder, 0o755);
  const lines = [
    '[databases]',
    `* = host=${hostname} port=${serverPort} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    'ignore_startup_parameters = extra_float_digits,options,statement_timeout',
  ];
  writeFileSync(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`, { mode: 0o644 });
  // It refuses to run as root.
  const user = process.getuid() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', [...user, join(folder, 'pgbouncer.ini')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = new Promise((settle) => child.once('close', settle));
  process.on('exit', () => child.kill('SIGKILL'));
  await until(async () => child.exitCode === null && (await answers(port)), { what: `PgBouncer answers: ${said}` });
  const url = new URL(databaseUrl);
  url.port = String(port);
  return {
    url: url.href,
    stop: async () => {
      child.kill('SIGINT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

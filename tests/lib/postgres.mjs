// A PostgreSQL cluster of our own: made with initdb, on loopback and a socket, gone afterwards.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { sleep } from './until.mjs';

let counter = 0;

/** The newest installed server's programs; PostgreSQL's own are not on the PATH in Debian. */
function findPrograms() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const newest = versions.map(Number).filter(Boolean).sort((a, b) => b - a)[0];
  if (newest) return `/usr/lib/postgresql/${newest}/bin`;
  const found = spawnSync('sh', ['-c', 'dirname "$(command -v postgres)"'], { encoding: 'utf8' }).stdout.trim();
  if (!found || found === '.') throw new Error('PostgreSQL is not installed: tools/setup test');
  return found;
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser() {
  if (process.getuid() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const id = (flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
    if (id('-u') > 0) return { name, uid: id('-u'), gid: id('-g') };
  }
  throw new Error('neither user postgres nor nobody exists');
}

function quiet(user, command, args, wrap = []) {
  const [file, ...all] = [...wrap, ...(user ? ['runuser', '-u', user.name, '--'] : []), command, ...args];
  execFileSync(file, all, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
}

class Cluster {
  constructor(fields) {
    Object.assign(this, fields);
  }

  url(database) {
    return `postgresql://antiphon@127.0.0.1:${this.port}/${database}`;
  }

  sql(database, text) {
    const args = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'antiphon', '-d', database, '-AtqX', '-v', 'ON_ERROR_STOP=1'];
    return execFileSync(join(this.programs, 'psql'), [...args, '-c', text], { encoding: 'utf8', cwd: '/' }).trim();
  }

  /** A new empty database; gives its address. */
  createDatabase() {
    counter += 1;
    const name = `test_${process.pid}_${counter}`;
    this.sql('postgres', `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
    return this.url(name);
  }

  #control(...args) {
    quiet(this.user, join(this.programs, 'pg_ctl'), ['-D', this.data, '-w', ...args], this.wrap);
  }

  /** A standby that follows this one by streaming, and takes reads; promote() makes it a primary of its own. */
  async standby() {
    const { folder, port } = await place(this.user);
    const args = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'antiphon', '-D', join(folder, 'data'), '-R', '-X', 'stream', '-c', 'fast'];
    quiet(this.user, join(this.programs, 'pg_basebackup'), args);
    return begin(new Cluster({ programs: this.programs, user: this.user, folder, port, data: join(folder, 'data'), settings: this.settings, hosts: this.hosts }));
  }

  promote() {
    this.#control('promote');
  }

  /** A standby: from here on it receives nothing, not even what is on its way. */
  async detach() {
    this.sql('postgres', "ALTER SYSTEM SET primary_conninfo = ''");
    this.sql('postgres', 'SELECT pg_reload_conf()');
    while (this.sql('postgres', 'SELECT count(*) FROM pg_stat_wal_receiver') !== '0') await sleep(20);
  }

  /** Where it stands in its log of changes, in bytes; a standby: what it has replayed. */
  position() {
    const isStandby = this.sql('postgres', 'SELECT pg_is_in_recovery()') === 't';
    return Number(this.sql('postgres', `SELECT ${isStandby ? 'pg_last_wal_replay_lsn()' : 'pg_current_wal_lsn()'} - '0/0'::pg_lsn`));
  }

  /** Gone at once, as when its machine loses power; resume() brings it back with its data. */
  halt() {
    this.#control('-m', 'immediate', 'stop');
    this.halted = true;
  }

  resume() {
    const listen = ['127.0.0.1', ...this.hosts].join(',');
    const settings = [...this.settings, `port=${this.port}`, `listen_addresses=${listen}`, `unix_socket_directories=${this.folder}`];
    const flags = settings.map((setting) => `-c ${setting}`).join(' ');
    this.#control('-l', join(this.folder, 'log'), '-o', flags, 'start');
    this.halted = false;
  }

  /** Every process of it stands still, as on a machine that hangs: connections stay, and nothing answers. */
  pause() {
    this.#signal('SIGSTOP');
  }

  wake() {
    this.#signal('SIGCONT');
  }

  #signal(signal) {
    const postmaster = readFileSync(join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0];
    const children = spawnSync('pgrep', ['-P', postmaster], { encoding: 'utf8' }).stdout.trim().split('\n');
    // The parent first: whom it makes afterwards would go on.
    for (const pid of [postmaster, ...children].filter(Boolean)) process.kill(Number(pid), signal);
  }

  /** Ends every connection to a database, from this side. */
  disconnect(database) {
    this.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
  }

  /** The cluster is thrown away. */
  stop() {
    if (!this.folder) return;
    const { folder } = this;
    try {
      if (!this.halted) this.halt();
    } finally {
      this.folder = null;
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** The tests kill our server, never PostgreSQL, so its own durability may be off: faster. */
const kSettings = ['fsync=off', 'full_page_writes=off', 'max_connections=200', 'shared_buffers=64MB', 'autovacuum_naptime=5s'];

/** A folder that the server's user owns, and a port. */
async function place(user) {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-pg-'));
  if (user) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o755);
  return { folder, port: await freePort() };
}

function begin(cluster) {
  cluster.resume();
  process.on('exit', () => cluster.stop());
  return cluster;
}

/**
 * `more` settings come after these and win. `hosts`: further addresses to listen at; `networks` that may come in. `disk`: where
 * its data lies, of lib/disk.mjs.
 */
export async function startPostgres(more = [], { hosts = [], networks = [], disk = null } = {}) {
  const programs = findPrograms();
  const user = unprivilegedUser();
  const { folder, port } = await place(user);
  const data = join(disk?.folder ?? folder, 'data');
  if (disk) {
    mkdirSync(disk.path('data'), { mode: 0o700 });
    if (user) chownSync(disk.path('data'), user.uid, user.gid);
  }
  quiet(user, join(programs, 'initdb'), ['-D', data, '-U', 'antiphon', '--auth=trust', '-E', 'UTF8', '--locale=C', '-N'], disk?.wrap);
  for (const network of networks) appendFileSync(join(data, 'pg_hba.conf'), `host all all ${network} trust\n`);
  return begin(new Cluster({ programs, user, folder, port, data, wrap: disk?.wrap, settings: [...kSettings, ...more], hosts }));
}

/**
 * Whoever listens at a database, or notifies, is ended every few milliseconds until stop(): replicas cannot tell one another
 * anything, and everything else works.
 */
export function breakBus(databaseUrl) {
  const text = `DO $$ BEGIN LOOP
    PERFORM pg_stat_clear_snapshot();
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'antiphon notify';
    PERFORM pg_sleep(0.003);
  END LOOP; END $$`;
  const child = spawn(join(findPrograms(), 'psql'), [databaseUrl, '-qX', '-c', text], { stdio: 'ignore', cwd: '/' });
  const ended = once(child, 'close');
  return {
    async stop() {
      // psql's end does not end what the server does for it.
      spawnSync(join(findPrograms(), 'psql'), [databaseUrl, '-qX', '-c', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN LOOP%' AND datname = current_database()"], { cwd: '/' });
      await ended;
    },
  };
}

let shared = null;

/**
 * The cluster of this test run: the one `run.mjs` started (ANTIPHON_TEST_PG_PORT), else one of this process. Databases are
 * made per test, so files may run side by side.
 */
export async function sharedPostgres() {
  const port = Number(process.env.ANTIPHON_TEST_PG_PORT ?? 0);
  shared ??= port ? Promise.resolve(new Cluster({ programs: findPrograms(), user: null, folder: null, port })) : startPostgres();
  return shared;
}

// The .deb in a Debian of its own that systemd boots: installed, served by, upgraded under replicas, removed. Needs root and
// the network of apt, as tools/fresh does; tools/setup deploy made the system that is copied here.
//   ANTIPHON_FRESH_COPY   files of this machine it needs to reach the network, as for tools/fresh
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sleep, until } from '../lib/until.mjs';
import { root, run } from './tools.mjs';

const base = `${root}.cache/deploy/debian`;
const ports = [8081, 8082];

let scratch;
let system;
let container;
let leader;
let deb;

function must(file, args, options) {
  const done = run(file, args, options);
  assert.equal(done.status, 0, `${file} ${args.join(' ')}\n${done.stdout.slice(-3000)}${done.stderr.slice(-3000)}`);
  return done.stdout.trim();
}

/** Runs a line of sh in the booted system. */
const inside = (line, status = 0) => {
  const done = run('nsenter', ['-t', String(leader), '-m', '-u', '-i', '-n', '-p', '--', '/bin/sh', '-c', line], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  if (status !== null) assert.equal(done.status, status, `${line}\n${done.stdout}${done.stderr}`);
  return done.stdout.trim();
};

const isReady = (port) => run('nsenter', ['-t', String(leader), '-m', '-n', '--', '/usr/bin/antiphon-ready', String(port)]).status === 0;
const pidOf = (unit) => Number(inside(`systemctl show -p MainPID --value ${unit}`));

describe('the package', () => {
  before(() => {
    if (process.getuid() !== 0) throw new Error('root is needed');
    if (!existsSync(base)) throw new Error(`${base} is not there: tools/setup deploy`);
    scratch = mkdtempSync(join(tmpdir(), 'antiphon-package-'));
    deb = must(`${root}deploy/deb/build`, [scratch]).split('\n').at(-1);
    system = join(scratch, 'debian');
    must('cp', ['-a', '--reflink=auto', base, system]);
    for (const file of ['/etc/resolv.conf', '/etc/hosts', ...(process.env.ANTIPHON_FRESH_COPY ?? '').split(' ')]) {
      if (file && existsSync(file)) cpSync(file, `${system}${file}`, { dereference: true });
    }
    cpSync(deb, `${system}/root/${basename(deb)}`);
  });

  after(async () => {
    if (container && container.exitCode === null && container.signalCode === null) {
      const ended = new Promise((settle) => container.once('exit', settle));
      if (leader) spawnSync('kill', ['-RTMIN+4', String(leader)]); // systemd's signal to power off
      setTimeout(() => container.kill('SIGKILL'), 60_000).unref();
      await ended;
    }
    if (scratch) rmSync(scratch, { recursive: true, force: true });
  });

  it('is without error or warning to lintian', () => {
    must('lintian', ['--allow-root', '--fail-on', 'error,warning', deb]);
  });

  it('is the same file when it is made again', () => {
    const first = readFileSync(deb);
    const again = must(`${root}deploy/deb/build`, [mkdtempSync(join(scratch, 'again-'))]).split('\n').at(-1);
    assert.ok(readFileSync(again).equals(first));
  });

  it('installs with what it names, into a system that does not run', () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    must('chroot', [system, 'apt-get', 'update', '--quiet=2'], { env });
    must('chroot', [system, 'apt-get', 'install', '--yes', '--quiet=2', '--no-install-recommends', `/root/${basename(deb)}`], { env });
    assert.equal(must('chroot', [system, 'stat', '-c', '%a %U:%G', '/etc/antiphon/environment']), '640 root:antiphon');
    assert.equal(must('chroot', [system, 'stat', '-c', '%a %U:%G', '/var/lib/antiphon']), '700 antiphon:antiphon');
  });

  it('serves when that system boots, as a process that may do little', async () => {
    const log = [];
    container = spawn('systemd-nspawn', ['--quiet', '--register=no', '--keep-unit', '--private-network', '--console=pipe', '-D', system, '--boot'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [container.stdout, container.stderr]) stream.on('data', (text) => log.push(text));
    process.once('exit', () => container.kill('SIGKILL'));
    leader = await until(() => Number(spawnSync('pgrep', ['-P', String(container.pid)], { encoding: 'utf8' }).stdout.split('\n')[0]), { what: 'it boots' });
    await until(() => isReady(8080), { ms: 60_000, every: 200, what: 'it serves' }).catch((error) => assert.fail(`${error.message}\n${log.join('')}`));
    await until(() => inside('systemctl is-active antiphon', null) === 'active', { what: 'it is active' });
    const status = inside(`cat /proc/${pidOf('antiphon')}/status`);
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    assert.doesNotMatch(status, /^Uid:\s+0/m);
    assert.match(inside('systemd-analyze security --no-pager antiphon.service'), /Overall exposure level for antiphon\.service: 1\.\d OK/);
  });

  it('a restart returns when it takes requests', () => {
    const old = pidOf('antiphon');
    inside('systemctl restart antiphon');
    assert.ok(isReady(8080));
    assert.notEqual(pidOf('antiphon'), old);
    assert.equal(inside('journalctl -u antiphon -p err -q --no-pager'), '');
  });

  it('serves as several replicas on one PostgreSQL', async () => {
    inside('systemctl disable --now antiphon');
    await until(() => inside('pg_lsclusters -h | grep -c online', null) === '1', { what: 'PostgreSQL runs' });
    inside(`runuser -u postgres -- psql -qc "CREATE ROLE antiphon LOGIN PASSWORD 'x'" -c 'CREATE DATABASE antiphon OWNER antiphon'`);
    inside(`echo 'DATABASE_URL=postgresql://antiphon:x@127.0.0.1/antiphon' >> /etc/antiphon/environment`);
    inside(`systemctl enable --now ${ports.map((port) => `antiphon@${port}`).join(' ')}`);
    for (const port of ports) assert.ok(isReady(port), `${port}`);
    assert.equal(inside(`runuser -u postgres -- psql -Atc 'SELECT count(*) FROM node' antiphon`), '2');
  });

  it('an upgrade replaces them one after another: there is always one that serves', async () => {
    const old = ports.map((port) => pidOf(`antiphon@${port}`));
    let ended = false;
    const upgrade = spawn('nsenter', ['-t', String(leader), '-m', '-u', '-i', '-n', '-p', '--', 'dpkg', '-i', `/root/${basename(deb)}`], { stdio: 'ignore' });
    const code = new Promise((settle) => upgrade.once('exit', settle)).finally(() => (ended = true));
    let looks = 0;
    while (!ended) {
      assert.ok(ports.some(isReady), 'one serves');
      looks += 1;
      await sleep(50);
    }
    assert.equal(await code, 0);
    assert.ok(looks > 20, `${looks} looks`);
    ports.forEach((port, i) => {
      assert.notEqual(pidOf(`antiphon@${port}`), old[i], `${port} is new`);
      assert.ok(isReady(port));
    });
  });

  it('removed, it is gone and its data is there; purged, that is gone too', () => {
    inside('dpkg -r antiphon');
    for (const port of ports) assert.equal(inside(`systemctl is-active antiphon@${port}`, null), 'inactive');
    inside('test ! -e /usr/bin/antiphon && test -d /var/lib/antiphon && test -e /etc/antiphon/environment');
    inside('dpkg -P antiphon');
    inside('test ! -e /var/lib/antiphon && test ! -e /etc/antiphon');
  });
});

// The loop of `make dev`, in a tree of its own: builds and servers that only note that they were there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sleep, until } from '../lib/until.mjs';

const kTool = fileURLToPath(new URL('../../tools/dev.mjs', import.meta.url));
/** Takes a while; fails while there is a file called `broken`. */
const kBuild = `#!/bin/bash
cd "$(dirname "$0")/.."
echo begun >> builds
sleep 0.3
[ ! -e broken ]`;
const kServer = `#!/bin/bash
cd "$(dirname "$0")/.."
echo "$$ $* $PORT $DATA_DIR" >> servers
[ ! -e crash ] || kill -SEGV $$
exec sleep 1000`;
const kVite = `#!/bin/bash
echo "$ANTIPHON_URL" >> ../vites
echo $$ > ../vite.pid
exec sleep 1000`;

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('make dev', () => {
  let root;
  let loop;
  let said = '';
  const path = (name) => join(root, name);
  const lines = (name) => (existsSync(path(name)) ? readFileSync(path(name), 'utf8').trim().split('\n') : []);
  const servers = () => lines('servers').map((line) => Number(line.split(' ')[0]));
  const running = () => servers().filter(isAlive);
  function write(name, text, mode = 0o644) {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text);
    chmodSync(path(name), mode);
  }
  /** Until so many builds have begun and nothing more happens. */
  async function settled(builds) {
    await until(() => lines('builds').length >= builds, { ms: 10_000, what: `${builds} builds` });
    await sleep(1000);
  }

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'antiphon-dev-'));
    write('tools/build', kBuild, 0o755);
    write('build/antiphon', kServer, 0o755);
    write('web/package.json', '{}');
    write('web/node_modules/.bin/vite', kVite, 0o755);
    write('src/features/a.cc', 'int a;');
    copyFileSync(kTool, path('tools/dev.mjs'));
    loop = spawn(process.execPath, [path('tools/dev.mjs')], { env: { ...process.env, PORT: '18080', DATA_DIR: path('data') }, stdio: ['ignore', 'pipe', 'inherit'] });
    loop.stdout.setEncoding('utf8').on('data', (text) => (said += text));
    await until(() => running().length === 1 && lines('vites').length === 1, { ms: 10_000, what: 'the server and Vite run' });
    await until(() => said.includes('5173'), { what: 'it says where' });
  });
  afterEach(() => ['broken', 'crash'].forEach((name) => rmSync(path(name), { force: true })));
  after(() => {
    loop.kill('SIGKILL');
    for (const pid of running()) process.kill(pid, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  it('serves on the port and the data it was given, and tells Vite', () => {
    assert.match(lines('servers')[0], new RegExp(` serve 18080 ${path('data')}$`));
    assert.deepEqual(lines('vites'), ['http://127.0.0.1:18080']);
    assert.equal(lines('builds').length, 0);
  });

  it('builds once and restarts when sources change', async () => {
    const [old] = running();
    write('src/features/a.cc', 'int b;');
    write('src/features/new/b.h', '');
    write('src/features/a.cc', 'int c;');
    await settled(1);
    assert.equal(lines('builds').length, 1);
    assert.equal(running().length, 1);
    assert.notEqual(running()[0], old);
  });

  it('builds once more for what changed meanwhile', async () => {
    const builds = lines('builds').length;
    write('src/features/a.cc', 'int d;');
    await until(() => lines('builds').length > builds, { ms: 10_000, what: 'the build begins' });
    write('src/features/a.cc', 'int e;');
    await settled(builds + 2);
    assert.equal(lines('builds').length, builds + 2);
    assert.equal(running().length, 1);
  });

  it('leaves alone what is no source', async () => {
    const builds = lines('builds').length;
    write('src/features/notes.md', 'x');
    await sleep(700);
    assert.equal(lines('builds').length, builds);
  });

  it('keeps the server when a build fails', async () => {
    const [old] = running();
    const builds = lines('builds').length;
    write('broken', '');
    write('src/features/a.cc', 'int');
    await settled(builds + 1);
    assert.deepEqual(running(), [old]);
  });

  it('says when the server dies, however, and starts it after the next build', async () => {
    const builds = lines('builds').length;
    write('crash', '');
    write('src/features/a.cc', 'int f;');
    await until(() => said.includes('the server ended with SIGSEGV'), { ms: 10_000, what: 'it says so' });
    rmSync(path('crash'));
    write('src/features/a.cc', 'int g;');
    await settled(builds + 2);
    assert.equal(running().length, 1);
  });

  it('ends with all it started', async () => {
    const all = [...running(), Number(readFileSync(path('vite.pid'), 'utf8'))];
    loop.kill('SIGTERM');
    await until(() => !all.some(isAlive), { ms: 10_000, what: 'server and Vite have ended' });
    await until(() => loop.exitCode === 0, { what: 'the loop has ended' });
  });
});

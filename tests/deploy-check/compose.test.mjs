// Docker's stacks, by the Compose specification's own reader.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { root, run, tool } from './tools.mjs';

/** With defaults put in for variables: this reader has no environment. */
const interpolated = (text) => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/\$\{\w+:\?[^}]*\}/g, 'secret');

function read(name, change = (text) => text) {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-compose-'));
  try {
    const file = join(folder, name);
    writeFileSync(file, interpolated(change(readFileSync(`${root}deploy/docker/${name}`, 'utf8'))));
    return tool('cmd', ['-format', 'json', file], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const name of ['compose.yaml', 'stack.yaml']) {
  it(`${name} is a valid stack of replicas, nginx and PostgreSQL`, () => {
    const done = read(name);
    assert.equal(done.status, 0, done.stdout + done.stderr);
    const { services } = JSON.parse(done.stdout);
    assert.deepEqual(Object.keys(services).sort(), ['antiphon', 'nginx', 'postgres']);
    assert.equal(services.antiphon.deploy.replicas, 3);
    assert.equal(services.antiphon.read_only, true);
    assert.deepEqual(services.antiphon.cap_drop, ['ALL']);
    assert.equal(services.antiphon.stop_grace_period, '45s');
    if (name === 'stack.yaml') assert.deepEqual(services.antiphon.entrypoint.slice(0, 2), ['bash', '-c']);
    if (name === 'stack.yaml') assert.match(services.antiphon.entrypoint[2], /^DATABASE_URL=\$+\(< \/run\/secrets\/antiphon_database_url\) exec antiphon serve$/);
  });

  it(`${name} with a misspelt word is refused: the reader is awake`, () => {
    const done = read(name, (text) => text.replace('stop_grace_period', 'stop_grace_perio'));
    assert.notEqual(done.status, 0);
    assert.match(done.stdout + done.stderr, /stop_grace_perio\b/);
  });
}

it('the scripts are without fault to bash', () => {
  for (const name of ['docker/roll', 'deb/build', 'deb/postinst', 'deb/prerm', 'deb/postrm', 'image/antiphon-ready']) {
    const done = run('bash', ['-n', `${root}deploy/${name}`]);
    assert.equal(done.status, 0, done.stderr);
  }
});

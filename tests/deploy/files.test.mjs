// What the files of deploy/ promise, compared with each other, with the program and with the machine's own checkers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { deployFile } from '../lib/proxies.mjs';
import { freePort } from '../lib/ports.mjs';
import { binary, makeServer } from '../lib/server.mjs';

const folder = fileURLToPath(new URL('../../deploy/', import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length));
const run = (file, ...args) => spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 });
const settings = run(binary, 'settings').stdout;
const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? assert.fail(`${pattern} is not there`));
const seconds = (text, name) => number(text, new RegExp(`${name}[:=]\\s*"?(\\d+)`));

/** What the process itself takes to end after its answers had their time. */
const kEnding = 10;

describe('deploy/', () => {
  it('asks for no affinity anywhere', () => {
    assert.ok(files.length > 30, `${files.length} files`);
    const sticky = /ip_hash|^\s*(sticky|hash|cookie|stick-table)\b|sticky\.cookie|ClientIP|affinity(-mode)?: *"?cookie|upstream-hash-by|stickiness\.enabled[=,]+(Value=)?true/im;
    for (const name of files) assert.doesNotMatch(deployFile(name), sticky, name);
  });

  it('repeats no request that is not idempotent', () => {
    for (const name of files) {
      const text = deployFile(name).replace(/^\s*#.*$/gm, '');
      assert.doesNotMatch(text, /non_idempotent|retry-non-idempotent|retry-on (?!conn-failure)|all-retryable-errors/, name);
    }
  });

  it('names only settings that there are', () => {
    const notOurs = new Set(['ANTIPHON_IMAGE', 'ANTIPHON_REPLICAS']);
    const named = new Set(files.flatMap((name) => deployFile(name).match(/\bANTIPHON_[A-Z_]+[A-Z]\b/g) ?? []));
    assert.ok(named.has('ANTIPHON_DRAIN_SECONDS'));
    for (const name of named) assert.ok(notOurs.has(name) || settings.includes(`\`${name}\``), name);
    for (const name of ['FORWARDED_ALLOW_IPS', 'DATABASE_URL', 'DATABASE_POOL_SIZE', 'LOG_FORMAT', 'WEBUI_SECRET_KEY', 'HOST', 'PORT', 'DATA_DIR']) {
      assert.ok(settings.includes(`\`${name}\``), name);
    }
  });

  it('gives a stop the time it may take', () => {
    const drain = number(settings, /`ANTIPHON_DRAIN_SECONDS` \|.*?\| int \| `(\d+)`/);
    const base = deployFile('kubernetes/configmap.yaml');
    const least = (text) => seconds(text, 'ANTIPHON_DRAIN_DELAY_SECONDS') + seconds(text, 'ANTIPHON_DRAIN_SECONDS') + kEnding;
    assert.ok(seconds(deployFile('kubernetes/deployment.yaml'), 'terminationGracePeriodSeconds') > least(base));
    for (const name of ['docker/compose.yaml', 'docker/stack.yaml']) {
      assert.ok(seconds(deployFile(name), 'stop_grace_period') > least(deployFile(name)), name);
    }
    assert.ok(seconds(deployFile('systemd/antiphon.service'), 'TimeoutStopSec') > drain + kEnding);
    const replica = deployFile('systemd/antiphon@.service');
    assert.ok(seconds(replica, 'TimeoutStopSec') > seconds(replica, 'ANTIPHON_DRAIN_DELAY_SECONDS') + drain + kEnding);
  });

  it('lets proxies keep no connection for longer than a replica takes to leave', () => {
    const delay = seconds(deployFile('systemd/antiphon@.service'), 'ANTIPHON_DRAIN_DELAY_SECONDS');
    assert.ok(number(deployFile('proxies/nginx.conf'), /keepalive_timeout (\d+)s/) < delay);
    assert.ok(number(deployFile('proxies/traefik/dynamic.yaml'), /idleConnTimeout: (\d+)s/) < delay);
    assert.match(deployFile('proxies/haproxy.cfg'), /check inter 1s fall 2/, 'noticed within 2 s');
  });

  it('is of the version of the program', () => {
    const version = /antiphon (\S+)/.exec(run(binary, '--version').stdout)[1];
    const chart = deployFile('helm/antiphon/Chart.yaml');
    assert.equal(/^version: (.*)$/m.exec(chart)[1], version);
    assert.equal(/^appVersion: "(.*)"$/m.exec(chart)[1], version);
    assert.equal(/newTag: (.*)$/m.exec(deployFile('kubernetes/kustomization.yaml'))[1], version);
    for (const name of ['docker/compose.yaml', 'docker/stack.yaml']) assert.match(deployFile(name), new RegExp(`antiphon:${version}\\}`), name);
  });

  it('has units that systemd understands, and that leave little open', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'antiphon-units-'));
    try {
      const units = { 'antiphon.service': 'antiphon.service', 'antiphon@.service': 'antiphon@8081.service', 'antiphon-replicas.target': 'antiphon-replicas.target' };
      for (const [name, as] of Object.entries(units)) {
        const text = deployFile(`systemd/${name}`).replaceAll('/usr/bin/antiphon-ready', '/bin/true').replaceAll('/usr/bin/antiphon', '/bin/true');
        writeFileSync(join(scratch, as), text);
      }
      const paths = Object.values(units).map((name) => join(scratch, name));
      const verified = run('systemd-analyze', 'verify', '--man=no', ...paths);
      assert.equal(verified.status, 0, verified.stderr);
      assert.doesNotMatch(verified.stderr, /antiphon/, 'no complaint');
      for (const path of paths.slice(0, 2)) {
        const kMost = 15; // of 100: "1.5 OK"; 1.2 when this was written
        const scored = run('systemd-analyze', 'security', '--offline=true', `--threshold=${kMost}`, '--no-pager', path);
        assert.equal(scored.status, 0, scored.stdout + scored.stderr);
        assert.match(scored.stdout, /Overall exposure level/);
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});

describe('antiphon-ready', () => {
  const ready = join(folder, 'image/antiphon-ready');

  it('says no where nobody is, and yes as soon as a server serves', async () => {
    assert.equal(run(ready, String(await freePort())).status, 1);
    const server = await makeServer();
    try {
      assert.equal(run(ready, String(server.port)).status, 1);
      await server.start();
      assert.equal(run(ready, String(server.port)).status, 0);
      assert.equal(run(ready, String(server.port), '5').status, 0);
    } finally {
      await server.close();
    }
  });

});

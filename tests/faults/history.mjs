// Records what clients ask and what comes of it, and has porcupine judge it (linear/: a Go program, built on first use).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(here, '../../build/faults');
const program = join(folder, 'linear');
/** Within which every replica knows. */
const kKnownMs = 1000;

const now = () => Number(process.hrtime.bigint());

function go(...args) {
  const { status, error, stdout, stderr } = spawnSync('go', args, { cwd: join(here, 'linear'), encoding: 'utf8' });
  assert.equal(status, 0, `go ${args.join(' ')}: ${error ?? stdout + stderr}`);
}

let built = false;
/** The models' own tests first: histories that are broken must be refused. */
function build() {
  if (built) return;
  mkdirSync(folder, { recursive: true });
  go('test', './...');
  go('build', '-trimpath', '-o', program, '.');
  built = true;
}

export class History {
  /** `model`: setting, token or run, of linear/models.go. */
  constructor(model) {
    this.model = model;
    this.records = [];
  }

  /**
   * `ask()` gives {outcome, version, value} of what it did; what it throws, and "unknown", is an outcome that nobody knows. Gives
   * what ask() gave, or null. `demand`: {version, value} of what is asked for.
   */
  async record({ key, client, replica, op, ...demand }, ask) {
    const call = now();
    const came = await ask().catch(() => ({ outcome: 'unknown' }));
    this.records.push({ key, client, replica, op, call, return: now(), ...demand, ...came });
    return came.outcome === 'unknown' ? null : came;
  }

  /** While `going` goes on the replica (-1: all) cannot hear of changes. */
  async away(replica, going) {
    const call = now();
    await going;
    this.records.push({ op: 'away', replica, call, return: now() });
  }

  /** Gives {status, said}: 0 is linearizable, 1 is not. `picture`: where a bad one is drawn. */
  verdict(records = this.records, picture = '') {
    build();
    const input = records.map((record) => JSON.stringify(record)).join('\n');
    const args = ['-model', this.model, '-stale', `${kKnownMs}ms`, '-picture', picture];
    const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 64 << 20 });
    return { status, said: (stdout + stderr).trim() };
  }

  /**
   * The history is linearizable. And it tells something: `broken(records)` gives another that is not, made of this one, which must
   * be refused.
   */
  check(broken) {
    const file = join(folder, `${new Date().toISOString().replace(/[:.]/g, '-')}-${this.model}`);
    const { status, said } = this.verdict(this.records, `${file}.html`);
    if (status !== 0) writeFileSync(`${file}.jsonl`, this.records.map((record) => JSON.stringify(record)).join('\n'));
    assert.equal(status, 0, `${said}: ${file}.jsonl`);
    const changed = broken(structuredClone(this.records));
    assert.equal(this.verdict(changed).status, 1, 'a broken history was not refused');
    return said;
  }
}

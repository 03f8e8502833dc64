// Durable small writes on SQLite, and reads on PostgreSQL beside pgbench.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { output, root } from '../lib/tools.mjs';

export const title = 'Store';

const bench = join(root, 'build/release/src/store/store_bench');

async function figures(url) {
  const out = await output(bench, [url, '5', '64', '2']);
  const rate = (name) => Number(new RegExp(`^${name}\\s+(\\d+)/s`, 'm').exec(out)[1]);
  return { writes: rate('writes'), reads: rate('reads'), text: out };
}

export async function run(servers) {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-bench-store-'));
  const sqlite = await figures(`sqlite:///${folder}/store.db`);
  await rm(folder, { recursive: true, force: true });

  const cluster = await servers.postgres();
  const url = cluster.createDatabase();
  const connection = ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'antiphon', new URL(url).pathname.slice(1)];
  await output('pgbench', ['-i', '-q', '-s', '1', ...connection]);
  const pgbench = async () => {
    const out = await output('pgbench', ['-S', '-M', 'prepared', '-c', '64', '-j', '2', '-T', '5', ...connection]);
    return Number(/tps = ([\d.]+)/.exec(out)[1]);
  };
  const before = await pgbench();
  const postgres = await figures(url);
  const after = await pgbench();
  const theirs = (before + after) / 2;
  return {
    rows: [
      {
        figure: 'durable small writes on SQLite, 64 writers',
        goal: '≥ 20 000/s',
        measured: `${sqlite.writes.toLocaleString('en')}/s`,
        ok: sqlite.writes >= 20_000,
        note: 'rows of 210 bytes with an index, synchronous=FULL',
      },
      { figure: 'point reads on SQLite, 64 readers', goal: '', measured: `${sqlite.reads.toLocaleString('en')}/s`, ok: null },
      {
        figure: 'point reads on PostgreSQL, 64 readers on 2 connections, beside pgbench -S -c64',
        goal: 'for orientation',
        measured: `${postgres.reads.toLocaleString('en')}/s; pgbench ${Math.round(theirs).toLocaleString('en')}/s`,
        ratio: `${(postgres.reads / theirs).toFixed(2)} ×`,
        ok: null,
        note: 'pgbench has a connection for each of its 64 clients',
      },
    ],
    raw: { sqlite, postgres, pgbench: [before, after] },
  };
}

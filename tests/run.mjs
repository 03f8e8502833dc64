// Runs the suites of this folder and prints counts that machines and people can read.
//   node tests/run.mjs                   every suite
//   node tests/run.mjs rig blackbox      only these folders
//   node tests/run.mjs blackbox/auth.test.mjs
// One PostgreSQL cluster serves the whole run. Closing lines: `# tests N`, `# pass N`, `# fail N`, `# skipped N`.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './lib/postgres.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** Suites in the order they run; `alone` ones measure time or load the machine, so nothing runs beside them. */
const suites = [
  { folder: 'rig', alone: true },
  { folder: 'realtime', alone: true },
  { folder: 'blackbox', alone: false },
  { folder: 'deploy', alone: true },
  { folder: 'browser', alone: true },
  { folder: 'kill', alone: true },
  { folder: 'faults', alone: true },
];

function filesOf(path) {
  const full = join(here, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [full];
  return readdirSync(full, { recursive: true })
    .filter((name) => name.endsWith('.test.mjs'))
    .sort()
    .map((name) => join(full, name));
}

/** Milliseconds a file may take. The loops and the laboratory say themselves how long they may last. */
function timeLimit(files) {
  const has = (path) => files.some((file) => file.includes(path));
  const asked = (path, variable) => (has(path) ? Number(process.env[variable] ?? 0) : 0);
  const [kills, starts] = [asked('/kill/', 'ANTIPHON_KILLS'), asked('/starts.', 'ANTIPHON_STARTS')];
  const trials = asked('/starts.', 'ANTIPHON_TRIALS') + asked('/upgrade.', 'ANTIPHON_MIXED_SECONDS');
  const minutes = has('/faults/') ? asked('/faults/', 'ANTIPHON_FAULT_MINUTES') + 30 : 0;
  return (600_000 + (kills + minutes) * 60_000 + starts * 120_000 + trials * 2_000) * Number(process.env.ANTIPHON_TEST_SLOWER ?? 1);
}

/** Runs files with node's own runner; gives its counts, read from its closing lines. */
function runFiles(files, concurrency, env) {
  const args = ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeLimit(files)}`, '--test-reporter=spec', ...files];
  const child = spawn(process.execPath, args, { env, cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
  const counts = {};
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const match = /^\S+ (tests|pass|fail|cancelled|skipped|todo) (\d+)$/u.exec(line.replace(/\x1b\[[0-9;]*m/g, ''));
      if (match) counts[match[1]] = Number(match[2]);
    }
  });
  return new Promise((settle) => child.on('close', (code) => settle({ counts, code })));
}

function plan(names) {
  if (names.length) return [{ name: names.join(' '), files: names.flatMap(filesOf), alone: names.length === 1 }];
  return suites.map(({ folder, alone }) => ({ name: folder, files: filesOf(folder), alone })).filter((suite) => suite.files.length);
}

async function main() {
  const wanted = plan(process.argv.slice(2));
  const needsPostgres = (process.env.ANTIPHON_TEST_DATABASES ?? 'postgres').includes('postgres');
  const cluster = needsPostgres ? await startPostgres() : null;
  const env = { ...process.env, ...(cluster ? { ANTIPHON_TEST_PG_PORT: String(cluster.port) } : {}) };
  const total = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
  let bad = wanted.every((suite) => suite.files.length === 0);
  for (const { name, files, alone } of wanted) {
    process.stdout.write(`==> ${name}: ${files.length} files\n`);
    const { counts, code } = await runFiles(files, alone ? 1 : Math.min(4, availableParallelism() + 1), env);
    for (const key of Object.keys(total)) total[key] += counts[key] ?? 0;
    bad ||= code !== 0 || !counts.tests;
  }
  cluster?.stop();
  for (const [key, value] of Object.entries(total)) process.stdout.write(`# ${key} ${value}\n`);
  process.exitCode = bad ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
await main();

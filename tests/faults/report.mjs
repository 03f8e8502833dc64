// A run of the mixed loop as Markdown, in build/faults/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = resolve(dirname(fileURLToPath(import.meta.url)), '../../build/faults');

/** The value below which so much of the list lies. */
export function percentile(values, part) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
}

const ms = (value) => (value === null ? '–' : `${Math.round(value)} ms`);
const row = (name, values) => `| ${name} | ${values.length} | ${[0.5, 0.99, 1].map((part) => ms(percentile(values, part))).join(' | ')} |`;

/** What the replicas said and `tables` of the database hold, for whoever looks into a failure; gives the file's path. */
export function keepLogs(fleet, tables = {}) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replace(/[:.]/g, '-')}.log`);
  const logs = fleet.replicas.map((replica, i) => `==== replica ${i}, ${replica.url}\n${replica.log.slice(-200_000)}`);
  writeFileSync(file, [...logs, ...Object.entries(tables).map(([name, rows]) => `==== ${name}\n${rows}`)].join('\n'));
  return file;
}

/** Gives the file's path. `times`: name to milliseconds. */
export function writeReport({ seed, outcome, settings, counts, times, faults }) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replace(/[:.]/g, '-')}-seed-${seed}.md`);
  const list = (object) => Object.entries(object).map(([name, value]) => `| ${name} | ${value} |`);
  const lines = [
    `# Mixed faults, seed ${seed}: ${outcome}`,
    '',
    `Again: \`make faults FAULTS=mixed.test.mjs ANTIPHON_SEED=${seed} FAULT_MINUTES=${settings.minutes}\``,
    '',
    '| | |',
    '|---|---|',
    ...list(settings),
    ...list(counts),
    '',
    '| time | times | p50 | p99 | worst |',
    '|---|---|---|---|---|',
    ...Object.entries(times).map(([name, values]) => row(name, values)),
    '',
    '## Faults',
    '',
    ...faults.map((line) => `- ${line}`),
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  return file;
}

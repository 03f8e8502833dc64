// The latest of each figure, and the document made of them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tools.mjs';

const folder = join(root, 'bench/results');
const page = join(root, 'docs/performance.md');

/** The value below which so much of the list lies. */
export function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
}

export function save(name, result) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}

export function load(name) {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

const verdict = { true: 'reached', false: '**falls short**', null: '' };
const cell = (text) => String(text ?? '').replaceAll('|', '\\|');

function table(rows) {
  const lines = ['| Figure | Goal | Measured | Ratio | Verdict |', '|---|---|---|---|---|'];
  for (const row of rows) {
    lines.push(`| ${cell(row.figure)} | ${cell(row.goal)} | ${cell(row.measured)} | ${cell(row.ratio)} | ${verdict[row.ok]} |`);
  }
  return lines.join('\n');
}

const notes = (rows) => rows.filter((row) => row.note).map((row) => `- ${row.figure}: ${row.note}.`);

function section({ title, at, commit, busy, seconds, rows, error }) {
  const out = [`## ${title}`, ''];
  if (error) out.push(`The last attempt failed: ${error}`, '');
  if (rows?.length) out.push(table(rows), '', ...notes(rows), '');
  out.push(`Measured ${at}, commit ${commit}, in ${seconds} s; load of the machine before: ${busy}.`, '');
  return out.join('\n');
}

/** `known`: the sections in their order, as [{name, title}]; `remarks`: Markdown that people keep. */
export function writePage(known, machine, remarks) {
  const results = known.map(({ name }) => load(name)).filter(Boolean);
  const rows = results.flatMap((result) => result.rows ?? []);
  const judged = rows.filter((row) => row.ok !== null);
  const short = judged.filter((row) => !row.ok);
  const parts = [
    '# Performance',
    '',
    '`make bench` measures this and writes it; `make bench FIGURES="answers health"` measures only these and keeps the rest.',
    `Names: ${known.map(({ name }) => `\`${name}\``).join(', ')}.`,
    '',
    `${judged.length - short.length} of ${judged.length} goals are reached.`,
    ...(short.length ? ['Short fall:', ...short.map((row) => `- ${row.figure}: ${row.measured}, goal ${row.goal}`)] : []),
    '',
    '## Machine and method',
    '',
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, kernel ${machine.kernel}. Everything runs on this one machine:`,
    'the servers, the load, the model provider and the database, so they share its cores.',
    '',
    '- Antiphon is the release build on SQLite (synchronous=FULL) with fresh data, unless a row says otherwise; its limits for one',
    '  caller are off (`ANTIPHON_RATE_LIMITS=0`), because here one user asks for as much as a company.',
    '- Open WebUI is 0.12.4 from PyPI as it comes (SQLite, one process), on the same machine, with the same provider, in the same run.',
    '- The provider and the clients are `bench/load`: one epoll loop each. An answer is asked for as a browser does it: a POST, and',
    '  Socket.IO for the text. Times begin when the POST is written, on a connection that is open already.',
    '- Processor time is what the kernel counts for the process, user and system, all threads.',
    '- Loads take a few seconds; where a row stands for several runs, it is the median of them.',
    '- Open WebUI gets ten answers at once: of a hundred it does not finish most, so there is nothing to compare.',
    '',
    ...results.map(section),
    remarks,
  ];
  writeFileSync(page, `${parts.join('\n').trim()}\n`);
}

// What the first page weighs on the wire: index.html, the styles, and every script it fetches before anything is clicked. Run after a
// build. Fails above the budget.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const budget = 150_000;

const html = readFileSync(join(dist, 'index.html'), 'utf8');
if (/<script(?![^>]*\ssrc=)/.test(html)) throw new Error('index.html has an inline script; the page’s policy forbids it');

const first = new Set(['index.html']);
for (const [, path] of html.matchAll(/(?:src|href)="\/([^"]+)"/g)) first.add(path);
const queue = [...first].filter((path) => path.endsWith('.js'));
while (queue.length > 0) {
  const source = readFileSync(join(dist, queue.pop()), 'utf8');
  for (const [, name] of source.matchAll(/(?:^|[;}\s])import\s*(?:[\w$*{][^"';]*?from\s*)?["']\.\/([^"']+)["']/g)) {
    const path = `assets/${name}`;
    if (!first.has(path)) queue.push(path);
    first.add(path);
  }
}

const weigh = (paths) =>
  paths.map((path) => {
    const bytes = readFileSync(join(dist, path));
    return { path, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length };
  });
const total = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const rows = weigh([...first]);
for (const row of rows) console.log(kilobytes(row.raw), kilobytes(row.gzip), kilobytes(row.brotli), row.path);
console.log(kilobytes(total(rows, 'raw')), kilobytes(total(rows, 'gzip')), kilobytes(total(rows, 'brotli')), 'first page (raw, gzip, brotli)');
const render = readdirSync(join(dist, 'assets')).filter((name) => /^render-.*\.js$/.test(name)).map((name) => `assets/${name}`);
const withText = [...rows, ...weigh(render.filter((path) => !first.has(path)))];
console.log(kilobytes(total(withText, 'raw')), kilobytes(total(withText, 'gzip')), kilobytes(total(withText, 'brotli')), '… with what draws Markdown');
if (total(withText, 'gzip') > budget) {
  console.error(`too heavy: the budget is ${kilobytes(budget).trim()} gzip`);
  process.exit(1);
}

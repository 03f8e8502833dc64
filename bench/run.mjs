// make bench: measures what docs/performance.md says, and writes it.
//   node bench/run.mjs                     every figure
//   node bench/run.mjs answers health      only these; the others keep what they have
//   node bench/run.mjs --try delay         with small numbers where the figure has some, to see that it works; writes nothing
// Ends with 1 when a figure could not be measured; a goal that is not reached is no failure, the document says so.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { busy, commit, machine } from './lib/machine.mjs';
import { save, writePage } from './lib/results.mjs';
import { Servers } from './lib/servers.mjs';
import { root } from './lib/tools.mjs';

/** In this order; Open WebUI, which is heavy, runs only from `requests` on. */
const kFigures = ['start', 'memory', 'size', 'health', 'store', 'disk', 'chats', 'requests', 'answers', 'delay', 'scale', 'idle', 'reconnect', 'takeover'];
/** All figures together take about ten minutes; one that hangs must not hold the rest. */
const kPatienceMs = 420_000;

const say = (text) => process.stdout.write(`${text}\n`);

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function measure(name, figure, servers, small) {
  const result = { title: figure.title, at: new Date().toISOString().slice(0, 16).replace('T', ' '), commit: commit(), busy: busy() };
  const begin = performance.now();
  say(`==> ${figure.title}`);
  try {
    const { rows, raw } = await within(kPatienceMs, figure.run(servers, { small }));
    Object.assign(result, { rows, raw });
    for (const row of rows) say(`    ${row.ok === false ? '✗' : row.ok ? '✓' : '·'} ${row.figure}: ${row.measured}${row.ratio ? `, ${row.ratio}` : ''}${row.goal ? `  (goal: ${row.goal})` : ''}`);
  } catch (error) {
    say(`    could not be measured: ${error.stack}`);
    return false;
  }
  result.seconds = Math.round((performance.now() - begin) / 1000);
  if (!small) save(name, result);
  return true;
}

async function main() {
  const small = process.argv.includes('--try');
  const wanted = process.argv.slice(2).filter((word) => word !== '--try');
  const unknown = wanted.filter((name) => !kFigures.includes(name));
  if (unknown.length) throw new Error(`no figure ${unknown.join(', ')}; there are ${kFigures.join(', ')}`);
  const figures = await Promise.all(kFigures.map(async (name) => ({ name, ...(await import(`./figures/${name}.mjs`)) })));
  const servers = new Servers();
  let good = true;
  try {
    for (const figure of figures) {
      if (wanted.length && !wanted.includes(figure.name)) continue;
      good = (await measure(figure.name, figure, servers, small)) && good;
    }
  } finally {
    await servers.close();
  }
  if (small) process.exit(good ? 0 : 1);
  writePage(figures, machine(), readFileSync(join(root, 'bench/remarks.md'), 'utf8'));
  say('==> docs/performance.md is written');
  process.exit(good ? 0 : 1);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
await main();

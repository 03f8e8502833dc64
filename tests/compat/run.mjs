// Plays one list of calls to Antiphon and to Open WebUI 0.12.4 in the same run and compares what comes back.
//   node tests/compat/run.mjs [--only SUBJECT,…] [--verbose] [--out FILE]
// Ends with 1 when there is a difference that allowed.json does not explain, or an entry of it that explains nothing.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Allowed } from './allowed.mjs';
import { differences } from './compare.mjs';
import { coverage, print } from './report.mjs';
import { startSides } from './sides.mjs';
import { World } from './world.mjs';
import { subjects } from './calls/index.mjs';

const here = dirname(fileURLToPath(import.meta.url));

async function play(world, chosen) {
  for (const [name, run] of Object.entries(chosen)) {
    world.subject = name;
    const begin = performance.now();
    await run(world);
    process.stderr.write(`    ${world.side.name}: ${name} in ${Math.round(performance.now() - begin)} ms\n`);
  }
}

function judge(ours, theirs, allowed) {
  return [...theirs.records].map(([name, right]) => {
    const left = ours.records.get(name) ?? { status: 'not played' };
    const call = { name, route: right.route, open: [], allowed: [] };
    for (const difference of differences(left, right)) {
      const reason = allowed.reasonFor(name, difference);
      if (reason) call.allowed.push({ difference, reason });
      else call.open.push(difference);
    }
    call.reasons = new Set(call.allowed.map(({ reason }) => reason));
    call.state = call.open.length ? 'open' : call.allowed.length ? 'explained' : 'equal';
    return call;
  });
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string' }, verbose: { type: 'boolean' }, out: { type: 'string' } } });
  const only = values.only?.split(',');
  const chosen = Object.fromEntries(Object.entries(subjects).filter(([name]) => !only || name === 'accounts' || only.includes(name)));
  process.stderr.write('==> both servers start; Open WebUI takes up to two minutes the first time\n');
  const sides = await startSides();
  const [ours, theirs] = [new World(sides.ours), new World(sides.theirs)];
  try {
    await Promise.all([play(ours, chosen), play(theirs, chosen)]);
    const allowed = new Allowed(join(here, 'allowed.json'));
    const calls = judge(ours, theirs, allowed);
    const [mine, upstream] = await Promise.all([ours, theirs].map((world) => world.person('ada').get('/openapi.json')));
    const parts = coverage({ ours: mine.json, theirs: upstream.json, calls });
    const unused = only ? [] : allowed.unused;
    process.stdout.write(`${print({ calls, unused, parts, verbose: values.verbose })}\n`);
    if (values.out) {
      const records = { ours: Object.fromEntries(ours.records), theirs: Object.fromEntries(theirs.records), absent: parts.map(([name, part]) => [name, part.absent]) };
      writeFileSync(values.out, JSON.stringify(records, null, 1));
    }
    process.exitCode = calls.some((call) => call.state === 'open') || unused.length ? 1 : 0;
  } finally {
    for (const world of [ours, theirs]) world.close();
    await Promise.allSettled([sides.ours.close(), sides.theirs.close()]);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
await main();

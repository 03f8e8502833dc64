// What a comparison found, for people: counts, differences by route, reasons, and which routes of Open WebUI we have.

const kMaxText = 160;

function short(value) {
  const text = value === undefined ? '–' : JSON.stringify(value);
  return text.length > kMaxText ? `${text.slice(0, kMaxText)}…` : text;
}

function lineOf({ at, kind, ours, theirs }) {
  if (kind === 'missing') return `missing ${at} (theirs: ${short(theirs)})`;
  if (kind === 'extra') return `extra ${at} (ours: ${short(ours)})`;
  return `${kind} at ${at}: ours ${short(ours)}, theirs ${short(theirs)}`;
}

function table(rows, head) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => String(row[i]).length)));
  const line = (row) => row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  ');
  return [line(head), ...rows.map(line)].join('\n');
}

function bySubject(calls) {
  const groups = new Map();
  for (const call of calls) {
    const name = call.name.split(':')[0];
    const group = groups.get(name) ?? { calls: 0, equal: 0, explained: 0, open: 0 };
    group.calls += 1;
    group[call.state] += 1;
    groups.set(name, group);
  }
  const rows = [...groups].map(([name, group]) => [name, ...Object.values(group)]);
  const sum = (i) => rows.reduce((total, row) => total + row[i], 0);
  return [...rows, ['all', sum(1), sum(2), sum(3), sum(4)]];
}

const kMethods = ['get', 'post', 'put', 'patch', 'delete'];

/** "GET /api/v1/chats/{}": names of parameters and a closing slash are not part of a route. */
const plainRoute = (route) => route.replace(/\{[^}]*\}/g, '{}').replace(/(.)\/$/, '$1');

function routesOf(openapi) {
  const out = new Set();
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const method of kMethods) if (method in item) out.add(plainRoute(`${method.toUpperCase()} ${path}`));
  }
  return out;
}

/** Of which part of the API a route is: "chats", "auths", "openai"… */
const partOf = (route) => route.split(' ')[1].replace(/^\/api(\/v1)?(?=\/)/, '').split('/')[1] || '/';

export function coverage({ ours, theirs, calls }) {
  const [have, all] = [routesOf(ours), routesOf(theirs)];
  const compared = new Set(calls.map((call) => plainRoute(call.route)));
  const parts = new Map();
  for (const route of all) {
    const part = parts.get(partOf(route)) ?? { upstream: 0, here: 0, compared: 0, absent: [] };
    part.upstream += 1;
    if (have.has(route)) part.here += 1;
    else part.absent.push(route);
    if (compared.has(route)) part.compared += 1;
    parts.set(partOf(route), part);
  }
  return [...parts].sort(([a], [b]) => a.localeCompare(b));
}

export function print({ calls, unused, parts, verbose }) {
  const out = [];
  const open = calls.filter((call) => call.state === 'open');
  for (const call of open) {
    out.push(`✗ ${call.name}`);
    for (const difference of call.open) out.push(`    ${lineOf(difference)}`);
  }
  const reasons = new Map();
  for (const call of calls) for (const reason of call.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  if (verbose) {
    for (const call of calls.filter((one) => one.state === 'explained')) {
      out.push(`~ ${call.name}`);
      for (const { difference, reason } of call.allowed) out.push(`    ${lineOf(difference)}\n      because ${reason}`);
    }
  }
  for (const entry of unused) out.push(`! nothing differs any more as allowed: ${JSON.stringify(entry)}`);
  out.push('', 'Allowed differences, by reason (calls):');
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) out.push(`  ${String(count).padStart(4)}  ${reason}`);
  out.push('', 'Routes of Open WebUI, by part:');
  const total = ['all', 0, 0, 0];
  const rows = parts.map(([name, part]) => [name, part.upstream, part.here, part.compared]);
  for (const row of rows) for (let i = 1; i < 4; i += 1) total[i] += row[i];
  out.push(table([...rows, total], ['part', 'upstream', 'here', 'compared']));
  out.push('', table(bySubject(calls), ['subject', 'calls', 'equal', 'explained', 'open']));
  const good = calls.length - open.length;
  const percent = (count) => `${((100 * count) / calls.length).toFixed(1)} %`;
  const equal = calls.filter((call) => call.state === 'equal').length;
  out.push('', `${calls.length} calls compared: ${equal} equal (${percent(equal)}), ${good} equal or explained (${percent(good)})`);
  return out.join('\n');
}

// The differences between two normalised answers, as a list of {at, kind, ours, theirs}.
//   at    "body.items[].name"; members of maps keyed by ids are "{}"
//   kind  status | type | missing (theirs has it, ours not) | extra | value | length

function kindOf(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const isKeyedById = (key) => /^<|^c0ffee00-/.test(key);

function join(at, key) {
  return isKeyedById(key) ? `${at}{}` : `${at}.${key}`;
}

function compareArrays(ours, theirs, at, found) {
  if (ours.length !== theirs.length) found.push({ at, kind: 'length', ours: ours.length, theirs: theirs.length });
  for (let i = 0; i < Math.min(ours.length, theirs.length); i += 1) compareValues(ours[i], theirs[i], `${at}[]`, found);
}

function compareObjects(ours, theirs, at, found) {
  for (const [key, value] of Object.entries(theirs)) {
    if (key in ours) compareValues(ours[key], value, join(at, key), found);
    else found.push({ at: join(at, key), kind: 'missing', theirs: value });
  }
  for (const [key, value] of Object.entries(ours)) {
    if (!(key in theirs)) found.push({ at: join(at, key), kind: 'extra', ours: value });
  }
}

function compareValues(ours, theirs, at, found) {
  const [left, right] = [kindOf(ours), kindOf(theirs)];
  if (left !== right) found.push({ at, kind: 'type', ours, theirs });
  else if (left === 'array') compareArrays(ours, theirs, at, found);
  else if (left === 'object') compareObjects(ours, theirs, at, found);
  else if (ours !== theirs) found.push({ at, kind: 'value', ours, theirs });
}

/** `ours`, `theirs`: {status, type, cookies?, body}. A difference of status says enough: bodies are not compared then. */
export function differences(ours, theirs) {
  if (ours.status !== theirs.status) return [{ at: 'status', kind: 'status', ours: ours.status, theirs: theirs.status }];
  const found = [];
  for (const part of ['type', 'cookies', 'body']) compareValues(ours[part] ?? null, theirs[part] ?? null, part, found);
  const seen = new Set();
  return found.filter(({ at, kind }) => !seen.has(`${at} ${kind}`) && seen.add(`${at} ${kind}`));
}

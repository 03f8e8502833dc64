// Takes out of an answer what may differ between two right servers: ids, times, secrets, addresses, serials, texts for people.

const kUuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
/** Ids this side of the wire chose (world.mjs) are the same on both sides and stay. */
const kOurs = /^c0ffee00-/;

const kTexts = [
  [/\btemporary:[\w-]{10,}/g, 'temporary:<socket>'],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<jwt>'],
  [/\bsk-[\w-]{16,}/g, '<key>'],
  [/\b(msg|r|fco|ci|cc|fc)_[0-9a-f-]{8,}/g, '<$1 id>'],
  [/\b(chatcmpl|call)([-_])\d+/g, '$1$2N'],
  [/#\d+(?= t\d| *$)/g, '#N'],
  [/\b(Title|Serial|query|after|serial_?) ?\d+/g, '$1 N'],
  [/\bWhy \d+\?/g, 'Why N?'],
  [/\b[0-9a-f]{32,}\b/g, '<hex>'],
  [/\b(Open WebUI|Antiphon)\b/g, '<product>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?/g, '<date>'],
];

const kDay = 86_400;
const kUnits = [
  ['s', 1],
  ['ms', 1e3],
  ['us', 1e6],
  ['ns', 1e9],
];

/** A number that is a time of today, in whatever unit; tokens live four weeks. */
function asTime(number) {
  const now = Date.now() / 1000;
  for (const [name, factor] of kUnits) {
    const seconds = number / factor;
    if (seconds > now - kDay && seconds < now + 32 * kDay) return `<time ${name}>`;
  }
  return null;
}

/** What did not fit, and where; where in a text that is no JSON means nothing. */
function complaint({ type, loc }) {
  return { type, loc: type === 'json_invalid' ? loc?.slice(0, 1) : loc };
}

export class Normal {
  /** `side`: whose addresses are to be made equal. */
  constructor(side) {
    this.addresses = [
      [side.provider.url, '<provider>'],
      [side.url, '<server>'],
      [side.provider.url.replace('http://', ''), '<provider>'],
      [side.url.replace('http://', ''), '<server>'],
    ];
  }

  text(text) {
    let out = text;
    for (const [from, to] of this.addresses) out = out.replaceAll(from, to);
    out = out.replace(kUuid, (id) => (kOurs.test(id) ? id : '<uuid>'));
    for (const [from, to] of kTexts) out = out.replace(from, to);
    return out;
  }

  value(value) {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return asTime(value) ?? value;
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (value && typeof value === 'object') return this.#object(value);
    return value;
  }

  #object(value) {
    const out = {};
    for (const [key, inner] of Object.entries(value)) {
      let name = this.text(key);
      for (let n = 2; name in out; n += 1) name = `${this.text(key)} ${n}`;
      out[name] = this.value(inner);
    }
    return out;
  }

  /**
   * An answer with an error: what programs look at stays, sentences for people do not. Their texts are theirs, ours are ours.
   */
  error(json) {
    const out = this.value(json);
    if (typeof out?.detail === 'string') out.detail = '<text>';
    if (Array.isArray(out?.detail)) out.detail = out.detail.map(complaint);
    return out;
  }
}

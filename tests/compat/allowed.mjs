// Which differences are right, and why: allowed.json. An entry fits a difference when its globs do; * stands for anything.
import { readFileSync } from 'node:fs';

function globOf(text) {
  const parts = text.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

const list = (value) => (Array.isArray(value) ? value : [value]);

export class Allowed {
  constructor(path) {
    const { reasons, entries } = JSON.parse(readFileSync(path, 'utf8'));
    this.entries = entries.map((entry) => {
      const reason = reasons[entry.why];
      if (!reason) throw new Error(`${path}: there is no reason ${entry.why}`);
      return { entry, reason: `${entry.why}: ${reason}`, call: list(entry.call).map(globOf), at: list(entry.at).map(globOf), used: false };
    });
    const known = new Set(entries.map((entry) => entry.why));
    const idle = Object.keys(reasons).filter((why) => !known.has(why));
    if (idle.length) throw new Error(`${path}: nothing uses ${idle}`);
  }

  /** The reason that allows this difference, or undefined. */
  reasonFor(name, { at, kind }) {
    const fits = (one) =>
      one.call.some((glob) => glob.test(name)) && one.at.some((glob) => glob.test(at)) && (!one.entry.kind || list(one.entry.kind).includes(kind));
    const found = this.entries.find(fits);
    if (found) found.used = true;
    return found?.reason;
  }

  get unused() {
    return this.entries.filter((one) => !one.used).map((one) => one.entry);
  }
}

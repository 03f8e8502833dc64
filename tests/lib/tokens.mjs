// Reads the numbered texts of the test provider: "#17 t0 t1 t2".
import assert from 'node:assert/strict';

/** The serial of the call and how many tokens came, each once and in order; throws at a hole, a repeat or foreign text. */
export function readTokens(text) {
  const match = /^#(\d+)((?: t\d+)*)$/.exec(text);
  if (!match) {
    const good = /^(?:#\d+(?: t\d+)*)?/.exec(text)[0].length;
    const place = JSON.stringify(text.slice(Math.max(0, good - 60), good + 120));
    assert.fail(`not a numbered text of ${text.length} characters: from ${good} on, … ${place} …`);
  }
  const numbers = match[2].split(' t').slice(1).map(Number);
  numbers.forEach((number, i) => assert.equal(number, i, `token ${number} stands at place ${i}`));
  return { serial: Number(match[1]), count: numbers.length };
}

/** The text of an answer of `count` tokens. */
export function tokenText(serial, count) {
  return `#${serial}${Array.from({ length: count }, (_, i) => ` t${i}`).join('')}`;
}

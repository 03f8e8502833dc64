// A clock that is off, for one process: `env` of a WrongClock goes into its environment, and `set` moves it while it runs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), 'clock.c');
let library = null;

function build() {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-clock-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'clock.so');
  execFileSync('clang-19', ['-shared', '-fPIC', '-O1', '-o', file, source]);
  return file;
}

export class WrongClock {
  #file;

  /** `folder`: where it may put a file. Seconds ahead; less than zero is behind. */
  constructor(folder, seconds) {
    library ??= build();
    const path = join(folder, 'wrong-clock');
    this.#file = openSync(path, 'w');
    this.set(seconds);
    this.env = { LD_PRELOAD: library, WRONG_CLOCK: path };
  }

  set(seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(seconds * 1000)));
    writeSync(this.#file, bytes, 0, 8, 0);
  }
}

/** What runs a program whose wall clock is `seconds` ahead (behind, if negative) and goes on; timers keep their time. */
export function skewed(seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-clock-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { env } = new WrongClock(folder, seconds);
  return ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
}

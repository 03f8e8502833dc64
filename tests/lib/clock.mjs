// A wall clock that is wrong: clock.c, built on first use and preloaded.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), 'clock.c');
let library = null;

function built() {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-clock-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'clock.so');
  execFileSync('clang-19', ['-O2', '-shared', '-fPIC', '-o', file, source], { stdio: 'inherit' });
  return file;
}

/** What runs a program whose wall clock is `seconds` ahead (behind, if negative) and goes on; timers keep their time. */
export function skewed(seconds) {
  library ??= built();
  return ['env', `LD_PRELOAD=${library}`, `CLOCK_SKEW=${seconds}`];
}

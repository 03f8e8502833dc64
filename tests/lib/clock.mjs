// A clock that is wrong, by libfaketime.
import { existsSync, readdirSync } from 'node:fs';

const library = readdirSync('/usr/lib')
  .map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

/**
 * What runs a program whose wall clock is `seconds` ahead (behind, if negative) and goes on. Its monotonic clock is left alone:
 * timers keep their time. By the library itself: the program faketime stays as a parent and keeps signals to itself.
 */
export function skewed(seconds) {
  if (!library) throw new Error('libfaketime is not installed: tools/setup test');
  return ['env', `LD_PRELOAD=${library}`, `FAKETIME=${seconds < 0 ? '' : '+'}${seconds}s`, 'DONT_FAKE_MONOTONIC=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
}

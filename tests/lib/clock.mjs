// A clock that is wrong, by libfaketime.
import { spawnSync } from 'node:child_process';

export const canSkew = spawnSync('faketime', ['-f', '+1s', 'true']).status === 0;

/**
 * What runs a program whose wall clock is `seconds` ahead (behind, if negative) and goes on. Its monotonic clock is left alone:
 * timers keep their time.
 */
export function skewed(seconds) {
  const offset = `${seconds < 0 ? '' : '+'}${seconds}s`;
  return ['env', 'FAKETIME_DONT_FAKE_MONOTONIC=1', 'DONT_FAKE_MONOTONIC=1', 'faketime', '-f', offset];
}

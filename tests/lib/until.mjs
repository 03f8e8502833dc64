import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/**
 * How much slower than alone everything may be on a machine that others use too. ANTIPHON_TEST_SLOWER: and by what factor the
 * program itself is slow, as under a sanitizer.
 */
export function strain() {
  return Math.max(1, loadavg()[0] / availableParallelism()) * Number(process.env.ANTIPHON_TEST_SLOWER ?? 1);
}

/** Polls until `read` gives something true, and gives that; fails with `what` after `ms`, longer under strain. */
export async function until(read, { ms: calm = 10_000, every = 20, what = read.toString() } = {}) {
  const ms = Math.round(calm * strain());
  const end = performance.now() + ms;
  let last;
  while (performance.now() < end) {
    try {
      const value = await read();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(every);
  }
  throw new Error(`not within ${ms} ms: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
}

/** Settles as `promise` does, or fails with `what` after `calm` milliseconds, longer under strain. */
export async function within(calm, what, promise) {
  const ms = Math.round(calm * strain());
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

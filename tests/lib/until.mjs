import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Polls until `read` gives something true, and gives that; fails with `what` after `ms`. */
export async function until(read, { ms = 10_000, every = 20, what = read.toString() } = {}) {
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

/** Settles as `promise` does, or fails with `what` after `ms`. */
export async function within(ms, what, promise) {
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

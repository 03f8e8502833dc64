// A scenario of the fault laboratory: a test that is named by its number, draws its random choices from a seed, and says at a
// failure how to run it again.
//   ANTIPHON_FAULTS=all       also the long ones (make faults)
//   ANTIPHON_SCENARIO=S26     only those whose name begins so
//   ANTIPHON_SEED=17          the random choices of an earlier run
import { it } from 'node:test';
import { Random } from '../lib/random.mjs';

export const seed = Number(process.env.ANTIPHON_SEED ?? Date.now() % 1_000_000);
export const wantsAll = process.env.ANTIPHON_FAULTS === 'all';
const only = process.env.ANTIPHON_SCENARIO ?? '';
// Each wait has its own limit, longer on a busy machine; this one is for what waits for ever.
const kTimeoutMs = 900_000;

const isWanted = (name, long) => name.startsWith(only) && (!long || wantsAll || only !== '');

/** `long`: more than a few seconds, or with parts that only `tools/setup faults` installs; not in make test. */
export function scenario(name, work, { long = false, timeout = kTimeoutMs } = {}) {
  if (!isWanted(name, long)) return;
  it(name, { timeout: timeout * Number(process.env.ANTIPHON_TEST_SLOWER ?? 1) }, async () => {
    try {
      await work(new Random(seed));
    } catch (error) {
      const again = `make faults ANTIPHON_SEED=${seed} ANTIPHON_SCENARIO='${name.split(' ')[0]}'`;
      throw new Error(`seed ${seed}, again with ${again}: ${error.message}`, { cause: error });
    }
  });
}

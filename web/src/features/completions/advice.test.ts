import { describe, expect, it } from 'vitest';
import { adviceFor } from './advice';

describe('adviceFor', () => {
  it.each([
    ['Rate limit reached', /patience/],
    ['Incorrect API key provided', /refused the key/],
    ["This model's maximum context length is 4096 tokens", /no longer fits/],
    ['The model `gpt-9` does not exist', /not available/],
    ['connection refused', /did not answer/],
    ['interrupted by a restart', /Continue/],
    ['boom', /Try again/],
  ])('says what to do about %j', (cause, next) => {
    const advice = adviceFor({ content: cause });

    expect(advice?.cause).toBe(cause);
    expect(advice?.next).toMatch(next);
  });

  it('has nothing to say when nothing failed', () => {
    expect([adviceFor(null), adviceFor(undefined), adviceFor(false), adviceFor('')]).toEqual([null, null, null, null]);
  });
});

import { describe, expect, it } from 'vitest';
import { Pull, sizeText } from './pull.svelte';

describe('a model that is fetched', () => {
  it('is as far as all its layers together', () => {
    const pull = new Pull();

    pull.take({ status: 'pulling manifest' });
    expect([pull.status, pull.share]).toEqual(['pulling manifest', null]);
    pull.take({ status: 'pulling a', digest: 'a', total: 300 });
    pull.take({ status: 'pulling a', digest: 'a', total: 300, completed: 150 });
    expect(pull.share).toBe(0.5);
    pull.take({ status: 'pulling b', digest: 'b', total: 100, completed: 50 });
    expect(pull.share).toBe(0.5);
    pull.take({ status: 'pulling a', digest: 'a', total: 300, completed: 300 });
    expect(pull.share).toBe(0.875);
    pull.take(null);
    pull.take({ status: 'success' });
    expect([pull.status, pull.share]).toEqual(['success', 0.875]);
  });

  it('that cannot be had says why', () => {
    expect(() => new Pull().take({ error: 'pull model manifest: file does not exist' })).toThrow('file does not exist');
  });
});

describe('sizeText', () => {
  it('is short', () => {
    expect([0, 999, 1000, 4_700_000_000, 12_300_000].map(sizeText)).toEqual(['0 B', '999 B', '1.0 kB', '4.7 GB', '12 MB']);
  });
});

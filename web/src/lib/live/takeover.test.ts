import { describe, expect, it } from 'vitest';
import { latestTakeover, takeoverOf, takeoverText } from './takeover';

const status = (policy: string, at: unknown) => ({ action: 'takeover', policy, at, done: true, description: 'x' });

describe('takeovers', () => {
  it('are read from a status, and nothing else is', () => {
    expect(takeoverOf(status('continue', 7))).toEqual({ policy: 'continue', at: 7 });
    expect(takeoverOf(status('keep', 7))).toBeNull();
    expect(takeoverOf(status('restart', '7'))).toBeNull();
    expect(takeoverOf({ action: 'web_search', done: true })).toBeNull();
    expect(takeoverOf(null)).toBeNull();
  });

  it('the latest counts', () => {
    expect(latestTakeover([status('restart', 1), { description: 'other' }, status('continue', 2), 3])).toEqual({ policy: 'continue', at: 2 });
    expect(latestTakeover([])).toBeNull();
    expect(latestTakeover('odd')).toBeNull();
  });

  it('say what was done', () => {
    expect(takeoverText({ policy: 'continue', at: 0 })).toMatch(/^The server stopped; continued at \d/);
    expect(takeoverText({ policy: 'restart', at: 0 })).toMatch(/^The server stopped; begun again at \d/);
  });
});

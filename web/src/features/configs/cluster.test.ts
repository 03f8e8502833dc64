import { describe, expect, it } from 'vitest';
import { skewText, stateText } from './cluster';

describe('the cluster in words', () => {
  it('says how far a clock is off, and which way, but not what nobody notices', () => {
    expect([0, -500, 501, -2000, 603_000].map(skewText)).toEqual(['clock right', 'clock right', 'clock 0.5 s ahead', 'clock 2.0 s behind', 'clock 10 min ahead']);
  });

  it('calls states by name, and those of a newer version as they are', () => {
    expect(['serving', 'stopping', 'resting'].map(stateText)).toEqual(['Serving', 'Stopping', 'resting']);
  });
});

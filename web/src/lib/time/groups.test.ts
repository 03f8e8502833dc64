import { describe, expect, it } from 'vitest';
import { groupByDay, relativeTime, spanText } from './groups';

const now = new Date(2026, 4, 20, 15, 0, 0);
const at = (year: number, month: number, day: number, hour = 12) => ({
  updated_at: new Date(year, month - 1, day, hour).getTime() / 1000,
});

describe('groupByDay', () => {
  it('names the last days and then the months', () => {
    const groups = groupByDay(
      [at(2026, 5, 20, 0), at(2026, 5, 19, 23), at(2026, 5, 15), at(2026, 4, 25), at(2026, 3, 1), at(2025, 12, 24)],
      now,
      'en',
    );

    expect(groups.map((group) => group.label)).toEqual(['Today', 'Yesterday', 'This week', 'Past month', 'March', 'December 2025']);
  });

  it('puts the first second of today under Today and the last of yesterday under Yesterday', () => {
    const midnight = new Date(2026, 4, 20).getTime() / 1000;

    const groups = groupByDay([{ updated_at: midnight }, { updated_at: midnight - 1 }], now);

    expect(groups.map((group) => group.label)).toEqual(['Today', 'Yesterday']);
  });

  it('keeps the order it was given', () => {
    const groups = groupByDay([at(2026, 5, 20, 9), at(2026, 5, 20, 8)], now);

    expect(groups).toHaveLength(1);
    expect(groups[0]!.items[0]!.updated_at).toBeGreaterThan(groups[0]!.items[1]!.updated_at);
  });
});

describe('relativeTime', () => {
  it('never speaks of the future when clocks differ', () => {
    expect(relativeTime(now.getTime() / 1000 + 90, now)).toBe('just now');
  });

  it('counts minutes and hours', () => {
    expect(relativeTime(now.getTime() / 1000 - 300, now)).toBe('5 min ago');
    expect(relativeTime(now.getTime() / 1000 - 7300, now)).toBe('2 h ago');
  });
});

describe('spanText', () => {
  it('says seconds and minutes', () => {
    expect([spanText(0.4), spanText(59), spanText(120), spanText(125)]).toEqual(['0 s', '59 s', '2 min', '2 min 5 s']);
  });
});

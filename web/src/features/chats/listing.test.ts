import { describe, expect, it } from 'vitest';
import type { ChatListItem } from '$/lib/api/types';
import { appendPage, isUnread, mergeFirstPage, pageSize } from './listing';

const item = (id: string, updated_at: number): ChatListItem => ({ id, title: id, updated_at, created_at: 0, active: false, archived: false });
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => item(`c${from - index}`, from - index));

describe('mergeFirstPage', () => {
  it('keeps older pages below the fresh first page', () => {
    const loaded = range(200, 120);
    const page = [item('new', 201), ...range(200, pageSize - 1)];

    const merged = mergeFirstPage(loaded, page);

    expect(merged).toHaveLength(121);
    expect(merged[0]!.id).toBe('new');
    expect(new Set(merged.map((entry) => entry.id)).size).toBe(121);
  });

  it('drops a chat that is gone from the page', () => {
    const loaded = range(200, 120);
    const page = range(200, pageSize + 1).filter((entry) => entry.id !== 'c190');

    expect(mergeFirstPage(loaded, page).some((entry) => entry.id === 'c190')).toBe(false);
  });

  it('is the page itself when there is only one', () => {
    expect(mergeFirstPage(range(9, 5), range(9, 2))).toEqual(range(9, 2));
  });
});

describe('appendPage', () => {
  it('does not repeat what shifted onto the next page', () => {
    expect(appendPage(range(5, 3), range(3, 3)).map((entry) => entry.id)).toEqual(['c5', 'c4', 'c3', 'c2', 'c1']);
  });
});

describe('isUnread', () => {
  it('waits until the answer is complete', () => {
    expect(isUnread({ ...item('a', 5), last_read_at: 4 })).toBe(true);
    expect(isUnread({ ...item('a', 5), last_read_at: 4, active: true })).toBe(false);
    expect(isUnread({ ...item('a', 5), last_read_at: 5 })).toBe(false);
    expect(isUnread({ ...item('a', 5), last_read_at: null })).toBe(false);
  });
});

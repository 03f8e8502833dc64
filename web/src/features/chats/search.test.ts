import { describe, expect, it } from 'vitest';
import { completeQuery, isSearchable, markWords } from './search';

const tags = [
  { id: 'travel', name: 'travel' },
  { id: 'tax_2025', name: 'tax 2025' },
];
const folders = [{ id: 'f', name: 'Home Office', updated_at: 0 }];

describe('completeQuery', () => {
  it('completes the operator being typed, keeping the words before it', () => {
    expect(completeQuery('rome ta', tags, folders).map((entry) => entry.query)).toEqual(['rome tag:']);
  });

  it('completes values', () => {
    expect(completeQuery('tag:t', tags, folders).map((entry) => entry.label)).toEqual(['tag:travel', 'tag:tax_2025']);
    expect(completeQuery('folder:', tags, folders).map((entry) => entry.label)).toEqual(['folder:home_office']);
    expect(completeQuery('pinned:', tags, folders).map((entry) => entry.label)).toEqual(['pinned:true', 'pinned:false']);
  });

  it('stays silent for plain words, finished values and times', () => {
    expect(completeQuery('rome', tags, folders)).toEqual([]);
    expect(completeQuery('tag:travel', tags, folders)).toEqual([]);
    expect(completeQuery('12:30', tags, folders)).toEqual([]);
    expect(completeQuery('', tags, folders)).toEqual([]);
  });
});

describe('isSearchable', () => {
  it('wants a word or a finished operator', () => {
    expect([isSearchable(''), isSearchable('  '), isSearchable('tag:'), isSearchable('tag:x'), isSearchable('x')]).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('what was searched, in what was found', () => {
  const marked = (text: string, query: string) => markWords(text, query).map(({ text: piece, hit }) => (hit ? `[${piece}]` : piece)).join('');

  it('is marked in any case, operators aside', () => {
    expect(marked('The Sea and the seal', 'sea tag:water')).toBe('The [Sea] and the [sea]l');
    expect(marked('nothing here', 'tag:water')).toBe('nothing here');
    expect(marked('sea seal', 'sea seal')).toBe('[sea] [seal]');
  });

  it('takes every sign for itself', () => {
    expect(marked('f(x) = a.b*c [1]', 'f(x) a.b*c [1] \\')).toBe('[f(x)] = [a.b*c] [[1]]');
  });
});

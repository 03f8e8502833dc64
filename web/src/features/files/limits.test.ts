import { expect, it } from 'vitest';
import { countOf, fitted, limitsOf, refusalOf } from './limits';

it('limits are what the server says, and none where it says nothing', () => {
  const file = { max_size: 2, max_count: 3, allowed_extensions: ['.PDF', 'txt'], image_compression: { width: 100, height: null } };

  expect(limitsOf({ file })).toEqual({ size: 2 * 2 ** 20, count: 3, endings: ['pdf', 'txt'], width: 100, height: null });
  for (const nothing of [null, {}, { file: null }, { file: { max_size: null, max_count: 0, allowed_extensions: [], image_compression: {} } }]) {
    expect(limitsOf(nothing)).toEqual({ size: null, count: null, endings: [], width: null, height: null });
  }
  expect([countOf(limitsOf({ file })), countOf(limitsOf(null))]).toEqual([3, 100]);
});

it('a file is refused before it is sent: too large, of the wrong kind, empty', () => {
  const limits = limitsOf({ file: { max_size: 1, allowed_extensions: ['pdf', 'txt'] } });

  expect(refusalOf({ name: 'a.PDF', size: 2 ** 20 }, limits)).toBe('');
  expect(refusalOf({ name: 'a.pdf', size: 2 ** 20 + 1 }, limits)).toBe('Too large: a file may have 1 MB.');
  expect(refusalOf({ name: 'a.exe', size: 1 }, limits)).toBe('Files may end in pdf, txt.');
  expect(refusalOf({ name: 'pdf', size: 1 }, limits)).toBe('Files may end in pdf, txt.');
  expect(refusalOf({ name: 'a.pdf', size: 0 }, limits)).toBe('It is empty, or a folder.');
  expect(refusalOf({ name: 'anything', size: 2 ** 40 }, limitsOf(null))).toBe('');
});

it('a picture keeps its form, and never grows', () => {
  expect(fitted({ width: 400, height: 200 }, { width: 100, height: 100 })).toEqual({ width: 100, height: 50 });
  expect(fitted({ width: 400, height: 200 }, { width: null, height: 20 })).toEqual({ width: 40, height: 20 });
  expect(fitted({ width: 4, height: 2 }, { width: 100, height: 100 })).toEqual({ width: 4, height: 2 });
  expect(fitted({ width: 10_000, height: 1 }, { width: 100, height: 100 })).toEqual({ width: 100, height: 1 });
});

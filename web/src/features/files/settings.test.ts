import { expect, it } from 'vitest';
import { changesOf, textsOf } from './settings';

const described = {
  groups: [
    { settings: [{ key: 'rag.file.max_size', value: 5 }, { key: 'rag.file.allowed_extensions', value: ['pdf', 'txt'] }, { key: 'rag.file.max_count', value: null }, { key: 'other', value: 1 }] },
    { settings: 7 },
  ],
};

it('settings for files are found among all, those that are not set as empty', () => {
  expect(textsOf(described)).toEqual({ 'rag.file.max_size': '5', 'rag.file.allowed_extensions': 'pdf, txt', 'rag.file.max_count': '' });
  expect(textsOf(null)).toEqual({});
});

it('what was changed is stored, in the form the server takes', () => {
  const before = textsOf(described);

  expect(changesOf(before, before)).toEqual({});
  expect(changesOf(before, { ...before, 'rag.file.max_size': ' ', 'rag.file.allowed_extensions': '.PDF md;  png', 'rag.file.max_count': '3' })).toEqual({
    'rag.file.max_size': null,
    'rag.file.allowed_extensions': ['pdf', 'md', 'png'],
    'rag.file.max_count': 3,
  });
  expect(changesOf(before, { ...before, 'rag.file.max_size': 'many' })).toEqual({ 'rag.file.max_size': 'many' });
});

import { describe, expect, it } from 'vitest';
import type { UploadedFile } from '$/lib/api/types';
import { addressOf, documentsOf, isUnread, itemOf, readItems, saidWith, sizeText } from './items';

const uploaded = (more: Partial<UploadedFile> = {}): UploadedFile => ({
  id: 'f-1',
  user_id: 'u',
  filename: 'a.pdf',
  data: { status: 'completed' },
  meta: { name: 'a.pdf', content_type: 'application/pdf', size: 2048, file_hash: '', data: {} },
  created_at: 1,
  updated_at: 1,
  ...more,
});

describe('the files of a message', () => {
  it('are read as clients of Open WebUI write them', () => {
    const items = readItems([
      { type: 'image', url: 'p-1', name: 'cat.png' },
      { type: 'file', id: 'd-1', url: 'd-1', name: 'a.pdf', size: 12, file: { meta: { content_type: 'application/pdf' } } },
      { type: 'file', url: '/api/v1/files/p-2/content', name: 'b.png', content_type: 'image/png' },
      { type: 'image', url: 'data:image/png;base64,AAAA' },
    ]);

    expect(items.map(({ type, id, name, size }) => [type, id, name, size])).toEqual([
      ['image', 'p-1', 'cat.png', 0],
      ['file', 'd-1', 'a.pdf', 12],
      ['image', 'p-2', 'b.png', 0],
      ['image', '', 'Picture', 0],
    ]);
    expect(items.map((item) => addressOf(item))).toEqual([
      '/api/v1/files/p-1/content',
      '/api/v1/files/d-1/content',
      '/api/v1/files/p-2/content',
      'data:image/png;base64,AAAA',
    ]);
    expect(addressOf(items[1]!, true)).toBe('/api/v1/files/d-1/content?attachment=true');
  });

  it('are nothing where the message names what cannot be shown, or what would lead elsewhere', () => {
    expect(readItems(undefined)).toEqual([]);
    expect(
      readItems([
        null,
        7,
        { type: 'collection', id: 'k' },
        { type: 'image', url: 'https://evil.example/a.png' },
        { type: 'image', url: 'data:image/svg+xml;base64,AAAA' },
        { type: 'file', id: '../../auths/signout', name: 'x' },
        { type: 'file', url: 'javascript:alert(1)' },
        { type: 'image', url: '/api/v1/files/../users' },
      ]),
    ).toEqual([]);
    expect(readItems([{ type: 'image', url: 'a', thumbnail: 'https://evil.example/t.png' }])[0]!.thumbnail).toBe('');
  });

  it('are written back with what this client does not know of them', () => {
    const wire = { type: 'file', id: 'a', url: 'a', name: 'a.txt', collection_name: 'c', itemId: 'x' };

    expect(readItems([wire])[0]!.wire).toBe(wire);
  });

  it('are named by what the server answered', () => {
    const document = itemOf(uploaded(), false, '');
    const picture = itemOf(uploaded(), true, 'data:image/webp;base64,AA');

    expect(document.wire).toEqual({ type: 'file', id: 'f-1', url: 'f-1', name: 'a.pdf', size: 2048, content_type: 'application/pdf', status: 'uploaded' });
    expect(picture.wire).toMatchObject({ type: 'image', thumbnail: 'data:image/webp;base64,AA' });
    expect(readItems([picture.wire])).toEqual([picture]);
  });

  it('of the whole chat are its documents, each once', () => {
    const [a, p, b] = readItems([{ type: 'file', id: 'a' }, { type: 'image', url: 'p' }, { type: 'file', id: 'b' }]) as [never, never, never];

    expect(documentsOf([a, p], [b, a]).map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

it('a file whose text nobody will read is told from one that is being read', () => {
  expect(isUnread(uploaded())).toBe(true);
  expect(isUnread(uploaded({ data: { status: 'pending' } }))).toBe(false);
  expect(isUnread(uploaded({ data: { status: 'failed' } }))).toBe(true);
  expect(isUnread(uploaded({ data: { status: 'completed', content: 'x' } }))).toBe(false);
});

it('pictures go along with what was said', () => {
  const files = readItems([{ type: 'image', url: 'p' }, { type: 'file', id: 'a' }]);

  expect(saidWith('look', files)).toEqual([
    { type: 'text', text: 'look' },
    { type: 'image_url', image_url: { url: 'p' } },
  ]);
  expect(saidWith('look', readItems([{ type: 'file', id: 'a' }]))).toBe('look');
});

it('sizes are short', () => {
  expect([0, 1, 1023, 1024, 1536, 10_240, 1_048_576, 5_500_000_000].map(sizeText)).toEqual(['0 B', '1 B', '1023 B', '1 kB', '1.5 kB', '10 kB', '1 MB', '5.1 GB']);
});

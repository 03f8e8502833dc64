import { describe, expect, it, vi } from 'vitest';
import { ApiError, type UploadOptions } from '$/lib/api/http';
import type { UploadedFile } from '$/lib/api/types';
import { Attachments } from './attachments.svelte';
import { readItems, type FileItem } from './items';
import { limitsOf } from './limits';

const settled = () => new Promise((resolve) => setTimeout(resolve));
const reply = (name: string): UploadedFile => ({
  id: `id of ${name}`,
  user_id: 'u',
  filename: name,
  data: { status: 'completed' },
  meta: { name, content_type: 'text/plain', size: 1, file_hash: '', data: {} },
  created_at: 1,
  updated_at: 1,
});

/** A box at a server that answers when the test says so. */
function box(file: Record<string, unknown> = {}) {
  const sending: { name: string; options: UploadOptions; resolve: () => void; answer: (file: UploadedFile) => void; reject: (cause: Error) => void }[] = [];
  const server = {
    upload: vi.fn(
      ({ name }: File, options: UploadOptions) =>
        new Promise<UploadedFile>((resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(options.signal.reason));
          sending.push({ name, options, resolve: () => resolve(reply(name)), answer: resolve, reject });
        }),
    ),
    show: vi.fn(async (id: string) => reply(id)),
    status: vi.fn(async (_id: string) => ({ status: 'completed' })),
    delete: vi.fn(async () => null),
  };
  const attachments = new Attachments(server, () => limitsOf({ file }), async () => null);
  const keep = vi.fn<(items: readonly FileItem[]) => void>();
  attachments.begin([], keep);
  const states = () => attachments.items.map(({ name, state }) => `${name} ${state}`);
  return { sending, server, attachments, keep, states };
}
/** What the server says of a text, look by look. */
async function readings(...statuses: string[]) {
  vi.useFakeTimers();
  try {
    const { attachments, sending, server } = box();
    attachments.add([file('a.pdf')]);
    await vi.advanceTimersByTimeAsync(0);
    server.upload.mockClear();
    const pending = { ...reply('a.pdf'), data: { status: 'pending' } };
    for (const status of statuses) server.status.mockResolvedValueOnce({ status });
    sending[0]!.answer(pending);
    const seen: string[] = [];
    for (let i = 0; i <= statuses.length; i += 1) {
      await vi.advanceTimersByTimeAsync(i === 0 ? 0 : 700);
      seen.push(`${attachments.items[0]!.reading ? 'reading' : 'read'}${attachments.unread ? ', without text' : ''}`);
    }
    return seen;
  } finally {
    vi.useRealTimers();
  }
}
const file = (name: string, text = 'x') => new File([text], name);

describe('files in the box', () => {
  it('are sent three at a time, tell how far they are, and go with the question', async () => {
    const { sending, attachments, keep, states } = box();

    expect(attachments.add(['a', 'b', 'c', 'd'].map((name) => file(name)))).toBe('');
    await settled();
    expect(states()).toEqual(['a sending', 'b sending', 'c sending', 'd waiting']);
    sending[1]!.options.onprogress(0.5);
    expect(attachments.items[1]!.progress).toBe(0.5);
    sending[1]!.resolve();
    await settled();
    expect(states()).toEqual(['a sending', 'b sent', 'c sending', 'd sending']);
    expect(attachments.busy).toBe(true);
    for (const one of sending) one.resolve();
    await settled();
    expect([attachments.busy, attachments.failed, attachments.unread]).toEqual([false, false, true]);

    expect(attachments.take().map(({ id }) => id)).toEqual(['id of a', 'id of b', 'id of c', 'id of d']);
    expect(attachments.count).toBe(0);
    expect(keep.mock.calls.at(-1)).toEqual([[]]);
    expect(keep.mock.calls.at(-2)![0]).toHaveLength(4);
  });

  it('that the server would refuse are not sent, and those beyond the count are left out', async () => {
    const { server, attachments, states } = box({ max_size: 1, max_count: 2 });

    expect(attachments.add([file('large', 'x'.repeat(2 ** 20 + 1)), file('a'), file('b')])).toBe('2 files at most go with one message; 1 were left out.');
    await settled();

    expect(states()).toEqual(['large failed', 'a sending']);
    expect(attachments.items[0]).toMatchObject({ error: 'Too large: a file may have 1 MB.', retryable: false });
    expect(server.upload).toHaveBeenCalledTimes(1);
  });

  it('that failed say why and can be sent again, unless that would not help', async () => {
    const { sending, attachments, states } = box();
    attachments.add([file('a'), file('b')]);
    await settled();
    sending[0]!.reject(new ApiError(0, 'The server cannot be reached.'));
    sending[1]!.reject(new ApiError(413, 'Too large.'));
    await settled();

    expect(attachments.failed).toBe(true);
    expect(attachments.items.map(({ error, retryable }) => [error, retryable])).toEqual([
      ['The server cannot be reached.', true],
      ['Too large.', false],
    ]);
    attachments.retry(attachments.items[0]!);
    await settled();
    sending[2]!.resolve();
    await settled();
    expect(states()).toEqual(['a sent', 'b failed']);
  });

  it('that are removed are not sent further, and not kept by the server', async () => {
    const { sending, server, attachments, states } = box();
    attachments.add([file('a'), file('b')]);
    await settled();
    sending[0]!.resolve();
    await settled();
    const [first, second] = attachments.items;
    attachments.remove(first!);
    attachments.remove(second!);
    await settled();

    expect(states()).toEqual([]);
    expect(server.delete.mock.calls).toEqual([['id of a']]);
    expect(sending[1]!.options.signal.aborted).toBe(true);
  });

  it('of a draft are there again, but for those that are gone', async () => {
    const { server, attachments, keep, states } = box();
    server.show.mockImplementation(async (id) => {
      if (id === 'gone') throw new ApiError(404, 'Not found');
      return reply(id);
    });
    const kept = readItems([
      { type: 'file', id: 'there', name: 'there' },
      { type: 'file', id: 'gone', name: 'gone' },
    ]);
    attachments.begin(kept, keep);
    expect(states()).toEqual(['there sent', 'gone sent']);
    await settled();

    expect(states()).toEqual(['there sent']);
    expect(keep.mock.calls).toEqual([[[kept[0]]]]);
    expect(attachments.unread).toBe(true);
  });

  it('on their way stay behind when another chat is opened', async () => {
    const { sending, attachments, keep, states } = box();
    attachments.add([file('a')]);
    await settled();
    attachments.begin([], keep);
    await settled();

    expect(states()).toEqual([]);
    expect(sending[0]!.options.signal.aborted).toBe(true);
    expect(keep).not.toHaveBeenCalled();
  });

  it('follow their text until it is there, or cannot be read', async () => {
    expect(await readings('pending', 'completed')).toEqual(['reading', 'reading', 'read']);
    expect(await readings('failed')).toEqual(['reading', 'read, without text']);
  });
});

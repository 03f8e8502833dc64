// @vitest-environment jsdom
import { describe, expect, it, vi } from 'vitest';
import type { SessionUser } from '$/lib/api/types';
import type { Live } from '$/lib/live/live.svelte';
import type { ChatsApi } from '$/features/chats/api';
import { OpenChat } from '$/features/chats/open_chat.svelte';
import type { CompletionsApi } from './api';
import { Turns } from './turns.svelte';

const soon = () => new Promise((resolve) => setTimeout(resolve));

function later<T>() {
  let resolve!: (value: T) => void;
  let reject!: (cause: Error) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** A page whose socket stands, and whose server takes the question, when the test says so. */
function page() {
  const connected = later<string>();
  const taken = later<{ chat_id: string }>();
  const api = { start: vi.fn(() => taken.promise), stop: vi.fn(() => Promise.resolve()) };
  const chats = {} as ChatsApi;
  const open = new OpenChat(chats);
  const live = { sessionId: () => connected.promise } as unknown as Live;
  const speaker = () => ({ user: { id: 'u', name: 'U', email: 'u@x.io' } as SessionUser, system: '', params: {} });
  const onNamed = vi.fn();
  const turns = new Turns(open, api as unknown as CompletionsApi, chats, live, speaker, onNamed);
  return { api, open, turns, connected, taken, onNamed };
}

describe('stop, pressed', () => {
  it('before the question is taken, waits for that and then stops it', async () => {
    const { api, turns, connected, taken } = page();
    const asked = turns.ask('hello', ['m']);
    const stopped = turns.stop();
    await soon();
    expect(api.stop, 'there is nothing to stop before the socket stands').not.toHaveBeenCalled();
    connected.resolve('s');
    await soon();
    expect(api.start).toHaveBeenCalledOnce();
    expect(api.stop, 'nor before the server has the question').not.toHaveBeenCalled();
    taken.resolve({ chat_id: 'c' });
    await Promise.all([asked, stopped]);
    expect(api.stop).toHaveBeenCalledExactlyOnceWith('c');
    expect(turns.stopping).toBe(false);
  });

  it('and the reader gone elsewhere: it stops what it was pressed for', async () => {
    const { api, open, turns, connected, taken, onNamed } = page();
    void turns.ask('hello', ['m']);
    const stopped = turns.stop();
    open.startNew();
    open.named('another');
    connected.resolve('s');
    taken.resolve({ chat_id: 'c' });
    await stopped;
    expect(api.stop).toHaveBeenCalledExactlyOnceWith('c');
    expect(onNamed).not.toHaveBeenCalled();
  });

  it('for a question that the server did not take: nothing is asked of the server', async () => {
    const { api, open, turns, connected, taken } = page();
    void turns.ask('hello', ['m']);
    const stopped = turns.stop();
    connected.resolve('s');
    taken.reject(new Error('no such model'));
    await stopped;
    expect(api.stop).not.toHaveBeenCalled();
    expect(open.branch.at(-1)?.error).toEqual({ content: 'no such model' });
  });
});

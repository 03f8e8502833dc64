// @vitest-environment jsdom
import { describe, expect, it, vi } from 'vitest';
import type { ChatBranch, Message, Place } from '$/lib/api/types';
import type { Envelope, LiveEvent } from '$/lib/live/events';
import type { ChatsApi } from './api';
import { OpenChat, pageSize } from './open_chat.svelte';

const question: Message = { id: 'q', parentId: null, role: 'user', content: 'hi' };
const answer = (text: string, done: boolean): Message => ({
  id: 'a',
  parentId: 'q',
  role: 'assistant',
  content: '',
  done,
  output: text ? [{ type: 'message', id: 'm', content: [{ type: 'output_text', text }] }] : [],
});

type Branch = ChatBranch['branch'];

function chatWith(...messages: Message[]): ChatBranch {
  return chatOf({ messages });
}
function chatOf({ messages = [], ...more }: Partial<Branch>): ChatBranch {
  const branch = { messages, beside: [], places: {}, leaf: messages.at(-1)?.id ?? '', complete: true, ...more };
  return { id: 'c', user_id: 'u', title: 'T', chat: {}, updated_at: 1, created_at: 1, archived: false, pinned: false, meta: {}, variables: {}, branch };
}
const user = (id: string, parentId: string | null = null): Message => ({ id, parentId, role: 'user', content: id });
const said = (id: string, parentId: string, modelIdx = 0): Message => ({ id, parentId, role: 'assistant', content: id, done: true, modelIdx });
const place = (index: number, count: number, previous: string | null, next: string | null): Place => ({ index, count, previous, next });

/** A server whose replies arrive when the test says so. */
function server() {
  const waiting: { resolve: (chat: ChatBranch) => void; reject: (cause: Error) => void }[] = [];
  const later = () => new Promise<ChatBranch>((resolve, reject) => waiting.push({ resolve, reject }));
  const api = { branch: vi.fn(later), goTo: vi.fn(later), saveMessage: vi.fn() };
  const settled = () => new Promise((resolve) => setTimeout(resolve));
  const reply = async (chat: ChatBranch, index = 0) => {
    waiting.splice(index, 1)[0]!.resolve(chat);
    await settled();
  };
  const refuse = async () => {
    waiting.splice(0, 1)[0]!.reject(new Error('refused'));
    await settled();
  };
  return { api, open: new OpenChat(api as unknown as ChatsApi), reply, refuse, waiting };
}
const shown = (open: OpenChat) => open.branch.map((message) => message.id);

const say = (text: string): Envelope => deliver({ type: 'output', event: { type: 'response.output_text.delta', output_index: 0, item_id: 'm', delta: text } });
const deliver = (event: LiveEvent, messageId: string | null = 'a'): Envelope => ({ chatId: 'c', messageId, event });

describe('OpenChat', () => {
  it('joins what was fetched with what arrived meanwhile, every word once', async () => {
    const { open, reply } = server();
    void open.load('c');

    open.receive(say('two '));
    open.receive(say('three '));
    await reply(chatWith(question, answer('one two ', false)));
    open.receive(say('four'));

    expect(open.message('a')!.text).toBe('one two three four');
  });

  it('keeps two readings of the same chat apart', async () => {
    const { open, reply } = server();
    void open.load('c');
    open.receive(say('b'));
    void open.resync();
    open.receive(say('c'));

    await reply(chatWith(question, answer('a', false)));
    expect(open.message('a')!.text).toBe('abc');
    open.receive(say('d'));
    await reply(chatWith(question, answer('ab', false)));

    expect(open.message('a')!.text).toBe('abcd');
  });

  it('reads the chat once more when it began to listen while the chat was being read, if something is being written', async () => {
    for (const done of [true, false]) {
      const { api, open, reply } = server();
      void open.load('c');
      void open.catchUp();
      await reply(chatWith(question, answer('a', done)));
      expect(api.branch).toHaveBeenCalledTimes(done ? 1 : 2);
    }
  });

  it('forgets a reply that comes after another chat was opened', async () => {
    const { open, reply } = server();
    void open.load('c');
    open.startNew();

    await reply(chatWith(question, answer('x', true)));

    expect(open.id).toBeNull();
    expect(open.empty).toBe(true);
  });

  it('is not for deliveries of other chats, but knows its own before it has an id', () => {
    const { open } = server();
    open.startNew();
    open.add(question);

    expect(open.concerns({ chatId: 'x', messageId: 'q', event: { type: 'reload' } })).toBe(true);
    open.named('c');
    expect(open.concerns({ chatId: 'x', messageId: 'q', event: { type: 'reload' } })).toBe(false);
    expect(open.concerns({ chatId: 'c', messageId: null, event: { type: 'reload' } })).toBe(true);
  });

  it('takes the snapshot at the end for the truth', async () => {
    const { open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('on', false)));
    open.receive(say('xx'));

    open.receive(deliver({ type: 'answer', state: { output: answer('once', true).output!, done: true } }));

    expect(open.message('a')!.text).toBe('once');
    expect(open.answering).toBe(false);
  });

  it('keeps a question that the server has not confirmed when the chat is read again', async () => {
    const { open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('a', true)));
    open.add({ id: 'q2', parentId: 'a', role: 'user', content: 'next' }).unsent = true;
    open.moveTo('q2');

    void open.resync();
    await reply(chatWith(question, answer('a', true)));

    expect(open.branch.map((message) => message.id)).toEqual(['q', 'a', 'q2']);
  });

  it('follows another page that went on, and asks for its own branch', async () => {
    const { api, open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('a', true)));

    void open.resync();
    await reply(chatWith(question, answer('a', true), user('q2', 'a')));

    expect(open.currentId).toBe('q2');
    expect(api.branch.mock.calls).toEqual([
      ['c', { limit: pageSize }],
      ['c', { leaf: 'a', limit: pageSize }],
    ]);
  });

  it('goes where the server is when its own place is gone', async () => {
    const { open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('a', true), user('q2', 'a')));

    void open.resync();
    await reply(chatWith(question, answer('a', true)));

    expect(shown(open)).toEqual(['q', 'a']);
    expect(open.message('q2')).toBeUndefined();
  });

  it('reads a message that was written before its eyes once more before it stores it', async () => {
    const { api, open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('a', false)));
    open.receive(deliver({ type: 'answer', state: { done: true } }));

    const saved = open.save(open.message('a')!, () => (open.message('a')!.annotation = { rating: 1 }));
    await reply(chatWith(question, { ...answer('a', true), usage: { total_tokens: 5 } }));
    await saved;

    expect(api.saveMessage).toHaveBeenCalledWith('c', expect.objectContaining({ usage: { total_tokens: 5 }, annotation: { rating: 1 } }), 'a');
  });

  describe('with other branches', () => {
    async function opened() {
      const it = server();
      void it.open.load('c');
      await it.reply(chatOf({ messages: [user('q'), said('a3', 'q')], places: { a3: place(2, 9, 'a2', 'a4') } }));
      return it;
    }

    it('goes to one that was never read, and the server remembers it', async () => {
      const { api, open, reply } = await opened();

      const going = open.choose('a4');
      expect(shown(open)).toEqual(['q', 'a3']);
      await reply(chatOf({ messages: [user('q'), said('a4', 'q'), user('q2', 'a4')], places: { a4: place(3, 9, 'a3', 'a5') } }));
      await going;

      expect(api.goTo).toHaveBeenCalledWith('c', 'a4', pageSize);
      expect(shown(open)).toEqual(['q', 'a4', 'q2']);
      expect(open.message('a4')!.place).toEqual(place(3, 9, 'a3', 'a5'));
      expect(open.message('a3')).toBeUndefined();
    });

    it('ends at the last of two choices, whatever arrives in between or after', async () => {
      const { api, open, reply } = await opened();
      void open.choose('a2');
      void open.choose('a4');
      void open.resync();

      await reply(chatWith(user('q'), said('a4', 'q')), 1);
      expect(shown(open)).toEqual(['q', 'a4']);
      await reply(chatWith(user('q'), said('a2', 'q')), 0);
      expect(shown(open)).toEqual(['q', 'a4']);
      expect(api.branch).toHaveBeenLastCalledWith('c', { leaf: 'a4', limit: pageSize });
    });

    it('goes far down where the chosen message is further up than what is read', async () => {
      const { open, reply } = await opened();
      void open.choose('a4');

      await reply(chatOf({ messages: [user('q99', 'a98'), said('a99', 'q99')], complete: false }));

      expect(shown(open)).toEqual(['q99', 'a99']);
      expect(open.complete).toBe(false);
    });

    it('is not brought back by a reading that began before the choice', async () => {
      const { api, open, reply, waiting } = await opened();
      void open.resync();
      void open.choose('a4');
      await reply(chatWith(user('q'), said('a4', 'q'), user('q2', 'a4')), 1);

      await reply(chatWith(user('q'), said('a3', 'q')));

      expect(shown(open)).toEqual(['q', 'a4', 'q2']);
      expect(waiting.length).toBe(1);
      expect(api.branch).toHaveBeenLastCalledWith('c', { leaf: 'q2', limit: pageSize });
    });

    it('stays where it is when the server does not let it go there', async () => {
      const { open, reply, refuse } = await opened();
      const going = open.choose('gone');
      await Promise.all([expect(going).rejects.toThrow('refused'), refuse()]);

      void open.resync();
      await reply(chatWith(user('q'), said('a3', 'q'), user('q2', 'a3')));

      expect(shown(open)).toEqual(['q', 'a3', 'q2']);
    });

    it('puts what was said here after its alternatives, and the reader may go back', async () => {
      const { api, open, reply } = await opened();
      open.add({ ...said('new', 'q'), done: false }).unsent = true;
      open.moveTo('new');
      const last = place(9, 10, 'a3', null);
      expect([open.message('new')!.place, open.message('a3')!.place]).toEqual([last, place(2, 10, 'a2', 'a4')]);

      void open.resync();
      expect(api.branch).toHaveBeenLastCalledWith('c', { leaf: 'q', limit: pageSize });
      await reply(chatOf({ messages: [user('q'), said('a9', 'q')], places: { a9: place(8, 9, 'a8', null) } }));
      expect(shown(open)).toEqual(['q', 'new']);
      expect([open.message('new')!.place, open.message('a9')!.place]).toEqual([place(9, 10, 'a9', null), place(8, 10, 'a8', 'new')]);

      void open.choose('a9');
      await reply(chatOf({ messages: [user('q'), said('a9', 'q')], places: { a9: place(8, 9, 'a8', null) } }));
      expect(shown(open)).toEqual(['q', 'a9']);
      await open.choose('new');
      expect(shown(open)).toEqual(['q', 'new']);
      expect(api.goTo).toHaveBeenCalledTimes(1);
    });

    it('walks those of a temporary chat without the server', async () => {
      const { api, open } = server();
      open.startNew(null, true);
      for (const message of [user('q'), said('a1', 'q'), user('q2', 'a1'), said('a2', 'q')]) open.add(message);
      open.moveTo('a2');
      open.named('temporary:s');

      await open.choose(open.message('a2')!.place.previous!);

      expect(shown(open)).toEqual(['q', 'a1', 'q2']);
      expect(open.message('a1')!.place).toEqual(place(0, 2, null, 'a2'));
      expect(api.goTo).not.toHaveBeenCalled();
    });
  });

  it('shows the newest answers of the other models, and an answer being written elsewhere', async () => {
    const { open, reply } = server();
    void open.load('c');

    await reply(chatOf({ messages: [user('q'), said('x', 'q', 0), user('q2', 'x')], beside: [said('y', 'q', 1), { ...said('z', 'gone'), done: false }] }));

    expect(open.sideBySide('q').map((message) => message.id)).toEqual(['x', 'y']);
    expect(shown(open)).toEqual(['q', 'x', 'q2']);
    expect(open.answering).toBe(true);
  });

  describe('of many messages', () => {
    const page = (from: number, to: number, more: Partial<Branch> = {}) =>
      chatOf({ messages: Array.from({ length: to - from }, (_, i) => user(`m${from + i}`, from + i ? `m${from + i - 1}` : null)), complete: from === 0, ...more });
    async function opened() {
      const it = server();
      void it.open.load('c');
      await it.reply(page(70, 120));
      return it;
    }

    it('reads the pages before one by one, up to the first message', async () => {
      const { api, open, reply } = await opened();
      expect(open.complete).toBe(false);

      void open.loadEarlier();
      void open.loadEarlier();
      expect(open.loadingEarlier).toBe(true);
      await reply(page(20, 70, { beside: [{ ...said('s', 'm30', 1), done: true }] }));
      expect([open.branch.length, open.complete, open.loadingEarlier]).toEqual([100, false, false]);
      void open.loadEarlier();
      await reply(page(0, 20));

      expect(api.branch.mock.calls.slice(1)).toEqual([
        ['c', { until: 'm69', limit: pageSize }],
        ['c', { until: 'm19', limit: pageSize }],
      ]);
      expect([open.branch.length, open.complete]).toEqual([120, true]);
      await open.loadEarlier();
      expect(api.branch).toHaveBeenCalledTimes(3);
    });

    it('keeps them when the end of the branch is read again', async () => {
      const { api, open, reply } = await opened();
      void open.loadEarlier();
      await reply(page(20, 70, { beside: [said('s', 'm30', 1)] }));

      void open.resync();
      expect(api.branch).toHaveBeenLastCalledWith('c', { leaf: 'm119', limit: 100 });
      await reply(page(72, 122));

      expect([open.branch[0]!.id, open.branch.length, open.complete]).toEqual(['m20', 102, false]);
      expect(open.message('s')).toBeDefined();
    });

    it('follows another page that went on, however far', async () => {
      for (const to of [170, 300]) {
        const { open, reply } = await opened();
        void open.resync();

        await reply(page(to - 50, to));

        expect([open.currentId, open.branch.length]).toEqual([`m${to - 1}`, to === 170 ? 100 : 50]);
      }
    });

    it('ends where the history is broken, and after a failure may try again', async () => {
      const { open, reply, refuse } = await opened();
      const failing = open.loadEarlier();
      await Promise.all([expect(failing).rejects.toThrow('refused'), refuse()]);
      expect([open.complete, open.loadingEarlier]).toEqual([false, false]);

      void open.loadEarlier();
      await reply(chatOf({ messages: [], complete: true }));

      expect([open.branch.length, open.complete]).toEqual([50, true]);
    });

    it('leaves them behind with the chat', async () => {
      const { open, reply } = await opened();
      void open.loadEarlier();
      void open.load('d');

      await reply(page(20, 70));
      await reply(chatWith(question));

      expect(shown(open)).toEqual(['q']);
      expect([open.complete, open.loadingEarlier]).toEqual([true, false]);
    });
  });
});

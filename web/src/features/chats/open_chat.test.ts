// @vitest-environment jsdom
import { describe, expect, it, vi } from 'vitest';
import type { Chat, Message } from '$/lib/api/types';
import type { Envelope, LiveEvent } from '$/lib/live/events';
import type { ChatsApi } from './api';
import { OpenChat } from './open_chat.svelte';

const question: Message = { id: 'q', parentId: null, childrenIds: ['a'], role: 'user', content: 'hi' };
const answer = (text: string, done: boolean): Message => ({
  id: 'a',
  parentId: 'q',
  childrenIds: [],
  role: 'assistant',
  content: '',
  done,
  output: text ? [{ type: 'message', id: 'm', content: [{ type: 'output_text', text }] }] : [],
});

function chatWith(...messages: Message[]): Chat {
  const history = { currentId: messages.at(-1)!.id, messages: Object.fromEntries(messages.map((message) => [message.id, message])) };
  return { id: 'c', user_id: 'u', title: 'T', chat: { history }, updated_at: 1, created_at: 1, archived: false };
}

/** A server whose replies arrive when the test says so. */
function server() {
  const waiting: ((chat: Chat) => void)[] = [];
  const api = { get: vi.fn(() => new Promise<Chat>((resolve) => waiting.push(resolve))), choose: vi.fn(), saveMessage: vi.fn() };
  const reply = async (chat: Chat, index = 0) => {
    waiting.splice(index, 1)[0]!(chat);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { api, open: new OpenChat(api as unknown as ChatsApi), reply };
}

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
    open.add({ ...question, childrenIds: [] });

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
    open.add({ id: 'q2', parentId: 'a', childrenIds: [], role: 'user', content: 'next' }).unsent = true;
    open.moveTo('q2');

    void open.resync();
    await reply(chatWith(question, answer('a', true)));

    expect(open.branch.map((message) => message.id)).toEqual(['q', 'a', 'q2']);
  });

  it('follows another page that went on, and stays when it went elsewhere', async () => {
    const { open, reply } = server();
    void open.load('c');
    await reply(chatWith(question, answer('a', true)));
    const next: Message = { id: 'q2', parentId: 'a', childrenIds: [], role: 'user', content: 'next' };
    void open.resync();
    await reply(chatWith(question, { ...answer('a', true), childrenIds: ['q2'] }, next));
    expect(open.currentId).toBe('q2');

    const other: Message = { id: 'z', parentId: null, childrenIds: [], role: 'user', content: 'elsewhere' };
    void open.resync();
    await reply(chatWith(question, { ...answer('a', true), childrenIds: ['q2'] }, next, other));

    expect(open.currentId).toBe('q2');
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
});

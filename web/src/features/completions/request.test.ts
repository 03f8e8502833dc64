import { describe, expect, it } from 'vitest';
import type { Message } from '$/lib/api/types';
import { buildRequest, isTemporary, type Turn } from './request';

const question: Message = { id: 'q', parentId: null, childrenIds: ['a', 'b'], role: 'user', content: 'hi', models: ['x', 'y'] };
const answer = (id: string, model: string, modelIdx: number): Message => ({ id, parentId: 'q', childrenIds: [], role: 'assistant', content: '', model, modelIdx });
const turn: Turn = {
  chatId: null,
  folderId: 'f',
  question,
  answers: [answer('a', 'x', 0), answer('b', 'y', 1)],
  history: null,
  documents: [],
  system: ' ',
  params: { temperature: 0 },
  continued: false,
  sessionId: 's',
  user: { name: 'Ada', email: 'ada@example.org' },
  language: 'en',
};
const now = new Date(2026, 0, 5, 7, 8, 9);

describe('buildRequest', () => {
  it('asks for a new chat: no id, no parent, all models, a title', () => {
    const request = buildRequest(turn, now);

    expect(request).toMatchObject({
      stream: true,
      parent_id: null,
      session_id: 's',
      folder_id: 'f',
      model: 'x',
      message_ids: [
        { model_id: 'x', message_id: 'a', modelIdx: 0 },
        { model_id: 'y', message_id: 'b', modelIdx: 1 },
      ],
      background_tasks: { title_generation: true, tags_generation: true, follow_up_generation: true },
    });
    expect(request).not.toHaveProperty('chat_id');
    expect(request).not.toHaveProperty('messages');
    expect(request.variables?.['{{CURRENT_DATETIME}}']).toBe('2026-01-05 07:08:09');
  });

  it('lets the server rebuild the conversation of a saved chat, and sends only the system prompt', () => {
    const request = buildRequest({ ...turn, chatId: 'c', system: 'Be brief.', question: { ...question, parentId: 'p' } }, now);

    expect(request.messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
    expect(request.chat_id).toBe('c');
    expect(request).not.toHaveProperty('folder_id');
    expect(request.background_tasks).toEqual({ follow_up_generation: true });
  });

  it('tells the whole conversation of a temporary chat, and wants no title for it', () => {
    const request = buildRequest({ ...turn, chatId: 'temporary:s', history: [question] }, now);

    expect(request.messages).toEqual([{ role: 'user', content: 'hi' }]);
    expect(request.background_tasks).toEqual({ follow_up_generation: true });
    expect([isTemporary('temporary:s'), isTemporary('c'), isTemporary(null)]).toEqual([true, false, false]);
  });

  it('names the answer to write on', () => {
    expect(buildRequest({ ...turn, continued: true }, now).assistant_message_id).toBe('a');
    expect(buildRequest(turn, now)).not.toHaveProperty('assistant_message_id');
  });
});

import { describe, expect, it } from 'vitest';
import { fileName } from './export';
import { readChats } from './import';

const history = { currentId: 'a', messages: { a: { id: 'a' } } };

describe('readChats', () => {
  it('takes what was exported, one chat or many, with what belongs to them', () => {
    const exported = { id: 'x', user_id: 'u', title: 'T', archived: true, created_at: 5, chat: { history } };

    expect(readChats(JSON.stringify([exported]))).toEqual([{ archived: true, created_at: 5, chat: { history, title: 'T' } }]);
    expect(readChats(JSON.stringify({ title: 'bare', history }))).toEqual([{ chat: { history, title: 'bare' } }]);
  });

  it.each(['', 'no json', '[]', '{}', '[{"chat":{}}]', '[{"chat":{"history":{"messages":{}}}}, 3]'])('refuses %j', (text) => {
    expect(readChats(text)).toBeNull();
  });
});

describe('fileName', () => {
  it('is safe on every system and never empty', () => {
    expect(fileName('a/b\\c: "d"? <e>')).toBe('a b c d e');
    expect(fileName('../..')).toBe('chat');
    expect(fileName('Übung 3')).toBe('Übung 3');
  });
});

// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { contentText } from './content';
import { ChatMessage } from './message.svelte';

const parts = [{ type: 'text', text: 'Look:' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }, { type: 'text', text: 'a cat' }];

describe('the content of a message', () => {
  it('may be a text, or parts', () => {
    expect(contentText('hi')).toBe('hi');
    expect(contentText(parts)).toBe('Look:\na cat');
    expect([undefined, null, 7, {}].map(contentText)).toEqual(['', '', '', '']);
  });

  it('is shown as words, and written back with the parts it came with', () => {
    const message = new ChatMessage({ id: 'q', parentId: null, role: 'user', content: parts });

    expect(message.text).toBe('Look:\na cat');
    expect(message.toWire().content).toEqual(parts);

    message.content = 'changed';
    expect(message.toWire().content).toBe('changed');
  });
});

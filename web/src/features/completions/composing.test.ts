import { describe, expect, it, vi } from 'vitest';
import type { FileItem } from '$/features/files/items';
import { Composing } from './composing.svelte';

function box() {
  const chat = { answering: false };
  const models = { chosen: [] as string[], settled: false, failed: false };
  const attached = { count: 0, busy: false, failed: false, take: () => [] as FileItem[] };
  const ask = vi.fn();
  return { chat, models, attached, ask, composing: new Composing(chat, models, attached, ask) };
}

describe('a question in the box', () => {
  it('goes to the chosen models at once, and leaves the box', () => {
    const { models, ask, composing } = box();
    models.chosen = ['m'];
    composing.text = ' hi \n';

    composing.send();

    expect(ask.mock.calls).toEqual([['hi', ['m'], []]]);
    expect([composing.text, composing.held]).toEqual(['', false]);
  });

  it('is held while no model is known, says what it waits for, and goes out once', () => {
    const { models, ask, composing } = box();
    composing.text = 'hi';

    composing.send();
    composing.release();
    expect([composing.text, composing.waitsFor]).toEqual(['hi', 'models']);
    models.failed = true;
    expect(composing.waitsFor).toBe('retry');
    models.settled = true;
    expect(composing.waitsFor).toBe('connection');
    expect(ask).not.toHaveBeenCalled();

    models.chosen = ['m'];
    composing.release();
    composing.release();
    expect(ask.mock.calls).toEqual([['hi', ['m'], []]]);
    expect([composing.text, composing.waitsFor]).toEqual(['', '']);
  });

  it('is not held any more when it is written on, or another chat is opened', () => {
    const { models, ask, composing } = box();
    composing.text = 'hi';
    composing.send();
    composing.typed();
    models.chosen = ['m'];
    composing.release();
    models.chosen = [];
    composing.send();
    composing.begin('draft of another chat');
    models.chosen = ['m'];
    composing.release();

    expect(ask).not.toHaveBeenCalled();
    expect(composing.text).toBe('draft of another chat');
  });

  it('waits for its files, goes out with them, and not without one that failed', () => {
    const { models, attached, ask, composing } = box();
    models.chosen = ['m'];
    composing.text = 'hi';
    attached.count = 1;
    attached.busy = true;

    composing.send();
    expect([composing.waitsFor, ask.mock.calls.length]).toEqual(['files', 0]);
    attached.busy = false;
    attached.failed = true;
    composing.release();
    expect(ask).not.toHaveBeenCalled();
    attached.failed = false;
    const file = { id: 'f' } as FileItem;
    attached.take = () => [file];
    composing.release();

    expect(ask.mock.calls).toEqual([['hi', ['m'], [file]]]);
  });

  it('may be files alone', () => {
    const { models, attached, ask, composing } = box();
    models.chosen = ['m'];
    expect(composing.maySend).toBe(false);
    attached.count = 1;
    composing.send();

    expect(ask).toHaveBeenCalledWith('', ['m'], []);
  });

  it('waits for the answer that is being written, and is nothing when empty', () => {
    const { chat, models, ask, composing } = box();
    models.chosen = ['m'];
    composing.text = '  ';
    composing.send();
    composing.text = 'hi';
    chat.answering = true;
    composing.send();

    expect(ask).not.toHaveBeenCalled();
    expect(composing.text).toBe('hi');
  });
});

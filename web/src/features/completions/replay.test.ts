import { describe, expect, it } from 'vitest';
import type { OutputEvent } from '$/lib/live/output_event';
import { outputText } from './output';
import { overlap, replayOver } from './replay';

const delta = (text: string): OutputEvent => ({ type: 'response.output_text.delta', output_index: 0, item_id: 'm', delta: text });
const fetched = (text: string) => [{ type: 'message', id: 'm', content: [{ type: 'output_text', text }] }];

describe('overlap', () => {
  it('finds the longest common seam', () => {
    expect([overlap('one two', 'two three'), overlap('abc', 'xyz'), overlap('aaa', 'aa'), overlap('', 'x')]).toEqual([3, 0, 2, 0]);
  });
});

describe('replayOver', () => {
  const whole = 'The quick brown fox jumps over the lazy dog.';

  it('gives every token once wherever the fetched text ended and the deltas began', () => {
    for (let begin = 0; begin < whole.length; begin++) {
      for (let end = begin; end <= whole.length; end++) {
        const deltas = [...whole.slice(begin)].map(delta);
        expect(outputText(replayOver(fetched(whole.slice(0, end)), deltas))).toBe(whole);
      }
    }
  });

  it('adds items that came after the fetched ones', () => {
    const output = replayOver(fetched('done'), [
      delta('ne'),
      { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', id: 'f', call_id: 'c', name: 'time', arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'f', delta: '{}' },
    ]);

    expect(outputText(output)).toBe('done');
    expect(output[1]).toMatchObject({ name: 'time', arguments: '{}' });
  });
});

import { describe, expect, it } from 'vitest';
import type { OutputItem } from '$/lib/api/types';
import { parseOutputEvent, type OutputEvent } from '$/lib/live/output_event';
import { applyOutputEvent, outputText } from './output';
import { answerParts } from './parts';

const run = (events: OutputEvent[], from: OutputItem[] = []) => events.reduce<OutputItem[]>(applyOutputEvent, from);
const text = (output_index: number, delta: string, item_id?: string): OutputEvent => ({
  type: 'response.output_text.delta',
  output_index,
  delta,
  ...(item_id ? { item_id } : {}),
});

describe('applyOutputEvent', () => {
  it('makes the message item that the server never announces', () => {
    const output = run([text(0, 'Hel', 'm1'), text(0, 'lo', 'm1')]);

    expect(output).toHaveLength(1);
    expect(output[0]).toMatchObject({ type: 'message', id: 'm1', content: [{ text: 'Hello' }] });
  });

  it('follows reasoning, text and a tool round through their indexes', () => {
    const output = run([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'r1', status: 'in_progress', started_at: 5 } },
      { type: 'response.reasoning_text.delta', output_index: 0, item_id: 'r1', delta: 'hmm' },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { type: 'reasoning', id: 'r1', status: 'completed', content: [{ type: 'output_text', text: 'hmm' }], duration: 2 },
      },
      { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', id: 'f1', call_id: 'c1', name: 'time', arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'f1', delta: '{"zone":' },
      { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'f1', delta: '"UTC"}' },
      { type: 'response.output_item.done', output_index: 2, item: { type: 'function_call_output', id: 'o1', call_id: 'c1', output: [{ type: 'input_text', text: '12:00' }] } },
      text(3, 'Noon.', 'm2'),
    ]);

    expect(output.map((item) => item.type)).toEqual(['reasoning', 'function_call', 'function_call_output', 'message']);
    expect(output[1]!.arguments).toBe('{"zone":"UTC"}');
    expect(outputText(output)).toBe('Noon.');
    expect(answerParts(output, '', true)).toMatchObject([
      { kind: 'reasoning', text: 'hmm', seconds: 2, running: false },
      { kind: 'tool', name: 'time', result: '12:00', state: 'done' },
      { kind: 'text', text: 'Noon.' },
    ]);
  });

  it('finds an item by its id even when the index moved', () => {
    const output = run([text(0, 'a', 'm1'), text(4, 'b', 'm1')]);

    expect(output).toHaveLength(1);
    expect(outputText(output)).toBe('ab');
  });

  it('keeps unchanged items identical, so that they are not drawn again', () => {
    const before = run([text(0, 'a', 'm1'), text(1, 'b', 'm2')]);

    const after = applyOutputEvent(before, text(1, 'c', 'm2'));

    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    expect(before[1]!.content![0]!.text).toBe('b');
  });

  it('does not glue text onto an item of another kind in the same place', () => {
    const output = run([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'r1' } },
      text(0, 'answer'),
    ]);

    expect(output[0]!.type).toBe('message');
  });
});

describe('parseOutputEvent', () => {
  it.each([
    null,
    'text',
    { choices: [{ delta: { role: 'assistant' } }] },
    { type: 'execute', output_index: 0, item: { type: 'message' } },
    { type: 'response.output_text.delta', output_index: 1e9, delta: 'x' },
    { type: 'response.output_text.delta', output_index: -1, delta: 'x' },
    { type: 'response.output_text.delta', output_index: 0, delta: { x: 1 } },
    { type: 'response.output_item.done', output_index: 0, item: 'x' },
  ])('drops %j', (data) => {
    expect(parseOutputEvent(data)).toBeNull();
  });
});

describe('answerParts', () => {
  it('shows the content of an answer without output', () => {
    expect(answerParts(undefined, 'plain', true)).toEqual([{ kind: 'text', key: 'content', text: 'plain' }]);
  });

  it('says that reasoning runs, and that a call without result in a finished answer failed', () => {
    const output: OutputItem[] = [
      { type: 'reasoning', status: 'in_progress', started_at: 1 },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":' },
    ];

    expect(answerParts(output, '', false)).toMatchObject([{ kind: 'reasoning', running: true }, { kind: 'tool', state: 'running', input: '{"a":' }]);
    expect(answerParts(output, '', true)).toMatchObject([{ kind: 'tool', state: 'failed' }]);
  });
});

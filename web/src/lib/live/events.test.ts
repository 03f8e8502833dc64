import { describe, expect, it } from 'vitest';
import { parseEnvelope } from './events';

const envelope = (type: string, data: unknown) => parseEnvelope({ chat_id: 'c', message_id: 'm', data: { type, data } });

describe('parseEnvelope', () => {
  it('reads deltas, snapshots and titles', () => {
    expect(envelope('response:completion', { type: 'response.output_text.delta', output_index: 0, delta: 'x' })?.event.type).toBe('output');
    expect(envelope('chat:completion', { done: true, output: [{ type: 'message' }, 'junk'] })?.event).toEqual({
      type: 'answer',
      state: { done: true, output: [{ type: 'message' }] },
    });
    expect(envelope('chat:title', 'A title')?.event).toEqual({ type: 'title', title: 'A title' });
  });

  // Row 31: nothing that arrives from a provider may run code, open frames or claim to be a dialog.
  it.each(['execute', 'execute:python', 'execute:tool', 'embeds', 'chat:message:embeds', 'confirmation', 'input', 'terminal:run_command', '__proto__'])(
    'drops %s',
    (type) => {
      expect(envelope(type, { code: 'window.__xss=1', content: 'x' })).toBeNull();
    },
  );

  it.each([null, 1, [], {}, { data: {} }, { data: { type: 7 } }])('drops %j', (raw) => {
    expect(parseEnvelope(raw)).toBeNull();
  });

  it('ignores the raw role chunk of a provider', () => {
    expect(envelope('response:completion', { id: 'chatcmpl', choices: [] })).toBeNull();
  });

  it('keeps a notification short', () => {
    const event = envelope('notification', { type: 'error', content: 'x'.repeat(9999) })?.event;

    expect(event).toMatchObject({ type: 'notification', kind: 'error' });
    expect((event as { text: string }).text).toHaveLength(500);
  });

  it('knows the end of a stopped answer with and without output', () => {
    expect(envelope('chat:tasks:cancel', { output: [{ type: 'message' }] })?.event).toMatchObject({ output: [{ type: 'message' }] });
    expect(envelope('chat:tasks:cancel', undefined)?.event).toEqual({ type: 'stopped', output: null });
  });
});

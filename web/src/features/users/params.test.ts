import { describe, expect, it } from 'vitest';
import { paramFields, readParams, writeParam } from './params';

const field = (name: string) => paramFields.find((candidate) => candidate.name === name)!;

describe('paramFields', () => {
  it('says what is wrong with a number', () => {
    const { check } = field('temperature');

    expect([check(''), check('0.7'), check('3'), check('warm'), check('-1')]).toEqual([
      '',
      '',
      'Between 0 and 2.',
      'This is not a number.',
      'Between 0 and 2.',
    ]);
    expect(field('seed').check('1.5')).toBe('A whole number, please.');
  });

  it('goes to the form and back', () => {
    const params = { temperature: 0, stop: ['END', '###'], top_k: 5 };
    const texts = readParams(params);

    const back = paramFields.reduce((all, one) => writeParam(all, one, texts[one.name] ?? ''), params as Record<string, unknown>);

    expect(texts.temperature).toBe('0');
    expect(back).toEqual(params);
  });

  it('takes out what was emptied and leaves strangers alone', () => {
    expect(writeParam({ seed: 1, top_k: 5 }, field('seed'), ' ')).toEqual({ top_k: 5 });
  });
});

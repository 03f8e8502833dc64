import type { Params } from '$/lib/api/types';

export interface ParamField {
  name: string;
  label: string;
  hint: string;
  inputmode: 'decimal' | 'numeric' | 'text';
  parse: (text: string) => unknown;
  /** What is wrong with the text, or an empty string. */
  check: (text: string) => string;
}

export const paramFields: readonly ParamField[] = [
  number('temperature', 'Temperature', 'Higher is more surprising, usually 0 to 1.', 0, 2),
  number('top_p', 'Top p', 'Keep only the likeliest part of all words.', 0, 1),
  integer('max_tokens', 'Longest answer', 'In tokens.', 1, 10_000_000),
  integer('seed', 'Seed', 'The same seed repeats the same answer, where models can.', 0, 2 ** 31 - 1),
  {
    name: 'reasoning_effort',
    label: 'Effort of thought',
    hint: 'low, medium or high, for models that think.',
    inputmode: 'text',
    parse: (text) => text,
    check: (text) => (text.length > 20 ? 'That is too long.' : ''),
  },
  {
    name: 'stop',
    label: 'Stop at',
    hint: 'Words that end the answer, separated by commas.',
    inputmode: 'text',
    parse: (text) => text.split(',').map((word) => word.trim()).filter(Boolean),
    check: () => '',
  },
];

/** The texts to show in the form. */
export function readParams(params: Params): Record<string, string> {
  return Object.fromEntries(paramFields.map(({ name }) => [name, textOf(params[name])]));
}

/** The parameters with one field as the form has it; an empty text takes it out. Others are left alone. */
export function writeParam(params: Params, field: ParamField, text: string): Params {
  const { [field.name]: _old, ...others } = params;
  return text.trim() === '' ? others : { ...others, [field.name]: field.parse(text.trim()) };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function number(name: string, label: string, hint: string, least: number, most: number): ParamField {
  return { name, label, hint, inputmode: 'decimal', parse: Number, check: (text) => rangeError(text, least, most, false) };
}

function integer(name: string, label: string, hint: string, least: number, most: number): ParamField {
  return { name, label, hint, inputmode: 'numeric', parse: Number, check: (text) => rangeError(text, least, most, true) };
}

function rangeError(text: string, least: number, most: number, whole: boolean): string {
  if (text.trim() === '') return '';
  const value = Number(text);
  if (!Number.isFinite(value)) return 'This is not a number.';
  if (whole && !Number.isInteger(value)) return 'A whole number, please.';
  return value < least || value > most ? `Between ${least} and ${most}.` : '';
}

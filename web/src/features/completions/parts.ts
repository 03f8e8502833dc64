import { isRecord } from '$/lib/api/http';
import type { OutputItem } from '$/lib/api/types';
import { itemText } from './output';

/** What an answer is made of, in reading order. `key` stays the same while the answer grows. */
export type AnswerPart =
  | { kind: 'text'; key: string; text: string }
  | { kind: 'reasoning'; key: string; text: string; seconds: number | null; startedAt: number | null; running: boolean }
  | { kind: 'tool'; key: string; name: string; input: string; result: string | null; state: ToolState };

export type ToolState = 'running' | 'done' | 'failed' | 'waiting' | 'refused';

/** An answer without output items (an imported or very old one) is its content. */
export function answerParts(output: readonly OutputItem[] | undefined, content: string, done: boolean): AnswerPart[] {
  if (!output?.length) return content ? [{ kind: 'text', key: 'content', text: content }] : [];
  const results = new Map<string, OutputItem>();
  for (const item of output) {
    if (item.type === 'function_call_output' && item.call_id) results.set(item.call_id, item);
  }
  const parts: AnswerPart[] = [];
  for (const [index, item] of output.entries()) {
    const part = partOf(item, `${item.type}-${index}`, results, done);
    if (part) parts.push(part);
  }
  return parts;
}

function partOf(item: OutputItem, key: string, results: Map<string, OutputItem>, done: boolean): AnswerPart | null {
  if (item.type === 'message') {
    const text = itemText(item);
    return text.trim() ? { kind: 'text', key, text } : null;
  }
  if (item.type === 'reasoning') return reasoningPart(item, key, done);
  if (item.type === 'function_call') return callPart(item, key, results.get(item.call_id ?? ''), done);
  if (item.type === 'open_webui:code_interpreter') return codePart(item, key, done);
  if (item.type.endsWith('_call')) {
    const state = done || item.status === 'completed' ? 'done' : 'running';
    return { kind: 'tool', key, name: item.type.replace(/_call$/, '').replaceAll('_', ' '), input: '', result: null, state };
  }
  return null;
}

function reasoningPart(item: OutputItem, key: string, done: boolean): AnswerPart | null {
  const text = itemText(item);
  const running = !done && item.status !== 'completed' && item.ended_at === undefined;
  if (!text.trim() && !running) return null;
  const measured = item.started_at !== undefined && item.ended_at !== undefined ? item.ended_at - item.started_at : null;
  return { kind: 'reasoning', key, text, seconds: item.duration ?? measured, startedAt: item.started_at ?? null, running };
}

function callPart(item: OutputItem, key: string, result: OutputItem | undefined, done: boolean): AnswerPart {
  const text = result ? resultText(result.output) : null;
  return { kind: 'tool', key, name: item.name ?? 'tool', input: pretty(item.arguments ?? ''), result: text, state: callState(item, result, done) };
}

function callState(item: OutputItem, result: OutputItem | undefined, done: boolean): ToolState {
  if (item.status === 'rejected') return 'refused';
  if (result) return result.status === 'failed' ? 'failed' : 'done';
  if (item.status === 'pending' || item.status === 'requires_approval') return 'waiting';
  return done ? 'failed' : 'running';
}

function codePart(item: OutputItem, key: string, done: boolean): AnswerPart {
  const output = isRecord(item.output) ? item.output : null;
  const text = output ? [output.stdout, output.stderr, output.result].filter((part) => typeof part === 'string' && part).join('\n') : null;
  return { kind: 'tool', key, name: item.lang ? `${item.lang} code` : 'code', input: item.code ?? '', result: text, state: done || output ? 'done' : 'running' };
}

function resultText(output: unknown): string {
  if (typeof output === 'string') return pretty(output);
  if (!Array.isArray(output)) return '';
  return output.map((part) => (isRecord(part) && typeof part.text === 'string' ? pretty(part.text) : '')).filter(Boolean).join('\n');
}

/** JSON is laid out; anything else, half a document included, stays as it came. */
function pretty(text: string): string {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return text;
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 2);
  } catch {
    return text;
  }
}

import { isRecord } from '$/lib/api/http';
import type { MessageError, OutputItem, Source, Usage } from '$/lib/api/types';
import { takeoverOf, type Takeover } from './takeover';
import { isOutputItem, parseOutputEvent, type OutputEvent } from './output_event';

/** The state of an answer as the server knows it; what is absent did not change. */
export interface AnswerState {
  output?: OutputItem[];
  content?: string;
  done?: boolean;
  usage?: Usage;
  error?: MessageError | string | boolean;
  sources?: Source[];
}

/**
 * Everything the server tells this client. Other event types exist (some would run code or open frames); they are dropped here, so that
 * a model's provider cannot reach the page through them.
 */
export type LiveEvent =
  | { type: 'output'; event: OutputEvent }
  | { type: 'answer'; state: AnswerState }
  | { type: 'append'; text: string }
  | { type: 'replace'; text: string }
  | { type: 'status'; description: string; done: boolean; hidden: boolean }
  | { type: 'takeover'; takeover: Takeover }
  | { type: 'source'; source: Source }
  | { type: 'failed'; error: MessageError | string }
  | { type: 'follow-ups'; questions: string[] }
  | { type: 'stopped'; output: OutputItem[] | null }
  | { type: 'title'; title: string }
  | { type: 'tags'; tags: string[] }
  | { type: 'active'; active: boolean; folderId: string | null }
  | { type: 'list'; chatId: string | null; folderId: string | null }
  | { type: 'reload' }
  | { type: 'notification'; kind: 'info' | 'success' | 'warning' | 'error'; text: string };

export interface Envelope {
  chatId: string | null;
  messageId: string | null;
  event: LiveEvent;
}

export function parseEnvelope(raw: unknown): Envelope | null {
  if (!isRecord(raw) || !isRecord(raw.data) || typeof raw.data.type !== 'string') return null;
  const event = parseEvent(raw.data.type, raw.data.data);
  return event && { chatId: stringOrNull(raw.chat_id), messageId: stringOrNull(raw.message_id), event };
}

function parseEvent(type: string, data: unknown): LiveEvent | null {
  const record = isRecord(data) ? data : {};
  switch (type) {
    case 'response:completion': {
      const event = parseOutputEvent(data);
      return event && { type: 'output', event };
    }
    case 'chat:completion':
      return isRecord(data) ? { type: 'answer', state: answerState(data) } : null;
    case 'chat:message:delta':
    case 'message':
      return typeof record.content === 'string' ? { type: 'append', text: record.content } : null;
    case 'chat:message':
    case 'replace':
      return typeof record.content === 'string' ? { type: 'replace', text: record.content } : null;
    case 'status': {
      const takeover = takeoverOf(data);
      if (takeover) return { type: 'takeover', takeover };
      return { type: 'status', description: String(record.description ?? ''), done: record.done === true, hidden: record.hidden === true };
    }
    case 'source':
    case 'citation':
      return record.type === undefined || record.type === null ? { type: 'source', source: record as Source } : null;
    case 'chat:message:error':
      return { type: 'failed', error: errorOf(record.error) ?? 'The answer failed.' };
    case 'chat:message:follow_ups':
      return { type: 'follow-ups', questions: strings(record.follow_ups).slice(0, 5) };
    case 'chat:tasks:cancel':
      return { type: 'stopped', output: outputOf(record.output) };
    default:
      return parseChatEvent(type, data, record);
  }
}

function parseChatEvent(type: string, data: unknown, record: Record<string, unknown>): LiveEvent | null {
  switch (type) {
    case 'chat:title':
      return typeof data === 'string' ? { type: 'title', title: data } : null;
    case 'chat:tags':
      return { type: 'tags', tags: strings(data) };
    case 'chat:active':
      return { type: 'active', active: record.active === true, folderId: stringOrNull(record.folder_id) };
    case 'chat:list':
      return { type: 'list', chatId: stringOrNull(record.chat_id), folderId: stringOrNull(record.folder_id) };
    case 'chat:reload':
      return { type: 'reload' };
    case 'notification':
      return notification(record);
    default:
      return null;
  }
}

function notification(record: Record<string, unknown>): LiveEvent | null {
  const { type, content } = record;
  if (typeof content !== 'string') return null;
  const kind = type === 'success' || type === 'warning' || type === 'error' ? type : 'info';
  return { type: 'notification', kind, text: content.slice(0, 500) };
}

function answerState(record: Record<string, unknown>): AnswerState {
  const state: AnswerState = {};
  const output = outputOf(record.output);
  const error = errorOf(record.error);
  if (output) state.output = output;
  if (typeof record.content === 'string') state.content = record.content;
  if (record.done === true) state.done = true;
  if (isRecord(record.usage)) state.usage = record.usage as Usage;
  if (error) state.error = error;
  if (Array.isArray(record.sources)) state.sources = record.sources.filter(isRecord) as Source[];
  return state;
}

function outputOf(value: unknown): OutputItem[] | null {
  return Array.isArray(value) ? value.filter(isOutputItem) : null;
}

function errorOf(value: unknown): MessageError | string | null {
  if (typeof value === 'string' && value) return value;
  return isRecord(value) ? (value as MessageError) : null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

import { isRecord } from '$/lib/api/http';
import type { OutputItem } from '$/lib/api/types';

/** What the server sends as `response:completion`. Unknown types are ignored: they may come straight from a model's provider. */
export type OutputEvent =
  | { type: 'response.output_item.added' | 'response.output_item.done'; output_index: number; item: OutputItem }
  | { type: 'response.output_text.delta' | 'response.reasoning_text.delta'; output_index: number; item_id?: string; delta: string }
  | { type: 'response.function_call_arguments.delta'; output_index: number; item_id?: string; delta: string }
  | { type: 'response.function_call_arguments.done'; output_index: number; item_id?: string; arguments: string };

const itemTypes = new Set(['response.output_item.added', 'response.output_item.done']);
const deltaTypes = new Set(['response.output_text.delta', 'response.reasoning_text.delta', 'response.function_call_arguments.delta']);

/** An index above this is refused; it would only make the list huge. */
const itemsAtMost = 10_000;

export function parseOutputEvent(data: unknown): OutputEvent | null {
  if (!isRecord(data) || typeof data.type !== 'string') return null;
  const index = data.output_index;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > itemsAtMost) return null;
  if (itemTypes.has(data.type)) return isOutputItem(data.item) ? (data as unknown as OutputEvent) : null;
  if (deltaTypes.has(data.type)) return typeof data.delta === 'string' ? (data as unknown as OutputEvent) : null;
  if (data.type === 'response.function_call_arguments.done') {
    return typeof data.arguments === 'string' ? (data as unknown as OutputEvent) : null;
  }
  return null;
}

export function isOutputItem(value: unknown): value is OutputItem {
  return isRecord(value) && typeof value.type === 'string';
}

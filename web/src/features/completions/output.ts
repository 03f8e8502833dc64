import type { OutputItem, OutputText } from '$/lib/api/types';
import type { OutputEvent } from '$/lib/live/output_event';

/** Returns the output after `event`. Items that did not change stay the same objects, so that only the changed one is drawn again. */
export function applyOutputEvent(output: readonly OutputItem[], event: OutputEvent): OutputItem[] {
  switch (event.type) {
    case 'response.output_item.added':
    case 'response.output_item.done':
      return place(output, indexOf(output, event.item.id, event.output_index, event.item.type), event.item);
    case 'response.output_text.delta':
      return change(output, event, 'message', (item) => appendText(item, event.delta));
    case 'response.reasoning_text.delta':
      return change(output, event, 'reasoning', (item) => appendText(item, event.delta));
    case 'response.function_call_arguments.delta':
      return change(output, event, 'function_call', (item) => ({ ...item, arguments: (item.arguments ?? '') + event.delta }));
    case 'response.function_call_arguments.done':
      return change(output, event, 'function_call', (item) => ({ ...item, arguments: event.arguments }));
  }
}

type Located = { output_index: number; item_id?: string };

function change(output: readonly OutputItem[], at: Located, type: string, edit: (item: OutputItem) => OutputItem): OutputItem[] {
  const index = indexOf(output, at.item_id, at.output_index, type);
  const present = output[index];
  const item = present?.type === type ? present : freshItem(type, at.item_id);
  return place(output, index, edit(item));
}

/** An item is known by its id; a delta for an item that was never announced names only its place. */
function indexOf(output: readonly OutputItem[], id: string | undefined, index: number, type: string): number {
  const known = id ? output.findIndex((item) => item.id === id && item.type === type) : -1;
  return known >= 0 ? known : index;
}

function place(output: readonly OutputItem[], index: number, item: OutputItem): OutputItem[] {
  const next = output.slice();
  while (next.length < index) next.push(freshItem('message', undefined));
  next[index] = item;
  return next;
}

function freshItem(type: string, id: string | undefined): OutputItem {
  const item: OutputItem = { type, status: 'in_progress' };
  if (id) item.id = id;
  if (type === 'message') item.role = 'assistant';
  if (type === 'reasoning') item.started_at = Date.now() / 1000;
  return item;
}

function appendText(item: OutputItem, delta: string): OutputItem {
  const content = item.content ?? [];
  const last = content.at(-1);
  if (!last) return { ...item, content: [{ type: 'output_text', text: delta }] };
  return { ...item, content: [...content.slice(0, -1), { ...last, text: (last.text ?? '') + delta }] };
}

export function itemText(item: OutputItem): string {
  return (item.content ?? []).map((part: OutputText) => part.text ?? '').join('');
}

/** The plain text of an answer: its message items, blank ones skipped, one below the other. */
export function outputText(output: readonly OutputItem[]): string {
  return output
    .filter((item) => item.type === 'message')
    .map(itemText)
    .filter((text) => text.trim())
    .join('\n');
}

import type { OutputItem } from '$/lib/api/types';
import type { OutputEvent } from '$/lib/live/output_event';
import { applyOutputEvent, itemText } from './output';

/** How many characters at the end of `known` are the beginning of `arrived`. */
export function overlap(known: string, arrived: string): number {
  for (let length = Math.min(known.length, arrived.length); length > 0; length--) {
    if (known.endsWith(arrived.slice(0, length))) return length;
  }
  return 0;
}

/**
 * Joins an output that was fetched with the events that arrived while it was on its way. Deltas carry no position, so the text both have
 * in common is found by comparing; the snapshot at the end of every answer corrects what a repetitive text may fool.
 */
export function replayOver(fetched: readonly OutputItem[], events: readonly OutputEvent[]): OutputItem[] {
  let output = fetched.slice();
  for (const run of runs(events)) {
    const first = run[0]!;
    if (!isTextDelta(first)) {
      output = applyOutputEvent(output, first);
      continue;
    }
    const arrived = run.map((event) => (isTextDelta(event) ? event.delta : '')).join('');
    const item = output.find((other) => first.item_id && other.id === first.item_id) ?? output[first.output_index];
    const common = item ? overlap(itemText(item), arrived) : 0;
    if (common < arrived.length) output = applyOutputEvent(output, { ...first, delta: arrived.slice(common) });
  }
  return output;
}

type TextDelta = Extract<OutputEvent, { type: 'response.output_text.delta' | 'response.reasoning_text.delta' }>;

function isTextDelta(event: OutputEvent): event is TextDelta {
  return event.type === 'response.output_text.delta' || event.type === 'response.reasoning_text.delta';
}

/** Text deltas that follow each other into the same item belong together; every other event stands alone. */
function runs(events: readonly OutputEvent[]): OutputEvent[][] {
  const grouped: OutputEvent[][] = [];
  for (const event of events) {
    const last = grouped.at(-1)?.[0];
    const joins = last && isTextDelta(event) && isTextDelta(last) && last.type === event.type && last.output_index === event.output_index;
    if (joins) grouped.at(-1)!.push(event);
    else grouped.push([event]);
  }
  return grouped;
}

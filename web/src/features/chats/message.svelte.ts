import { tick } from 'svelte';
import type { Message, MessageError, OutputItem, Place, Source, Usage } from '$/lib/api/types';
import type { OutputEvent } from '$/lib/live/output_event';
import { applyOutputEvent, outputText } from '$/features/completions/output';
import { latestTakeover, type Takeover } from '$/lib/live/takeover';
import { replayOver } from '$/features/completions/replay';
import { readItems, type FileItem } from '$/features/files/items';
import { contentText } from './content';
import type { Node } from './tree';

const hiddenFlushMilliseconds = 250;
const longestPauseMilliseconds = 250;

/** Of a message without alternatives. */
export const alone: Place = { index: 0, count: 1, previous: null, next: null };

/**
 * One message of the open chat. While it streams, deltas are gathered and drawn once per frame. The part of it that this client does
 * not know is kept and written back unchanged.
 */
export class ChatMessage implements Node {
  readonly id: string;
  readonly role: Message['role'];
  readonly model: string | undefined;
  readonly modelIdx: number | undefined;
  readonly models: string[] | undefined;
  readonly timestamp: number;
  parentId: string | null;
  place: Place = $state.raw(alone);
  content: string = $state('');
  output: readonly OutputItem[] = $state.raw([]);
  done: boolean = $state(true);
  error: Message['error'] = $state.raw(null);
  usage: Usage | null = $state.raw(null);
  sources: readonly Source[] = $state.raw([]);
  files: readonly FileItem[] = $state.raw([]);
  followUps: readonly string[] = $state.raw([]);
  status: string = $state('');
  takeover: Takeover | null = $state.raw(null);
  annotation: Message['annotation'] = $state.raw(null);
  feedbackId: string | null = null;
  /** Whether the server has not confirmed that it has this message. */
  unsent: boolean = $state(false);

  #rest: Message;
  #stale: boolean;
  #working: readonly OutputItem[] = [];
  #scheduled = false;
  #pauseMilliseconds = 0;

  /** `missed` are events that arrived while `message` was on its way; they are joined with it. */
  constructor(message: Message, missed: readonly OutputEvent[] = []) {
    this.id = message.id;
    this.role = message.role;
    this.model = message.model;
    this.modelIdx = message.modelIdx;
    this.models = message.models;
    this.timestamp = message.timestamp ?? 0;
    this.parentId = message.parentId ?? null;
    this.#rest = message;
    this.#stale = message.done === false;
    this.#take(message, missed);
  }

  /** Whether the server knows more of this message than was ever read: it was written while the page looked on. */
  get stale(): boolean {
    return this.#stale;
  }

  /** Takes over what the server has. */
  refresh(message: Message, missed: readonly OutputEvent[]): void {
    this.parentId = message.parentId ?? null;
    this.#rest = message;
    this.#stale = message.done === false;
    this.#take(message, missed);
  }

  applyDelta(event: OutputEvent): void {
    this.#working = applyOutputEvent(this.#working, event);
    this.#schedule();
  }

  appendText(text: string): void {
    if (this.#working.length === 0) this.content += text;
    else this.applyDelta({ type: 'response.output_text.delta', output_index: this.#working.length - 1, delta: text });
  }

  setOutput(output: readonly OutputItem[]): void {
    this.#working = output;
    this.output = output;
  }

  finish(): void {
    this.#flush();
    this.done = true;
    this.status = '';
  }

  fail(error: MessageError | string): void {
    this.finish();
    this.error = typeof error === 'string' ? { content: error } : error;
  }

  /** Begins to write on. */
  reopen(): void {
    this.#stale = true;
    this.done = false;
    this.error = null;
    this.followUps = [];
  }

  get text(): string {
    return outputText(this.#working) || this.content;
  }

  toWire(): Message {
    return {
      ...this.#rest,
      id: this.id,
      role: this.role,
      parentId: this.parentId,
      content: this.text === contentText(this.#rest.content) ? this.#rest.content : this.text,
      ...(this.role === 'assistant' ? { done: this.done } : {}),
      ...(this.#working.length ? { output: [...this.#working] } : {}),
      ...(this.annotation ? { annotation: this.annotation } : {}),
      ...(this.feedbackId ? { feedbackId: this.feedbackId } : {}),
    };
  }

  #take(message: Message, missed: readonly OutputEvent[]): void {
    const output = message.output ?? [];
    this.content = contentText(message.content);
    this.setOutput(message.done === false ? replayOver(output, missed) : output);
    this.done = message.role !== 'assistant' || message.done !== false;
    this.error = message.error ?? null;
    this.usage = message.usage ?? null;
    this.sources = message.sources ?? [];
    this.files = readItems(message.files);
    this.followUps = message.followUps ?? [];
    this.takeover = latestTakeover(message.statusHistory);
    this.annotation = message.annotation ?? null;
    this.feedbackId = message.feedbackId ?? null;
    this.unsent = false;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden page draws no frames.
    if (document.visibilityState === 'hidden') setTimeout(() => this.#flush(), hiddenFlushMilliseconds);
    else setTimeout(() => requestAnimationFrame(() => this.#flush()), this.#pauseMilliseconds);
  }

  /** Shows what has gathered. A text that takes long to draw is drawn less often, so that the page stays free two thirds of the time. */
  #flush(): void {
    const begun = performance.now();
    this.#scheduled = false;
    this.output = this.#working;
    void tick().then(() => {
      const took = performance.now() - begun;
      this.#pauseMilliseconds = took < 4 ? 0 : Math.min(longestPauseMilliseconds, 2 * took);
    });
  }
}

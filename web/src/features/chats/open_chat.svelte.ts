import { SvelteMap } from 'svelte/reactivity';
import { ApiError } from '$/lib/api/http';
import type { ChatBranch, Message, Params } from '$/lib/api/types';
import type { OutputEvent } from '$/lib/live/output_event';
import type { AnswerState, Envelope } from '$/lib/live/events';
import { documentsOf, readItems, type FileItem } from '$/features/files/items';
import type { ChatsApi } from './api';
import { alone, ChatMessage } from './message.svelte';
import { areAlternatives, branchTo, familiesOf, newestLeaf, sideBySide, type Families, type Nodes } from './tree';

type Missed = Map<string, OutputEvent[]>;
type Reading = { chat: ChatBranch; missed: Missed };

const resyncDelayMilliseconds = 150;
/** Messages that are read at once. Even, so that a page rarely parts an answer from its question. */
export const pageSize = 50;
const largestPage = 1000;

/**
 * The chat in the page: the branch the reader is on, as far up as it was read, with what stands beside it, and what the server tells
 * about it. Other branches are read when somebody goes there. A chat without id has not been sent yet. Deliveries of other chats are not
 * for this class.
 */
export class OpenChat {
  #id = $state<string | null>(null);
  title = $state('');
  folderId = $state<string | null>(null);
  shareId = $state<string | null>(null);
  /** Whose it is; null while it is not known. */
  ownerId = $state<string | null>(null);
  temporary = $state(false);
  loading = $state(false);
  loadingEarlier = $state(false);
  /** Why it cannot be shown. */
  missing = $state<string | null>(null);
  /** Whether trying again would not help: it is not there, or not for this reader. */
  gone = $state(false);
  /** The message whose words are being changed. */
  editingId = $state<string | null>(null);
  system = $state('');
  params: Params = $state.raw({});
  /** The files of the chat that are no pictures, as they go with each question. */
  documents: readonly FileItem[] = $state.raw([]);
  #currentId = $state<string | null>(null);
  /** The branch the reader is on the way to, and which nothing else may overtake. */
  #going: Promise<Reading> | null = null;
  /** The message above which the server has no more. */
  #topId = $state<string | null>(null);
  readonly #messages = new SvelteMap<string, ChatMessage>();
  #generation = 0;
  #opened: Promise<void> = Promise.resolve();
  /** For each reading of the chat that is on its way: the deltas that arrived since. */
  readonly #recorders = new Set<Missed>();
  #resyncTimer: ReturnType<typeof setTimeout> | null = null;

  readonly #nodes: Nodes<ChatMessage> = $derived(Object.fromEntries(this.#messages));
  readonly #families: Families<ChatMessage> = $derived(familiesOf(this.#messages.values()));
  readonly branch: ChatMessage[] = $derived(branchTo(this.#nodes, this.#currentId));
  readonly #onBranch: ReadonlySet<string> = $derived(new Set(this.branch.map((message) => message.id)));
  readonly answering: boolean = $derived([...this.#messages.values()].some((message) => !message.done));
  /** Whether the branch begins with the chat's first message. */
  readonly complete: boolean = $derived(!this.branch[0]?.parentId || this.branch[0].id === this.#topId);

  constructor(private readonly api: ChatsApi) {}

  get id(): string | null {
    return this.#id;
  }

  get currentId(): string | null {
    return this.#currentId;
  }

  get empty(): boolean {
    return this.#messages.size === 0;
  }

  message(id: string): ChatMessage | undefined {
    return this.#messages.get(id);
  }

  answersTo(questionId: string): readonly ChatMessage[] {
    return (this.#families.get(questionId) ?? []).filter((message) => message.role === 'assistant');
  }

  sideBySide(questionId: string): ChatMessage[] {
    return sideBySide(this.#families, questionId, this.#onBranch);
  }

  startNew(folderId: string | null = null, temporary = false): void {
    this.#clear(null);
    this.folderId = folderId;
    this.temporary = temporary;
  }

  load(id: string): Promise<void> {
    return (this.#opened = this.#load(id));
  }

  async #load(id: string): Promise<void> {
    this.#clear(id);
    const generation = this.#generation;
    this.loading = true;
    try {
      const read = await this.#read(() => this.api.branch(id, { limit: pageSize }));
      if (generation === this.#generation) this.#adopt(read);
    } catch (cause) {
      if (generation !== this.#generation) return;
      this.missing = cause instanceof Error ? cause.message : String(cause);
      this.gone = cause instanceof ApiError && cause.final;
    } finally {
      if (generation === this.#generation) this.loading = false;
    }
  }

  /** Reads what is shown again: after a lost connection, or when another page changed it. */
  async resync(): Promise<void> {
    const id = this.#id;
    const generation = this.#generation;
    if (id === null || this.temporary) return;
    if (this.#going) await this.#going.catch(() => {});
    const from = this.#currentId;
    const leaf = this.branch.findLast((message) => !message.unsent)?.id;
    const read = await this.#read(() => this.api.branch(id, { leaf, limit: this.#limit })).catch(() => null);
    if (!read || generation !== this.#generation || this.#going) return;
    // Whoever went elsewhere meanwhile is not brought back.
    const isThere = read.chat.branch.messages.some((message) => message.id === this.#currentId);
    if (this.#currentId !== from && !isThere) return this.resync();
    this.#adopt(read);
  }

  /** As much as was read so far, so that who looks at something far up finds it there again. */
  get #limit(): number {
    return Math.min(Math.max(pageSize, this.branch.length), largestPage);
  }

  /** Reads the chat again if something in it is being written: its beginning may have been said before this page listened. */
  async catchUp(): Promise<void> {
    await this.#opened;
    if (this.answering) await this.resync();
  }

  /** Reads the page of the branch before what is there. */
  async loadEarlier(): Promise<void> {
    const id = this.#id;
    const generation = this.#generation;
    const first = this.branch[0];
    if (id === null || !first || this.complete || this.loadingEarlier) return;
    this.loadingEarlier = true;
    try {
      const read = await this.#read(() => this.api.branch(id, { until: first.parentId, limit: pageSize }));
      if (generation !== this.#generation || this.branch[0] !== first) return;
      this.#putAll(read);
      const { complete, messages } = read.chat.branch;
      if (complete) this.#topId = messages[0]?.id ?? first.id;
    } finally {
      if (generation === this.#generation) this.loadingEarlier = false;
    }
  }

  /** Takes over what was read. The reader's place stays, unless they went there, it is gone, or the same branch goes on further. */
  #adopt(read: Reading, went = false): void {
    const { chat } = read;
    const { messages, leaf, complete } = chat.branch;
    this.#id = chat.id;
    this.title = chat.title;
    this.folderId = chat.folder_id ?? null;
    this.shareId = chat.share_id ?? null;
    this.ownerId = chat.user_id;
    this.system = typeof chat.chat.system === 'string' ? chat.chat.system : '';
    this.params = chat.chat.params ?? {};
    this.documents = documentsOf(readItems(chat.chat.files));
    this.#forgetAllBut(chat.branch);
    this.#putAll(read);
    this.#placeUnsent();
    if (complete && messages[0]) this.#topId = messages[0].id;
    const isHere = this.#currentId !== null && this.#messages.has(this.#currentId);
    const isFurther = branchTo(this.#nodes, leaf).some((message) => message.id === this.#currentId);
    if (went || !isHere || isFurther) this.#currentId = messages.length ? leaf : null;
  }

  /** What was read before stays where the branch comes down from it; what the server has not confirmed stays as well. */
  #forgetAllBut({ messages, beside }: ChatBranch['branch']): void {
    const read = new Set([...messages, ...beside].map((message) => message.id));
    const above = new Set(branchTo(this.#nodes, messages[0]?.parentId ?? null).map((message) => message.id));
    for (const [id, message] of [...this.#messages]) {
      const isAbove = above.has(id) || (message.parentId !== null && message.role === 'assistant' && above.has(message.parentId));
      if (!read.has(id) && !isAbove && !message.unsent) this.#messages.delete(id);
    }
  }

  #putAll({ chat: { branch }, missed }: Reading): void {
    for (const message of [...branch.messages, ...branch.beside]) {
      this.#put(message, missed.get(message.id)).place = branch.places[message.id] ?? alone;
    }
  }

  /** The server gave the new chat its id. */
  named(id: string): void {
    this.#id = id;
  }

  add(message: Message): ChatMessage {
    const others = [...this.#messages.values()];
    const added = this.#put(message);
    this.#place(added, others);
    return added;
  }

  /** Puts a message of this page after its alternatives. Not all of them need have been read: before it stands the last one known. */
  #place(added: ChatMessage, among: readonly ChatMessage[]): void {
    added.place = alone;
    const others = among.filter((other) => areAlternatives(other, added));
    const last = others.toSorted((a, b) => a.place.index - b.place.index).at(-1);
    if (!last) return;
    const { count } = last.place;
    for (const other of others) other.place = { ...other.place, count: count + 1, next: other.place.next ?? added.id };
    added.place = { index: count, count: count + 1, previous: last.id, next: null };
  }

  #placeUnsent(): void {
    const placed = [...this.#messages.values()].filter((message) => !message.unsent);
    for (const message of this.#messages.values()) {
      if (!message.unsent) continue;
      this.#place(message, placed);
      placed.push(message);
    }
  }

  moveTo(id: string): void {
    this.#going = null;
    this.#currentId = id;
  }

  /** Shows the conversation through `id`, which need not have been read yet, and remembers that on the server. */
  async choose(id: string): Promise<void> {
    const known = this.#messages.get(id);
    if (known) this.moveTo(newestLeaf(this.#families, id));
    const chatId = this.#id;
    if (chatId === null || this.temporary || known?.unsent) return;
    const going = this.#read(() => this.api.goTo(chatId, id, this.#limit));
    this.#going = going;
    try {
      const read = await going;
      if (this.#going === going) this.#adopt(read, true);
    } finally {
      if (this.#going === going) this.#going = null;
    }
  }

  /** Changes a message and stores it. Servers replace messages whole, so what this page does not know yet is read first. */
  async save(message: ChatMessage, change: () => void): Promise<void> {
    if (message.stale) await this.resync();
    change();
    if (this.#id !== null && !this.temporary) await this.api.saveMessage(this.#id, message.toWire(), this.#currentId);
  }

  concerns(envelope: Envelope): boolean {
    if (this.#id !== null) return envelope.chatId === this.#id;
    return envelope.messageId !== null && this.#messages.has(envelope.messageId);
  }

  receive({ messageId, event }: Envelope): void {
    if (event.type === 'title') this.title = event.title;
    if (event.type === 'reload') this.#resyncSoon();
    if (event.type === 'active' && !event.active && this.answering) this.#resyncSoon();
    if (messageId !== null && event.type === 'output') this.#remember(messageId, event.event);
    const message = messageId === null ? undefined : this.#messages.get(messageId);
    if (message) this.#deliver(message, event);
    else if (messageId !== null && event.type !== 'title' && event.type !== 'tags' && event.type !== 'list') this.#resyncSoon();
  }

  #deliver(message: ChatMessage, event: Envelope['event']): void {
    if (event.type === 'output') message.applyDelta(event.event);
    else if (event.type === 'answer') this.#answer(message, event.state);
    else if (event.type === 'append') message.appendText(event.text);
    else if (event.type === 'replace') message.content = event.text;
    else if (event.type === 'takeover') message.takeover = event.takeover;
    else if (event.type === 'status') message.status = event.done || event.hidden ? '' : event.description;
    else if (event.type === 'source') message.sources = [...message.sources, event.source];
    else if (event.type === 'failed') message.fail(event.error);
    else if (event.type === 'follow-ups') message.followUps = event.questions;
    else if (event.type === 'stopped') {
      if (event.output) message.setOutput(event.output);
      message.finish();
    }
  }

  #answer(message: ChatMessage, state: AnswerState): void {
    if (state.output) message.setOutput(state.output);
    if (state.content !== undefined) message.content = state.content;
    if (state.usage) message.usage = state.usage;
    if (state.sources) message.sources = state.sources;
    if (state.error) message.fail(typeof state.error === 'boolean' ? 'The answer failed.' : state.error);
    else if (state.done) message.finish();
  }

  #resyncSoon(): void {
    this.#resyncTimer ??= setTimeout(() => {
      this.#resyncTimer = null;
      void this.resync();
    }, resyncDelayMilliseconds);
  }

  #remember(messageId: string, event: OutputEvent): void {
    for (const missed of this.#recorders) {
      const events = missed.get(messageId);
      if (events) events.push(event);
      else missed.set(messageId, [event]);
    }
  }

  async #read(fetch: () => Promise<ChatBranch>): Promise<Reading> {
    const missed: Missed = new Map();
    this.#recorders.add(missed);
    try {
      return { chat: await fetch(), missed };
    } finally {
      this.#recorders.delete(missed);
    }
  }

  #put(message: Message, missed: readonly OutputEvent[] = []): ChatMessage {
    const known = this.#messages.get(message.id);
    if (known) {
      known.refresh(message, missed);
      return known;
    }
    const made = new ChatMessage(message, missed);
    this.#messages.set(message.id, made);
    return made;
  }

  #clear(id: string | null): void {
    this.#generation++;
    this.#id = id;
    this.#messages.clear();
    this.#currentId = null;
    this.#going = null;
    this.#topId = null;
    this.loadingEarlier = false;
    this.title = '';
    this.folderId = null;
    this.shareId = null;
    this.ownerId = null;
    this.temporary = false;
    this.loading = false;
    this.missing = null;
    this.editingId = null;
    this.system = '';
    this.params = {};
    this.documents = [];
  }
}

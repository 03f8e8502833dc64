import { SvelteMap } from 'svelte/reactivity';
import type { Chat, Message, Params } from '$/lib/api/types';
import type { OutputEvent } from '$/lib/live/output_event';
import type { AnswerState, Envelope } from '$/lib/live/events';
import type { ChatsApi } from './api';
import { ChatMessage } from './message.svelte';
import { alternatives, branchTo, newestLeaf, sideBySide, type Nodes } from './tree';

type Missed = Map<string, OutputEvent[]>;

const resyncDelayMilliseconds = 150;

/**
 * The chat in the page: its messages, where in the tree the reader is, and what the server tells about it. A chat without id has not
 * been sent yet. Deliveries of other chats are not for this class.
 */
export class OpenChat {
  #id = $state<string | null>(null);
  title = $state('');
  folderId = $state<string | null>(null);
  shareId = $state<string | null>(null);
  temporary = $state(false);
  loading = $state(false);
  missing = $state<string | null>(null);
  /** The message whose words are being changed. */
  editingId = $state<string | null>(null);
  system = $state('');
  params: Params = $state.raw({});
  #currentId = $state<string | null>(null);
  readonly #messages = new SvelteMap<string, ChatMessage>();
  #generation = 0;
  /** For each reading of the chat that is on its way: the deltas that arrived since. */
  readonly #recorders = new Set<Missed>();
  #resyncTimer: ReturnType<typeof setTimeout> | null = null;

  readonly #nodes: Nodes<ChatMessage> = $derived(Object.fromEntries(this.#messages));
  readonly branch: ChatMessage[] = $derived(branchTo(this.#nodes, this.#currentId));
  readonly #onBranch: ReadonlySet<string> = $derived(new Set(this.branch.map((message) => message.id)));
  readonly answering: boolean = $derived([...this.#messages.values()].some((message) => !message.done));

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

  alternatives(id: string): ChatMessage[] {
    return alternatives(this.#nodes, id);
  }

  sideBySide(questionId: string): ChatMessage[] {
    return sideBySide(this.#nodes, questionId, this.#onBranch);
  }

  startNew(folderId: string | null = null, temporary = false): void {
    this.#clear(null);
    this.folderId = folderId;
    this.temporary = temporary;
  }

  async load(id: string): Promise<void> {
    this.#clear(id);
    const generation = this.#generation;
    this.loading = true;
    try {
      const { chat, missed } = await this.#read(id);
      if (generation === this.#generation) this.adopt(chat, missed);
    } catch (cause) {
      if (generation === this.#generation) this.missing = cause instanceof Error ? cause.message : String(cause);
    } finally {
      if (generation === this.#generation) this.loading = false;
    }
  }

  /** Reads the chat again: after a lost connection, or when another page changed it. */
  async resync(): Promise<void> {
    const id = this.#id;
    const generation = this.#generation;
    if (id === null || this.temporary) return;
    const read = await this.#read(id).catch(() => null);
    if (read && generation === this.#generation) this.adopt(read.chat, read.missed);
  }

  /** Reads the chat again if something in it is being written: its beginning may have been said before this page listened. */
  async catchUp(): Promise<void> {
    if (this.answering || this.loading) await this.resync();
  }

  adopt(chat: Chat, missed: Missed = new Map()): void {
    this.#id = chat.id;
    this.title = chat.title;
    this.folderId = chat.folder_id ?? null;
    this.shareId = chat.share_id ?? null;
    this.system = typeof chat.chat.system === 'string' ? chat.chat.system : '';
    this.params = chat.chat.params ?? {};
    const messages = chat.chat.history?.messages ?? {};
    for (const id of [...this.#messages.keys()]) if (!messages[id] && !this.#messages.get(id)!.unsent) this.#messages.delete(id);
    for (const [id, message] of Object.entries(messages)) this.#put({ ...message, id }, missed.get(id));
    this.#follow(chat.chat.history?.currentId ?? null);
  }

  /** The server's place in the tree counts when it is further on than the reader's, or when the reader's is gone. */
  #follow(serversId: string | null): void {
    const isHere = this.#currentId !== null && this.#messages.has(this.#currentId);
    const isFurther = branchTo(this.#nodes, serversId).some((message) => message.id === this.#currentId);
    if (serversId !== null && (!isHere || isFurther)) this.#currentId = serversId;
  }

  /** The server gave the new chat its id. */
  named(id: string): void {
    this.#id = id;
  }

  add(message: Message): ChatMessage {
    const added = this.#put(message);
    const parent = message.parentId ? this.#messages.get(message.parentId) : undefined;
    if (parent && !parent.childrenIds.includes(message.id)) parent.childrenIds = [...parent.childrenIds, message.id];
    return added;
  }

  moveTo(id: string): void {
    this.#currentId = id;
  }

  /** Shows the conversation through `id`, and remembers that on the server. */
  async choose(id: string): Promise<void> {
    this.#currentId = newestLeaf(this.#nodes, id);
    if (this.#id && !this.temporary) await this.api.choose(this.#id, this.#currentId);
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

  async #read(id: string): Promise<{ chat: Chat; missed: Missed }> {
    const missed: Missed = new Map();
    this.#recorders.add(missed);
    try {
      return { chat: await this.api.get(id), missed };
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
    this.title = '';
    this.folderId = null;
    this.shareId = null;
    this.temporary = false;
    this.loading = false;
    this.missing = null;
    this.editingId = null;
    this.system = '';
    this.params = {};
  }
}

import type { ChatListItem } from '$/lib/api/types';
import type { Envelope } from '$/lib/live/events';
import type { ChatsApi } from './api';
import { appendPage, mergeFirstPage, pageSize } from './listing';

const refreshDelayMilliseconds = 200;

/** The chats of the sidebar: pinned ones, the others page by page, and those of opened folders. */
export class ChatList {
  items: readonly ChatListItem[] = $state.raw([]);
  pinned: readonly ChatListItem[] = $state.raw([]);
  folders: Readonly<Record<string, readonly ChatListItem[]>> = $state.raw({});
  loaded = $state(false);
  complete = $state(false);
  loadingMore = $state(false);
  #running: ReadonlySet<string> = $state.raw(new Set());
  #page = 1;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly api: ChatsApi) {}

  isRunning(item: ChatListItem): boolean {
    return this.#running.has(item.id);
  }

  async refresh(): Promise<void> {
    const [page, pinned] = await Promise.all([this.api.list(1), this.api.pinned()]);
    this.items = mergeFirstPage(this.items, page);
    this.pinned = pinned;
    if (page.length < pageSize) this.complete = true;
    this.loaded = true;
    this.#running = new Set([...page, ...pinned].filter((item) => item.active).map((item) => item.id));
    await Promise.all(Object.keys(this.folders).map((id) => this.openFolder(id)));
  }

  async more(): Promise<void> {
    if (this.loadingMore || this.complete || !this.loaded) return;
    this.loadingMore = true;
    try {
      const page = await this.api.list(this.#page + 1);
      this.#page++;
      this.items = appendPage(this.items, page);
      if (page.length < pageSize) this.complete = true;
    } finally {
      this.loadingMore = false;
    }
  }

  async openFolder(id: string): Promise<void> {
    const items = await this.api.inFolder(id, 1).catch(() => []);
    this.folders = { ...this.folders, [id]: items };
  }

  /** Puts a chat into a folder, or takes it out of the one it is in (null). */
  async move(id: string, folderId: string | null): Promise<void> {
    await this.api.move(id, folderId);
    await this.refresh();
  }

  closeFolder(id: string): void {
    this.folders = Object.fromEntries(Object.entries(this.folders).filter(([key]) => key !== id));
  }

  refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.refresh().catch(() => {});
    }, refreshDelayMilliseconds);
  }

  receive({ chatId, event }: Envelope): void {
    if (event.type === 'list') this.refreshSoon();
    if (chatId === null) return;
    if (event.type === 'title') this.retitle(chatId, event.title);
    if (event.type === 'active') this.#setRunning(chatId, event.active);
  }

  retitle(id: string, title: string): void {
    this.#map((item) => (item.id === id ? { ...item, title } : item));
  }

  read(id: string): void {
    this.#map((item) => (item.id === id ? { ...item, last_read_at: Math.max(item.updated_at, Date.now() / 1000) } : item));
  }

  #setRunning(id: string, running: boolean): void {
    const next = new Set(this.#running);
    if (running) next.add(id);
    else next.delete(id);
    this.#running = next;
  }

  #map(change: (item: ChatListItem) => ChatListItem): void {
    this.items = this.items.map(change);
    this.pinned = this.pinned.map(change);
    this.folders = Object.fromEntries(Object.entries(this.folders).map(([id, items]) => [id, items.map(change)]));
  }
}

import type { ChatListItem, Folder, Tag } from '$/lib/api/types';
import type { ChatsApi } from './api';
import { appendPage, pageSize } from './listing';
import { completeQuery, isSearchable, type Completion } from './search';

const pauseMilliseconds = 180;
const recentAtMost = 8;

/** A search while it is typed. Only the answer to the latest question counts. */
export class ChatSearch {
  query = $state('');
  busy = $state(false);
  results: readonly ChatListItem[] = $state.raw([]);
  /** What is offered before anything is typed. */
  recent: readonly ChatListItem[] | null = $state.raw(null);
  #tags: readonly Tag[] = $state.raw([]);
  #page = 1;
  #complete = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running: AbortController | null = null;

  readonly completions: Completion[] = $derived.by(() => completeQuery(this.query, this.#tags, this.folders()));

  constructor(
    private readonly api: ChatsApi,
    private readonly folders: () => readonly Folder[],
  ) {}

  begin(): void {
    this.query = '';
    this.results = [];
    this.api.recent().then((chats) => (this.recent = chats.slice(0, recentAtMost)), () => {});
    this.api.allTags().then((tags) => (this.#tags = tags), () => {});
  }

  typed(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#running?.abort();
    this.busy = isSearchable(this.query);
    if (!this.busy) this.results = [];
    else this.#timer = setTimeout(() => void this.#run(), pauseMilliseconds);
  }

  complete(query: string): void {
    this.query = query;
    this.typed();
  }

  async more(): Promise<void> {
    if (this.busy || this.#complete || this.results.length === 0) return;
    this.busy = true;
    const query = this.query;
    const page = await this.api.search(query, this.#page + 1).catch(() => []);
    this.busy = false;
    if (query !== this.query) return;
    this.#page++;
    this.#complete = page.length < pageSize;
    this.results = appendPage(this.results, page);
  }

  async #run(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    try {
      const page = await this.api.search(this.query.trim(), 1, running.signal);
      if (running.signal.aborted) return;
      this.results = page;
      this.#page = 1;
      this.#complete = page.length < pageSize;
    } catch {
      if (running.signal.aborted) return;
      this.results = [];
    }
    this.busy = false;
  }
}

import { ApiError } from '$/lib/api/http';
import type { UploadOptions } from '$/lib/api/http';
import type { UploadedFile } from '$/lib/api/types';
import { isPending, isUnread, itemOf, type FileItem } from './items';
import { countOf, refusalOf, type Limits } from './limits';
import type { Picture } from './pictures';

export interface FileServer {
  upload(file: File, options: UploadOptions): Promise<UploadedFile>;
  show(id: string): Promise<UploadedFile>;
  status(id: string): Promise<{ status: string }>;
  delete(id: string): Promise<unknown>;
}

const sentAtOnce = 3;
const readingLooksMilliseconds = 700;
/** Four minutes: longer than the server tries. */
const readingLooks = 340;

/** A file in the box: on its way to the server, there, or refused. */
export class Attachment {
  state: 'waiting' | 'sending' | 'sent' | 'failed' = $state('waiting');
  /** Of its bytes, from 0 to 1. */
  progress = $state(0);
  error = $state('');
  /** Whether it may go better another time. */
  retryable = $state(false);
  thumbnail = $state('');
  /** Whether the server reads its text. */
  reading = $state(false);
  /** Whether the server has no text of it: models are told no more than its name. */
  unread = $state(false);
  item: FileItem | null = null;
  readonly abort = new AbortController();

  constructor(
    readonly name: string,
    readonly size: number,
    readonly file: File | null,
  ) {}
}

/** The files that go with the question in the box. */
export class Attachments {
  #items = $state<Attachment[]>([]);
  #keep: (items: readonly FileItem[]) => void = () => {};

  readonly busy: boolean = $derived(this.#items.some(({ state }) => state === 'waiting' || state === 'sending'));
  readonly failed: boolean = $derived(this.#items.some(({ state }) => state === 'failed'));
  readonly unread: boolean = $derived(this.#items.some(({ unread }) => unread));

  constructor(
    private readonly server: FileServer,
    private readonly limits: () => Limits,
    private readonly pictureOf: (file: File, limits: Limits) => Promise<Picture | null>,
  ) {}

  get items(): readonly Attachment[] {
    return this.#items;
  }

  get count(): number {
    return this.#items.length;
  }

  /** Begins with what was kept of another time; `keep` is told of every change. */
  begin(kept: readonly FileItem[], keep: (items: readonly FileItem[]) => void): void {
    for (const attachment of this.#items) attachment.abort.abort();
    this.#keep = keep;
    this.#items = kept.map(attachmentOf);
    for (const attachment of this.#items) void this.#recall(attachment);
  }

  /** Takes files and sends them. Gives the sentence for whoever chose more than go with one message; empty otherwise. */
  add(files: readonly File[]): string {
    const limits = this.limits();
    const room = Math.max(0, countOf(limits) - this.count);
    for (const file of files.slice(0, room)) {
      const attachment = new Attachment(file.name, file.size, file);
      const refusal = refusalOf(file, limits);
      if (refusal) fail(attachment, refusal, false);
      this.#items.push(attachment);
    }
    this.#sendNext();
    return files.length > room ? `${countOf(limits)} files at most go with one message; ${files.length - room} were left out.` : '';
  }

  retry(attachment: Attachment): void {
    attachment.state = 'waiting';
    attachment.error = '';
    this.#sendNext();
  }

  /** Takes it out of the box. Nobody else knows it yet, so the server need not keep it. */
  remove(attachment: Attachment): void {
    attachment.abort.abort();
    this.#items = this.#items.filter((other) => other !== attachment);
    if (attachment.item) void this.server.delete(attachment.item.id).catch(() => {});
    this.#changed();
    this.#sendNext();
  }

  /** What goes with the question; the box is empty then. */
  take(): FileItem[] {
    const taken = this.#sent();
    this.#items = [];
    this.#changed();
    return taken;
  }

  #sent(): FileItem[] {
    return this.#items.map(({ item }) => item).filter((item) => item !== null);
  }

  #changed(): void {
    this.#keep(this.#sent());
  }

  #sendNext(): void {
    const sending = this.#items.filter(({ state }) => state === 'sending').length;
    const waiting = this.#items.filter(({ state }) => state === 'waiting');
    for (const attachment of waiting.slice(0, sentAtOnce - sending)) void this.#send(attachment);
  }

  async #send(attachment: Attachment): Promise<void> {
    attachment.state = 'sending';
    attachment.progress = 0;
    const { signal } = attachment.abort;
    try {
      const picture = await this.pictureOf(attachment.file!, this.limits());
      attachment.thumbnail = picture?.thumbnail ?? '';
      const onprogress = (part: number) => (attachment.progress = part);
      const reply = await this.server.upload(picture?.file ?? attachment.file!, { signal, onprogress });
      if (signal.aborted) return void this.server.delete(reply.id).catch(() => {});
      attachment.item = itemOf(reply, picture !== null, attachment.thumbnail);
      attachment.state = 'sent';
      this.#changed();
      void this.#read(attachment, reply);
    } catch (cause) {
      if (signal.aborted) return;
      fail(attachment, cause instanceof Error ? cause.message : String(cause), !(cause instanceof ApiError && cause.final));
    }
    this.#sendNext();
  }

  /** Follows a file's text until it is there, or will not be. */
  async #read(attachment: Attachment, file: UploadedFile): Promise<void> {
    if (attachment.item!.type !== 'file') return;
    attachment.unread = isUnread(file);
    attachment.reading = isPending(file);
    for (let looks = 0; attachment.reading && looks < readingLooks; looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, readingLooksMilliseconds));
      if (!this.#items.includes(attachment)) return;
      const status = await this.server.status(file.id).catch(() => null);
      if (status === null || status.status === 'pending') continue;
      attachment.reading = false;
      attachment.unread = status.status === 'failed';
    }
    attachment.reading = false;
  }

  /** Asks after a file of another time. One that is gone leaves the box. */
  async #recall(attachment: Attachment): Promise<void> {
    try {
      const file = await this.server.show(attachment.item!.id);
      void this.#read(attachment, file);
    } catch (cause) {
      if (!(cause instanceof ApiError && cause.status === 404) || !this.#items.includes(attachment)) return;
      this.#items = this.#items.filter((other) => other !== attachment);
      this.#changed();
    }
  }
}

function attachmentOf(item: FileItem): Attachment {
  const attachment = new Attachment(item.name, item.size, null);
  attachment.item = item;
  attachment.thumbnail = item.thumbnail;
  attachment.state = 'sent';
  return attachment;
}

function fail(attachment: Attachment, error: string, retryable: boolean): void {
  attachment.state = 'failed';
  attachment.error = error;
  attachment.retryable = retryable;
}

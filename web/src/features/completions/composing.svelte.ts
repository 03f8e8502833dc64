import type { FileItem } from '$/features/files/items';

/** Who could answer, as far as is known. */
export interface Answerers {
  readonly chosen: readonly string[];
  readonly settled: boolean;
  readonly failed: boolean;
}

/** The files that are to go with the question. */
export interface Attached {
  readonly count: number;
  /** Whether some are on their way to the server. */
  readonly busy: boolean;
  /** Whether one did not get there. */
  readonly failed: boolean;
  take(): FileItem[];
}

/**
 * What stands in the box. A question sent before any model is known, or before its files are with the server, is held there and goes out
 * when they are.
 */
export class Composing {
  text = $state('');
  held = $state(false);

  constructor(
    private readonly chat: { readonly answering: boolean },
    private readonly models: Answerers,
    private readonly attached: Attached,
    private readonly ask: (question: string, models: readonly string[], files: readonly FileItem[]) => void,
  ) {}

  get maySend(): boolean {
    return (this.text.trim() !== '' || this.attached.count > 0) && !this.attached.failed && !this.chat.answering;
  }

  /** What a held question waits for; empty when none is held. */
  get waitsFor(): 'files' | 'models' | 'retry' | 'connection' | '' {
    if (!this.held) return '';
    if (this.attached.busy) return 'files';
    if (this.models.settled) return 'connection';
    return this.models.failed ? 'retry' : 'models';
  }

  begin(text: string): void {
    this.text = text;
    this.held = false;
  }

  /** Whoever writes on is not done yet. */
  typed(): void {
    this.held = false;
  }

  send(): void {
    if (!this.maySend) return;
    this.held = !this.#ready;
    if (this.held) return;
    const question = this.text.trim();
    this.text = '';
    this.ask(question, this.models.chosen, this.attached.take());
  }

  /** To be called when something it waits for may have come. */
  release(): void {
    if (this.held && this.#ready) this.send();
  }

  get #ready(): boolean {
    return this.models.chosen.length > 0 && !this.attached.busy;
  }
}

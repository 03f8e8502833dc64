/** Who could answer, as far as is known. */
export interface Answerers {
  readonly chosen: readonly string[];
  readonly settled: boolean;
  readonly failed: boolean;
}

/** What stands in the box. A question sent before any model is known is held there, and goes out when one is. */
export class Composing {
  text = $state('');
  held = $state(false);

  constructor(
    private readonly chat: { readonly answering: boolean },
    private readonly models: Answerers,
    private readonly ask: (question: string, models: readonly string[]) => void,
  ) {}

  get maySend(): boolean {
    return this.text.trim() !== '' && !this.chat.answering;
  }

  /** What a held question waits for; empty when none is held. */
  get waitsFor(): 'models' | 'retry' | 'connection' | '' {
    if (!this.held) return '';
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
    this.held = this.models.chosen.length === 0;
    if (this.held) return;
    const question = this.text.trim();
    this.text = '';
    this.ask(question, this.models.chosen);
  }

  /** To be called when something it waits for may have come. */
  release(): void {
    if (this.held && this.models.chosen.length > 0) this.send();
  }
}

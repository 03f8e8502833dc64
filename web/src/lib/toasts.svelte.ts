export type ToastKind = 'info' | 'success' | 'warning' | 'error';

export interface Toast {
  id: number;
  kind: ToastKind;
  text: string;
  action: { label: string; run: () => void } | null;
}

const visibleAtMost = 4;

/** Short notices at the edge of the page. At most four are kept; errors stay until dismissed for twelve seconds, others five. */
export class Toasts {
  #items = $state<Toast[]>([]);
  #next = 1;

  get items(): readonly Toast[] {
    return this.#items;
  }

  show(kind: ToastKind, text: string, action: Toast['action'] = null): void {
    const toast = { id: this.#next++, kind, text, action };
    this.#items = [...this.#items, toast].slice(-visibleAtMost);
    const seconds = kind === 'error' || action ? 12 : 5;
    setTimeout(() => this.dismiss(toast.id), seconds * 1000);
  }

  error(cause: unknown): void {
    this.show('error', cause instanceof Error ? cause.message : String(cause));
  }

  dismiss(id: number): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }
}

import { isRecord } from '$/lib/api/http';

/** A model on its way to an Ollama server, as the server tells of it: layer after layer. */
export class Pull {
  status = $state('Asking …');
  /** Of what is known to come, 0 to 1; null while nothing is known. */
  share = $state<number | null>(null);
  readonly #layers = new Map<string, { total: number; completed: number }>();

  /** Takes one line; throws what the server says went wrong. */
  take(line: unknown): void {
    if (!isRecord(line)) return;
    const { status, error, digest, total, completed } = line;
    if (typeof error === 'string') throw new Error(error);
    if (typeof status === 'string') this.status = status;
    if (typeof digest !== 'string' || typeof total !== 'number' || total <= 0) return;
    this.#layers.set(digest, { total, completed: typeof completed === 'number' ? completed : 0 });
    const layers = [...this.#layers.values()];
    const sum = (of: 'total' | 'completed') => layers.reduce((all, layer) => all + layer[of], 0);
    this.share = sum('completed') / sum('total');
  }
}

export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  const size = bytes / 1000 ** power;
  return `${size.toFixed(size < 10 && power > 0 ? 1 : 0)} ${units[power]}`;
}

import { isRecord } from '$/lib/api/http';
import { sizeText } from './items';

/** What the server says beforehand of files. Null: nothing. */
export interface Limits {
  /** Of a file, in bytes. */
  size: number | null;
  /** With one message. */
  count: number | null;
  /** Endings that names may have, lower case and without a dot; empty: any. */
  endings: readonly string[];
  /** Pictures are made no larger than this before they are sent, in pixels. */
  width: number | null;
  height: number | null;
}

/** Where the server says nothing, a message carries so many. */
const countAtMost = 100;

export function limitsOf(config: unknown): Limits {
  const file = isRecord(config) && isRecord(config.file) ? config.file : {};
  const image = isRecord(file.image_compression) ? file.image_compression : {};
  const mebibytes = positive(file.max_size);
  const endings = Array.isArray(file.allowed_extensions) ? file.allowed_extensions.filter((one): one is string => typeof one === 'string') : [];
  return {
    size: mebibytes && mebibytes * 2 ** 20,
    count: positive(file.max_count),
    endings: endings.map((one) => one.replace(/^\./u, '').toLowerCase()),
    width: positive(image.width),
    height: positive(image.height),
  };
}

function positive(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}

/** Why the server would refuse a file; empty if it would not. */
export function refusalOf({ name, size }: { name: string; size: number }, limits: Limits): string {
  if (size === 0) return 'It is empty, or a folder.';
  if (limits.size !== null && size > limits.size) return `Too large: a file may have ${sizeText(limits.size)}.`;
  const ending = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  if (limits.endings.length && !limits.endings.includes(ending)) return `Files may end in ${limits.endings.join(', ')}.`;
  return '';
}

export function countOf(limits: Limits): number {
  return limits.count ?? countAtMost;
}

/** The size a picture gets: no side longer than allowed, its form kept. */
export function fitted(size: { width: number; height: number }, limits: Pick<Limits, 'width' | 'height'>): { width: number; height: number } {
  const scale = Math.min(1, (limits.width ?? Infinity) / size.width, (limits.height ?? Infinity) / size.height);
  return { width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) };
}

import { isRecord } from '$/lib/api/http';
import type { UploadedFile } from '$/lib/api/types';

/** A file as a message names it, in the form of Open WebUI's clients. What this client does not know of it is kept. */
export interface FileItem {
  /** `image`: models are shown it. */
  type: 'image' | 'file';
  /** Of the file on this server; empty for a picture that is in the message itself. */
  id: string;
  /** The id once more, or a `data:` URL. */
  url: string;
  name: string;
  /** In bytes; 0 where nobody said. */
  size: number;
  /** A small picture of it, as a `data:` URL; empty where there is none. */
  thumbnail: string;
  /** The item as it came, for whoever writes it back. */
  wire: Readonly<Record<string, unknown>>;
}

const raster = /^data:image\/(?:png|jpeg|gif|webp);base64,[\w+/=]*$/u;
const idOfAddress = /^(?:\/api\/v1\/files\/)?([\w-]{1,64})(?:\/content)?$/u;
const itemsAtMost = 200;

/** The files of a message that can be shown. Anything else (collections, notes, addresses of other servers) is left out. */
export function readItems(files: unknown): FileItem[] {
  if (!Array.isArray(files)) return [];
  return files.slice(0, itemsAtMost).map(readItem).filter((item) => item !== null);
}

function readItem(wire: unknown): FileItem | null {
  if (!isRecord(wire)) return null;
  const type = wire.type === 'image' || contentTypeOf(wire).startsWith('image/') ? 'image' : 'file';
  if (type === 'file' && wire.type !== 'file') return null;
  const url = textOf(wire.url);
  const inside = type === 'image' && raster.test(url);
  const id = inside ? '' : (idOfAddress.exec(url || textOf(wire.id))?.[1] ?? '');
  if (!inside && !id) return null;
  const name = textOf(wire.name) || (type === 'image' ? 'Picture' : 'File');
  const thumbnail = textOf(wire.thumbnail);
  return { type, id, url: url || id, name, size: sizeOf(wire), thumbnail: raster.test(thumbnail) ? thumbnail : '', wire };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

function contentTypeOf(wire: Record<string, unknown>): string {
  if (wire.content_type) return textOf(wire.content_type);
  const meta = isRecord(wire.file) && isRecord(wire.file.meta) ? wire.file.meta : {};
  return textOf(meta.content_type);
}

function sizeOf(wire: Record<string, unknown>): number {
  return typeof wire.size === 'number' && wire.size > 0 ? wire.size : 0;
}

/** How a message names what was sent. */
export function itemOf(file: UploadedFile, picture: boolean, thumbnail: string): FileItem {
  const { id, filename: name, meta } = file;
  const type = picture ? 'image' : 'file';
  const wire = { type, id, url: id, name, size: meta.size, content_type: meta.content_type, status: 'uploaded', ...(thumbnail ? { thumbnail } : {}) };
  return { type, id, url: id, name, size: meta.size, thumbnail, wire };
}

/** Whether the server says that it has no text of the file and will have none. */
export function isUnread({ data }: UploadedFile): boolean {
  return isRecord(data) && (data.status === 'failed' || (data.status === 'completed' && !data.content));
}

/** Whether the server is still reading its text. */
export function isPending({ data }: UploadedFile): boolean {
  return isRecord(data) && data.status === 'pending';
}

/** Where its bytes are. */
export function addressOf(item: FileItem, keep = false): string {
  if (!item.id) return item.url;
  return `/api/v1/files/${encodeURIComponent(item.id)}/content${keep ? '?attachment=true' : ''}`;
}

/** Those that are no pictures, each once. */
export function documentsOf(...lists: readonly (readonly FileItem[])[]): FileItem[] {
  const all = lists.flat().filter((item) => item.type === 'file');
  return [...new Map(all.map((item) => [item.id, item])).values()];
}

/** What was said together with its pictures, as models are told it. */
export function saidWith(text: unknown, files: readonly FileItem[]): unknown {
  const pictures = files.filter((item) => item.type === 'image');
  if (pictures.length === 0 || typeof text !== 'string') return text;
  return [{ type: 'text', text }, ...pictures.map(({ url }) => ({ type: 'image_url', image_url: { url } }))];
}

const units = ['B', 'kB', 'MB', 'GB'] as const;

/** A size for people, in steps of 1024, as the server counts. */
export function sizeText(bytes: number): string {
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const value = bytes / 1024 ** step;
  return `${step > 0 && value < 10 ? value.toFixed(1).replace('.0', '') : Math.round(value)} ${units[step]}`;
}

import { readItems, type FileItem } from '$/features/files/items';

const prefix = 'antiphon.draft.';
const filesPrefix = 'antiphon.draft-files.';
const draftsAtMost = 50;

/** What was begun and not sent, for each chat. It survives a reload and the end of the tab. */
export function readDraft(key: string | null): string {
  return read(prefix, key);
}

export function writeDraft(key: string | null, text: string): void {
  write(prefix, key, text);
}

/** The files that are to go with it; the server has them already. */
export function readDraftFiles(key: string | null): FileItem[] {
  try {
    return readItems(JSON.parse(read(filesPrefix, key) || '[]'));
  } catch {
    return [];
  }
}

export function writeDraftFiles(key: string | null, files: readonly FileItem[]): void {
  write(filesPrefix, key, files.length ? JSON.stringify(files.map(({ wire }) => wire)) : '');
}

function read(before: string, key: string | null): string {
  if (key === null) return '';
  try {
    return localStorage.getItem(before + key) ?? '';
  } catch {
    return '';
  }
}

function write(before: string, key: string | null, text: string): void {
  if (key === null) return;
  try {
    if (text) localStorage.setItem(before + key, text);
    else localStorage.removeItem(before + key);
    if (text) dropOldest(before);
  } catch {
    // Storage may be full or forbidden; the draft then lives as long as the page.
  }
}

/** Drafts are not to fill the storage over the years. */
function dropOldest(before: string): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(before));
  for (const key of keys.slice(0, Math.max(0, keys.length - draftsAtMost))) localStorage.removeItem(key);
}

const prefix = 'antiphon.draft.';
const draftsAtMost = 50;

/** What was begun and not sent, for each chat. It survives a reload and the end of the tab. */
export function readDraft(key: string | null): string {
  if (key === null) return '';
  try {
    return localStorage.getItem(prefix + key) ?? '';
  } catch {
    return '';
  }
}

export function writeDraft(key: string | null, text: string): void {
  if (key === null) return;
  try {
    if (text) localStorage.setItem(prefix + key, text);
    else localStorage.removeItem(prefix + key);
    if (text) dropOldest();
  } catch {
    // Storage may be full or forbidden; the draft then lives as long as the page.
  }
}

/** Drafts are not to fill the storage over the years. */
function dropOldest(): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  for (const key of keys.slice(0, Math.max(0, keys.length - draftsAtMost))) localStorage.removeItem(key);
}

import type { ChatListItem } from '$/lib/api/types';

export const pageSize = 60;

/**
 * The list after its first page was read again. What the page says wins; older items that were already loaded stay below it, and items
 * that should be on the page but are not any more (deleted, archived, moved) go.
 */
export function mergeFirstPage(loaded: readonly ChatListItem[], page: readonly ChatListItem[]): ChatListItem[] {
  if (page.length < pageSize) return [...page];
  const onPage = new Set(page.map((item) => item.id));
  const oldest = page.at(-1)!.updated_at;
  const older = loaded.filter((item) => !onPage.has(item.id) && item.updated_at <= oldest);
  return [...page, ...older];
}

/** Appends a further page. Pages shift while chats change, so what is known already is not repeated. */
export function appendPage(loaded: readonly ChatListItem[], page: readonly ChatListItem[]): ChatListItem[] {
  const known = new Set(loaded.map((item) => item.id));
  return [...loaded, ...page.filter((item) => !known.has(item.id))];
}

export function isUnread(item: ChatListItem): boolean {
  return !item.active && typeof item.last_read_at === 'number' && item.updated_at > item.last_read_at;
}

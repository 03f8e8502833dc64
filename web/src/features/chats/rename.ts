import type { App } from '$/app/app.svelte';

/** Gives a chat another title. Nothing is sent when there is nothing to change. */
export async function rename(app: App, chat: { id: string; title: string }, wanted: string): Promise<void> {
  const title = wanted.trim();
  if (!title || title === chat.title) return;
  app.chats.retitle(chat.id, title);
  if (app.open.id === chat.id) app.open.title = title;
  await app.attempt(() => app.api.chats.update(chat.id, { title }));
  // What the reader changed is not news.
  app.live.markRead(chat.id);
  app.chats.read(chat.id);
}

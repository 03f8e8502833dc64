import type { App } from '$/app/app.svelte';

/** Gives a chat another title. Nothing is sent when there is nothing to change. */
export async function rename(app: App, chat: { id: string; title: string }, wanted: string): Promise<void> {
  const title = wanted.trim();
  if (!title || title === chat.title) return;
  show(app, chat.id, title);
  if (!(await app.attempt(() => app.api.chats.update(chat.id, { title })))) return show(app, chat.id, chat.title);
  // What the reader changed is not news.
  app.live.markRead(chat.id);
  app.chats.read(chat.id);
}

function show(app: App, id: string, title: string): void {
  app.chats.retitle(id, title);
  if (app.open.id === id) app.open.title = title;
}

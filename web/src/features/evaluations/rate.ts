import type { App } from '$/app/app.svelte';
import type { ChatMessage } from '$/features/chats/message.svelte';
import type { FeedbackForm } from '$/lib/api/types';

/** Remembers what the reader thinks of an answer: with the message, and among the evaluations. */
export async function rate(app: App, message: ChatMessage, rating: 1 | -1): Promise<void> {
  const chatId = app.open.id;
  if (chatId === null) return;
  const form: FeedbackForm = {
    type: 'rating',
    data: { rating, model_id: message.model ?? '', ...siblings(app, message) },
    meta: {
      model_id: message.model ?? '',
      message_id: message.id,
      chat_id: chatId,
      ...(app.open.complete ? { message_index: app.open.branch.indexOf(message) } : {}),
    },
  };
  const { evaluations } = app.api;
  const feedback = message.feedbackId ? await evaluations.update(message.feedbackId, form) : await evaluations.create(form);
  await app.open.save(message, () => {
    message.annotation = { ...message.annotation, rating };
    message.feedbackId = feedback.id;
  });
  // What the reader changed is not news.
  app.live.markRead(chatId);
  app.chats.read(chatId);
}

function siblings(app: App, message: ChatMessage): { sibling_model_ids?: string[] } {
  const others = app.open.sideBySide(message.parentId ?? '').filter((other) => other.id !== message.id);
  const ids = others.map((other) => other.model).filter((id): id is string => id !== undefined);
  return ids.length ? { sibling_model_ids: ids } : {};
}

import { isRecord } from '$/lib/api/http';
import type { ImportForm } from '$/lib/api/types';

/** Chats of an exported file in the form the server takes. Null when the file is something else. */
export function readChats(text: string): ImportForm[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  const entries = Array.isArray(parsed) ? parsed : [parsed];
  const chats = entries.map(formOf);
  return chats.length > 0 && chats.every((chat) => chat !== null) ? chats : null;
}

const kept = ['meta', 'pinned', 'archived', 'variables', 'created_at', 'updated_at', 'current_message_id'];

function formOf(entry: unknown): ImportForm | null {
  if (!isRecord(entry)) return null;
  const chat = isRecord(entry.chat) ? entry.chat : entry;
  if (!isRecord(chat.history) || !isRecord(chat.history.messages)) return null;
  const rest = Object.fromEntries(kept.filter((key) => key in entry && entry !== chat).map((key) => [key, entry[key]]));
  return { ...rest, chat: { ...chat, title: chat.title ?? entry.title ?? 'Imported chat' } };
}

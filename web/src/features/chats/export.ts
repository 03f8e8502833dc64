import type { Chat } from '$/lib/api/types';

/** Hands the chat to the browser as a JSON file that can be imported again. */
export function exportChat(chat: Chat): void {
  saveFile(`${fileName(chat.title)}.json`, JSON.stringify([chat], null, 2), 'application/json');
}

export function fileName(title: string): string {
  return title.replace(/[^\p{L}\p{N} ._-]+/gu, ' ').replace(/\s+/g, ' ').replace(/^[ .]+|[ .]+$/g, '').slice(0, 80) || 'chat';
}

function saveFile(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

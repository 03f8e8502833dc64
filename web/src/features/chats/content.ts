import { isRecord } from '$/lib/api/http';

/** The words of a message's content: itself, or its parts that are text, one below the other. Chats brought in may have parts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : '')).filter(Boolean).join('\n');
}

import { readItems, saidWith, type FileItem } from '$/features/files/items';
import type { CompletionRequest, Message, Params } from '$/lib/api/types';

/** One turn. The server makes the chat when there is none, and all messages; the tokens arrive over the socket. */
export interface Turn {
  chatId: string | null;
  folderId: string | null;
  question: Message;
  answers: readonly Message[];
  /** Only for temporary chats, which the server does not keep. */
  history: readonly Message[] | null;
  /** What is no picture, of the whole chat. */
  documents: readonly FileItem[];
  system: string;
  params: Params;
  /** Whether this answer is written on instead of begun. */
  continued: boolean;
  sessionId: string;
  user: { name: string; email: string };
  /** The reader's language, as the browser names it. */
  language: string;
}

export function temporaryId(sessionId: string): string {
  return `temporary:${sessionId}`;
}

export function isTemporary(chatId: string | null): boolean {
  return chatId?.startsWith('temporary:') ?? false;
}

export function buildRequest(turn: Turn, now: Date): CompletionRequest {
  const first = turn.answers[0]!;
  const temporary = isTemporary(turn.chatId);
  const isFirstTurn = !turn.question.parentId && !turn.continued;
  const messages = requestMessages(turn);
  return {
    stream: true,
    model: first.model ?? '',
    session_id: turn.sessionId,
    ...(turn.chatId ? { chat_id: turn.chatId } : {}),
    id: first.id,
    parent_id: turn.question.parentId ?? null,
    user_message: turn.question,
    message_ids: turn.answers.map((answer) => ({ model_id: answer.model ?? '', message_id: answer.id, modelIdx: answer.modelIdx ?? 0 })),
    ...(turn.continued ? { assistant_message_id: first.id } : {}),
    ...(messages.length ? { messages } : {}),
    ...(turn.documents.length ? { files: turn.documents.map(({ wire }) => wire) } : {}),
    params: turn.params,
    variables: variables(turn, now),
    features: {},
    ...(turn.folderId && !turn.chatId ? { folder_id: turn.folderId } : {}),
    background_tasks: {
      ...(isFirstTurn && !temporary ? { title_generation: true, tags_generation: true } : {}),
      follow_up_generation: true,
    },
  };
}

function requestMessages(turn: Turn): NonNullable<CompletionRequest['messages']> {
  const system = turn.system.trim() ? [{ role: 'system', content: turn.system }] : [];
  const history = turn.history ?? [];
  return [...system, ...history.map((message) => ({ role: message.role, content: saidWith(message.content, readItems(message.files)) }))];
}

/** Values for the placeholders people may use in system prompts. */
function variables({ user, language }: Turn, now: Date): Record<string, string> {
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  const time = `${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())}`;
  return {
    '{{USER_NAME}}': user.name,
    '{{USER_EMAIL}}': user.email,
    '{{CURRENT_DATETIME}}': `${date} ${time}`,
    '{{CURRENT_DATE}}': date,
    '{{CURRENT_TIME}}': time,
    '{{CURRENT_WEEKDAY}}': now.toLocaleDateString('en', { weekday: 'long' }),
    '{{CURRENT_TIMEZONE}}': Intl.DateTimeFormat().resolvedOptions().timeZone,
    '{{USER_LANGUAGE}}': language,
  };
}

import type { Message, Params, SessionUser } from '$/lib/api/types';
import { ApiError } from '$/lib/api/http';
import type { Live } from '$/lib/live/live.svelte';
import type { ChatsApi } from '$/features/chats/api';
import type { ChatMessage } from '$/features/chats/message.svelte';
import type { OpenChat } from '$/features/chats/open_chat.svelte';
import type { CompletionsApi } from './api';
import { outputText } from './output';
import { documentsOf, type FileItem } from '$/features/files/items';
import { buildRequest, temporaryId } from './request';

export interface Speaker {
  user: SessionUser;
  system: string;
  params: Params;
}

/** What people do with answers: ask, ask again, write on, stop. It works on the open chat; the words arrive over the socket. */
export class Turns {
  stopping = $state(false);
  /** The question on its way, and then the id of its chat: there is nothing to stop before the server has taken it. */
  #starting: Promise<string | null> = Promise.resolve(null);

  constructor(
    private readonly chat: OpenChat,
    private readonly completions: CompletionsApi,
    private readonly chats: ChatsApi,
    private readonly live: Live,
    private readonly speaker: () => Speaker,
    private readonly onNamed: (chatId: string) => void,
  ) {}

  /** Asks after the message `parentId` (null: at the beginning). */
  async ask(text: string, models: readonly string[], files: readonly FileItem[] = [], parentId: string | null = this.chat.currentId): Promise<void> {
    this.chat.documents = documentsOf(this.chat.documents, files);
    const question = this.chat.add(message('user', parentId, { content: text, models: [...models], files: files.map(({ wire }) => wire) }));
    question.unsent = true;
    await this.answer(question, models);
  }

  /** Another answer to the same question, beside the first. */
  async regenerate(answer: ChatMessage, model: string): Promise<void> {
    const question = await this.#questionOf(answer);
    if (question) await this.#start(question, [this.#answerTo(question, model, answer.modelIdx ?? 0)]);
  }

  async continue(answer: ChatMessage): Promise<void> {
    const question = await this.#questionOf(answer);
    if (!question) return;
    answer.reopen();
    await this.#start(question, [answer], true);
  }

  /** Sends once more what the server did not take, under the same ids: if it had been taken after all, nothing doubles. */
  async retry(question: ChatMessage): Promise<void> {
    const answers = this.chat.answersTo(question.id).filter((answer) => answer.unsent);
    for (const answer of answers) answer.reopen();
    if (answers.length) await this.#start(question, answers);
  }

  async stop(): Promise<void> {
    if (this.stopping) return;
    const known = this.chat.id;
    this.stopping = true;
    try {
      const taken = await this.#starting;
      const id = known ?? taken;
      if (id !== null) await this.completions.stop(id);
    } finally {
      this.stopping = false;
    }
  }

  /** An answer to a question that has none (any more). */
  async answer(question: ChatMessage, models: readonly string[]): Promise<void> {
    await this.#start(question, models.map((model, index) => this.#answerTo(question, model, index)));
  }

  /** Changes the words of a message in place. */
  async rewrite(target: ChatMessage, text: string): Promise<void> {
    await this.chat.save(target, () => {
      target.content = text;
      if (target.role !== 'assistant') return;
      const others = target.output.filter((item) => item.type !== 'message');
      const written = { type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text }] };
      target.setOutput([...others, written]);
    });
  }

  async remove(target: ChatMessage): Promise<void> {
    if (!this.chat.id || this.chat.temporary) return;
    await this.chats.deleteMessage(this.chat.id, target.id);
    await this.chat.resync();
  }

  /** The question may be on the page before, which is not loaded yet. */
  async #questionOf(answer: ChatMessage): Promise<ChatMessage | undefined> {
    if (!answer.parentId) return undefined;
    if (!this.chat.message(answer.parentId)) await this.chat.loadEarlier();
    return this.chat.message(answer.parentId);
  }

  #answerTo(question: ChatMessage, model: string, modelIdx: number): ChatMessage {
    const answer = this.chat.add(message('assistant', question.id, { model, modelIdx, done: false }));
    answer.unsent = true;
    return answer;
  }

  async #start(question: ChatMessage, answers: ChatMessage[], continued = false): Promise<void> {
    this.chat.moveTo(answers.at(-1)!.id);
    const sent = this.#send(question, answers, continued);
    this.#starting = sent.catch(() => null);
    await sent;
  }

  /** Gives the id of the chat it is in; null when the server did not take it, which the answers then say. */
  async #send(question: ChatMessage, answers: ChatMessage[], continued: boolean): Promise<string | null> {
    try {
      const sessionId = await this.live.sessionId();
      const reply = await this.completions.start(this.#request(sessionId, question, answers, continued));
      for (const sent of [question, ...answers]) sent.unsent = false;
      const id = reply.chat_id ?? null;
      if (id !== null && this.chat.id === null && this.chat.message(question.id)) {
        this.chat.named(id);
        this.onNamed(id);
      }
      return id;
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 409) await this.chat.resync();
      else for (const answer of answers) answer.fail(cause instanceof Error ? cause.message : String(cause));
      return null;
    }
  }

  #request(sessionId: string, question: ChatMessage, answers: ChatMessage[], continued: boolean) {
    if (this.chat.temporary && this.chat.id === null) this.chat.named(temporaryId(sessionId));
    const { user, system, params } = this.speaker();
    const turn = {
      chatId: this.chat.id,
      folderId: this.chat.folderId,
      question: question.toWire(),
      answers: answers.map((answer) => answer.toWire()),
      history: this.chat.temporary ? this.#spoken(question, continued ? answers[0]! : null) : null,
      documents: this.chat.documents,
      system: this.chat.system || system,
      params: { ...params, ...this.chat.params },
      continued,
      sessionId,
      user,
      language: navigator.language,
    };
    return buildRequest(turn, new Date());
  }

  /** What was said up to the question. The server does not keep temporary chats, so it has to be told. */
  #spoken(question: ChatMessage, unfinished: ChatMessage | null): Message[] {
    const upTo = this.chat.branch.findIndex((entry) => entry.id === question.id);
    const spoken = this.chat.branch.slice(0, upTo + 1).map((entry) => entry.toWire());
    if (unfinished) spoken.push({ ...unfinished.toWire(), content: outputText(unfinished.output) });
    return spoken;
  }
}

function message(role: 'user' | 'assistant', parentId: string | null, fields: Partial<Message>): Message {
  return {
    id: newId(),
    parentId,
    role,
    content: '',
    timestamp: Math.floor(Date.now() / 1000),
    ...fields,
  };
}

/** `crypto.randomUUID` exists only on https and localhost; people also reach their server by its name in the house. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

import type { Http } from '$/lib/api/http';
import type { CompletionRequest } from '$/lib/api/types';

export class CompletionsApi {
  constructor(private readonly http: Http) {}

  start = (request: CompletionRequest) => this.http.call('POST /api/chat/completions', { body: request });
  stop = (chatId: string) => this.http.call('POST /api/tasks/chat/{chat_id}/stop', { path: { chat_id: chatId } });
}

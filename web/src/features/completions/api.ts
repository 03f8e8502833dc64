import type { Http } from '$/lib/api/http';
import type { CompletionReply } from '$/lib/api/types';
import type { CompletionRequest } from './request';

export class CompletionsApi {
  constructor(private readonly http: Http) {}

  start = (request: CompletionRequest) => this.http.post<CompletionReply>('/api/chat/completions', request);
  stop = (chatId: string) => this.http.post<{ status: boolean }>(`/api/tasks/chat/${encodeURIComponent(chatId)}/stop`);
  running = (chatId: string) => this.http.get<{ task_ids: string[] }>(`/api/tasks/chat/${encodeURIComponent(chatId)}`);
}

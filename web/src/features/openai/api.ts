import type { Http } from '$/lib/api/http';
import type { ConnectionConfig, OpenAIConfig } from '$/lib/api/types';

export class OpenAIApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.get<OpenAIConfig>('/openai/config');
  saveConfig = (config: OpenAIConfig) => this.http.post<OpenAIConfig>('/openai/config/update', config);
  verify = (url: string, key: string, config: ConnectionConfig) => this.http.post<unknown>('/openai/verify', { url, key, config });
}

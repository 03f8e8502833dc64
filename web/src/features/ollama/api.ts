import type { Http } from '$/lib/api/http';
import type { OllamaConfig } from '$/lib/api/types';

export class OllamaApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.get<OllamaConfig>('/ollama/config');
  saveConfig = (config: OllamaConfig) => this.http.post<OllamaConfig>('/ollama/config/update', config);
  verify = (url: string, key: string) => this.http.post<{ version?: string }>('/ollama/verify', { url, key });
}

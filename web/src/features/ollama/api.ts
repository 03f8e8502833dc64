import type { Http } from '$/lib/api/http';
import type { OllamaConfig } from '$/lib/api/types';

/** `place`: of the server among the connections. */
export class OllamaApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.call('GET /ollama/config');
  saveConfig = (config: OllamaConfig) => this.http.call('POST /ollama/config/update', { body: config });
  verify = (url: string, key: string) => this.http.call('POST /ollama/verify', { body: { url, key } });
}

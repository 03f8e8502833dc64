import type { Http } from '$/lib/api/http';
import type { ConnectionOptions, OpenAIConfig } from '$/lib/api/types';

export class OpenAIApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.call('GET /openai/config');
  saveConfig = (config: OpenAIConfig) => this.http.call('POST /openai/config/update', { body: config });
  verify = (url: string, key: string, config: ConnectionOptions) => this.http.call('POST /openai/verify', { body: { url, key, config } });
}

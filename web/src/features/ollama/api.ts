import type { Http } from '$/lib/api/http';
import type { ConnectionOptions, OllamaConfig } from '$/lib/api/types';

/** `place`: of the server among the connections. */
export class OllamaApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.call('GET /ollama/config');
  saveConfig = (config: OllamaConfig) => this.http.call('POST /ollama/config/update', { body: config });
  verify = (url: string, key: string, config: ConnectionOptions) => this.http.call('POST /ollama/verify', { body: { url, key, config } });
  models = (place: number) => this.http.call('GET /ollama/api/tags/{url_idx}', { path: { url_idx: String(place) } });
  /** Tells line by line how far it is. */
  pull = (place: number, model: string, signal: AbortSignal) =>
    this.http.lines('POST /ollama/api/pull/{url_idx}', { path: { url_idx: String(place) }, body: { model }, signal });
  delete = (place: number, model: string) => this.http.call('DELETE /ollama/api/delete/{url_idx}', { path: { url_idx: String(place) }, body: { model } });
}

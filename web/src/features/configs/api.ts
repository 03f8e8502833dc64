import type { Http } from '$/lib/api/http';
import type { ModelsConfig, TaskConfig } from '$/lib/api/types';

export class ConfigsApi {
  constructor(private readonly http: Http) {}

  models = () => this.http.call('GET /api/v1/configs/models');
  saveModels = (config: ModelsConfig) => this.http.call('POST /api/v1/configs/models', { body: config });
  tasks = () => this.http.call('GET /api/v1/tasks/config');
  saveTasks = (config: TaskConfig) => this.http.call('POST /api/v1/tasks/config/update', { body: config });
  /** Every setting of the server, with its value unless it is a secret. */
  settings = (): Promise<unknown> => this.http.call('GET /api/v1/configs/settings');
  saveSettings = (changes: Record<string, unknown>): Promise<unknown> => this.http.call('POST /api/v1/configs/settings', { body: { changes } });
  cluster = () => this.http.call('GET /api/v1/cluster');
  version = () => this.http.call('GET /api/version');
}

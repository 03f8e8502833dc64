import type { Http } from '$/lib/api/http';

export interface ModelsConfig {
  DEFAULT_MODELS: string | null;
  [name: string]: unknown;
}

export type TaskConfig = Record<string, unknown>;

export class ConfigsApi {
  constructor(private readonly http: Http) {}

  models = () => this.http.get<ModelsConfig>('/api/v1/configs/models');
  saveModels = (config: ModelsConfig) => this.http.post<ModelsConfig>('/api/v1/configs/models', config);
  tasks = () => this.http.get<TaskConfig>('/api/v1/tasks/config');
  saveTasks = (config: TaskConfig) => this.http.post<TaskConfig>('/api/v1/tasks/config/update', config);
  version = () => this.http.get<{ version: string; deployment_id?: string }>('/api/version');
}

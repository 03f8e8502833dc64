import type { Http } from '$/lib/api/http';
import type { AccessGrant, ModelInfo, ModelRow } from '$/lib/api/types';

const base = '/api/v1/models';

export type ModelForm = Pick<ModelRow, 'id' | 'base_model_id' | 'name' | 'meta' | 'params' | 'is_active'> & { access_grants?: AccessGrant[] };

const byId = (id: string) => `id=${encodeURIComponent(id)}`;

export class ModelsApi {
  constructor(private readonly http: Http) {}

  list = (refresh = false) => this.http.get<{ data: ModelInfo[] }>('/api/models', refresh ? { refresh: true } : undefined);
  base = () => this.http.get<{ data: ModelInfo[] }>('/api/models/base');
  rows = () => this.http.get<ModelRow[]>(`${base}/base`);
  create = (form: ModelForm) => this.http.post<ModelRow>(`${base}/create`, form);
  update = (form: ModelForm) => this.http.post<ModelRow>(`${base}/model/update?${byId(form.id)}`, form);
  saveAccess = (id: string, name: string, grants: AccessGrant[]) =>
    this.http.post<ModelRow>(`${base}/model/access/update`, { id, name, access_grants: grants });
}

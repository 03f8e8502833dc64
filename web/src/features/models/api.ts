import type { Http } from '$/lib/api/http';
import type { AccessGrant, ModelForm } from '$/lib/api/types';

export class ModelsApi {
  constructor(private readonly http: Http) {}

  list = (refresh = false) => this.http.call('GET /api/models', { query: refresh ? { refresh } : {} });
  base = () => this.http.call('GET /api/models/base');
  rows = () => this.http.call('GET /api/v1/models/base');
  create = (form: ModelForm) => this.http.call('POST /api/v1/models/create', { body: form });
  update = (form: ModelForm) => this.http.call('POST /api/v1/models/model/update', { body: form });
  /** Makes or changes many at once. */
  import = (models: ModelForm[]) => this.http.call('POST /api/v1/models/import', { body: { models } });
  saveAccess = (id: string, name: string, grants: AccessGrant[]) =>
    this.http.call('POST /api/v1/models/model/access/update', { body: { id, name, access_grants: grants } });
}

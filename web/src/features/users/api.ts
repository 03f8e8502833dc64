import type { Http } from '$/lib/api/http';
import type { UserSettings, UserUpdate } from '$/lib/api/types';

export class UsersApi {
  constructor(private readonly http: Http) {}

  list = (page: number, query: string) => this.http.call('GET /api/v1/users/', { query: { page, query } });
  /** People of this server whose name or address has the words in it; everybody with an account may ask. */
  find = (query: string) => this.http.call('GET /api/v1/users/search', { query: { page: 1, query } });
  person = (id: string) => this.http.call('GET /api/v1/users/{id}/info', { path: { id } });
  /** Groups that something may be shared with. */
  groups = () => this.http.call('GET /api/v1/groups/', { query: { share: true } });
  group = (id: string) => this.http.call('GET /api/v1/groups/id/{id}/info', { path: { id } });
  update = (id: string, change: UserUpdate) => this.http.call('POST /api/v1/users/{id}/update', { path: { id }, body: change });
  delete = (id: string) => this.http.call('DELETE /api/v1/users/{id}', { path: { id } });
  settings = () => this.http.call('GET /api/v1/users/user/settings');
  saveSettings = (settings: UserSettings) => this.http.call('POST /api/v1/users/user/settings/update', { body: settings });
}

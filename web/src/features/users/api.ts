import type { Http } from '$/lib/api/http';
import type { UserRow, UserSettings } from '$/lib/api/types';

const base = '/api/v1/users';

export type Person = Pick<UserRow, 'id' | 'name' | 'email'>;
export type UserUpdate = { role?: string; name?: string; email?: string; password?: string; profile_image_url?: string };

export class UsersApi {
  constructor(private readonly http: Http) {}

  list = (page: number, query: string) => this.http.get<{ users: UserRow[]; total: number }>(`${base}/`, { page, query });
  /** People of this server whose name or address has the words in it; everybody with an account may ask. */
  find = (query: string) => this.http.get<{ users: Person[] }>(`${base}/search`, { page: 1, query });
  person = (id: string) => this.http.get<Person>(`${base}/${id}/info`);
  update = (id: string, change: UserUpdate) => this.http.post<UserRow>(`${base}/${id}/update`, change);
  delete = (id: string) => this.http.delete<boolean>(`${base}/${id}`);
  settings = () => this.http.get<UserSettings | null>(`${base}/user/settings`);
  saveSettings = (settings: UserSettings) => this.http.post<UserSettings>(`${base}/user/settings/update`, settings);
}

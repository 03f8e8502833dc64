import type { Http } from '$/lib/api/http';
import type { AdminConfig, ApiKey, Role, ServerConfig, SessionUser } from '$/lib/api/types';

const base = '/api/v1/auths';

export interface ApiKeyForm {
  name: string;
  scopes?: string[];
  expires_at?: number;
}

export class AuthsApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.get<ServerConfig>('/api/config');
  session = () => this.http.get<SessionUser>(`${base}/`);
  signIn = (email: string, password: string) => this.http.post<SessionUser>(`${base}/signin`, { email, password });
  signUp = (name: string, email: string, password: string) => this.http.post<SessionUser>(`${base}/signup`, { name, email, password });
  signOut = () => this.http.post<unknown>(`${base}/signout`);
  updateProfile = (name: string, image: string) => this.http.post<unknown>(`${base}/update/profile`, { name, profile_image_url: image });
  updatePassword = (password: string, next: string) => this.http.post<boolean>(`${base}/update/password`, { password, new_password: next });
  addUser = (user: { name: string; email: string; password: string; role: Role }) => this.http.post<SessionUser>(`${base}/add`, user);
  adminConfig = () => this.http.get<AdminConfig>(`${base}/admin/config`);
  saveAdminConfig = (config: AdminConfig) => this.http.post<AdminConfig>(`${base}/admin/config`, config);
  adminDetails = () => this.http.get<{ name: string | null; email: string | null }>(`${base}/admin/details`);
  apiKeys = () => this.http.get<ApiKey[]>(`${base}/api_keys`);
  createApiKey = (form: ApiKeyForm) => this.http.post<{ api_key: string; key: ApiKey }>(`${base}/api_keys`, form);
  deleteApiKey = (id: string) => this.http.delete<boolean>(`${base}/api_keys/${encodeURIComponent(id)}`);
}

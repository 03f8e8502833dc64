import type { Http } from '$/lib/api/http';
import type { AdminConfig, ApiKeyForm, Role } from '$/lib/api/types';

export class AuthsApi {
  constructor(private readonly http: Http) {}

  config = () => this.http.call('GET /api/config');
  session = () => this.http.call('GET /api/v1/auths/');
  signIn = (email: string, password: string) => this.http.call('POST /api/v1/auths/signin', { body: { email, password } });
  signUp = (name: string, email: string, password: string) => this.http.call('POST /api/v1/auths/signup', { body: { name, email, password } });
  signOut = () => this.http.call('POST /api/v1/auths/signout');
  updateTimezone = (timezone: string) => this.http.call('POST /api/v1/auths/update/timezone', { body: { timezone } });
  updateProfile = (name: string, image: string) => this.http.call('POST /api/v1/auths/update/profile', { body: { name, profile_image_url: image } });
  updatePassword = (password: string, next: string) => this.http.call('POST /api/v1/auths/update/password', { body: { password, new_password: next } });
  addUser = (user: { name: string; email: string; password: string; role: Role }) => this.http.call('POST /api/v1/auths/add', { body: user });
  adminConfig = () => this.http.call('GET /api/v1/auths/admin/config');
  saveAdminConfig = (config: AdminConfig) => this.http.call('POST /api/v1/auths/admin/config', { body: config });
  adminDetails = () => this.http.call('GET /api/v1/auths/admin/details');
  apiKeys = () => this.http.call('GET /api/v1/auths/api_keys');
  createApiKey = (form: ApiKeyForm) => this.http.call('POST /api/v1/auths/api_keys', { body: form });
  deleteApiKey = (id: string) => this.http.call('DELETE /api/v1/auths/api_keys/{id}', { path: { id } });
}

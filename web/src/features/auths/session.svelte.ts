import { ApiError, isRecord } from '$/lib/api/http';
import type { ServerConfig, SessionUser } from '$/lib/api/types';
import type { AuthsApi } from './api';

export type SessionState = 'loading' | 'unreachable' | 'set-up' | 'signed-out' | 'pending' | 'ready';

function isStranger(config: ServerConfig): boolean {
  return config.permissions === undefined && config.ui === undefined;
}

/** Who is signed in, and what the server says about itself. */
export class Session {
  #config = $state.raw<ServerConfig | null>(null);
  #user = $state.raw<SessionUser | null>(null);
  #loaded = $state(false);
  #unreachable = $state(false);
  #checking: Promise<void> | null = null;

  readonly state: SessionState = $derived.by(() => {
    if (this.#unreachable && !this.#user) return 'unreachable';
    if (!this.#loaded) return 'loading';
    if (this.#config?.onboarding) return 'set-up';
    if (!this.#user) return 'signed-out';
    return this.#user.role === 'pending' ? 'pending' : 'ready';
  });

  constructor(private readonly api: AuthsApi) {}

  get config(): ServerConfig | null {
    return this.#config;
  }

  get user(): SessionUser | null {
    return this.#user;
  }

  get isAdmin(): boolean {
    return this.#user?.role === 'admin';
  }

  /** Whether a permission of the tree is granted. Administrators may do everything; what is not named is allowed by default. */
  may(group: string, permission: string): boolean {
    const tree = this.#user?.permissions;
    const branch = isRecord(tree) ? tree[group] : undefined;
    return this.isAdmin || !isRecord(branch) || branch[permission] !== false;
  }

  async start(): Promise<void> {
    this.#unreachable = false;
    try {
      this.#config = await this.api.config();
      // Strangers are told less. Asking who they are would only put a refusal on record.
      if (isStranger(this.#config)) this.#user = null;
      else await this.#whoAmI();
      if (!this.#user && this.#config.features.auth === false) this.#user = await this.api.signIn('', '');
      if (this.#user) this.#config = await this.api.config();
      this.#loaded = true;
    } catch {
      this.#unreachable = true;
    }
  }

  /** Some request was refused for want of a session. */
  doubt(path: string): void {
    if (this.#user && !path.startsWith('/api/v1/auths/')) void this.recheck();
  }

  /** Asks again who is signed in; many callers at once cause one question. */
  recheck(): Promise<void> {
    this.#checking ??= this.#whoAmI()
      .catch(() => {})
      .finally(() => (this.#checking = null));
    return this.#checking;
  }

  async signIn(email: string, password: string): Promise<void> {
    await this.#enter(await this.api.signIn(email, password));
  }

  async signUp(name: string, email: string, password: string): Promise<void> {
    await this.#enter(await this.api.signUp(name, email, password));
  }

  async signOut(): Promise<void> {
    await this.api.signOut();
    this.#user = null;
    await this.refreshConfig();
  }

  async refreshConfig(): Promise<void> {
    this.#config = await this.api.config().catch(() => this.#config);
  }

  renamed(name: string): void {
    if (this.#user) this.#user = { ...this.#user, name };
  }

  async #enter(user: SessionUser): Promise<void> {
    this.#config = await this.api.config();
    this.#user = user;
    // What he did on which day is counted in his own zone. Nothing here waits for it.
    void this.api.updateTimezone(Intl.DateTimeFormat().resolvedOptions().timeZone).catch(() => {});
  }

  async #whoAmI(): Promise<void> {
    try {
      this.#user = await this.api.session();
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 401) throw cause;
      this.#user = null;
    }
  }
}

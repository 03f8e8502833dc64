import type { UiSettings, UserSettings } from '$/lib/api/types';
import type { UsersApi } from './api';

/** What the user set for themself on the server. Parts other clients wrote are kept. */
export class Settings {
  #all: UserSettings = $state.raw({});

  constructor(private readonly api: UsersApi) {}

  get ui(): UiSettings {
    return this.#all.ui ?? {};
  }

  async refresh(): Promise<void> {
    this.#all = (await this.api.settings()) ?? {};
  }

  async save(change: Partial<UiSettings>): Promise<void> {
    this.#all = { ...this.#all, ui: { ...this.ui, ...change } };
    this.#all = await this.api.saveSettings(this.#all);
  }
}

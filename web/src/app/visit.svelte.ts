import { needsConnection } from '$/features/models/demonstration';
import type { Envelope } from '$/lib/live/events';
import type { Connection } from '$/lib/live/live.svelte';
import type { Route } from '$/lib/router.svelte';
import type { App } from './app.svelte';
import type { Shortcut } from './shortcuts.svelte';

const modelsStorageKey = 'antiphon.models';

/** One stay of a signed-in user: connects what the parts of the page share, and keeps what is open around the chat. */
export class Visit {
  sidebarOpen = $state(true);
  drawerOpen = $state(false);
  searching = $state(false);
  listingKeys = $state(false);
  pickingModel = $state(false);
  /** An administrator without any model is led to the place where one is connected, until they say "later". */
  connectLater = $state(false);
  #version: string | null = null;
  #settings: Promise<void> = Promise.resolve();

  constructor(private readonly app: App) {}

  /** Begins the stay; the returned function ends it. */
  start(): () => void {
    const { app } = this;
    this.#connect();
    void this.#load();
    const stops = [
      app.live.listen((envelope) => this.#receive(envelope)),
      app.live.onConnect((connection) => void this.#connected(connection)),
      app.live.onAccessChange(() => void app.session.recheck()),
    ];
    return () => {
      stops.forEach((stop) => stop());
      app.live.disconnect();
    };
  }

  /** Opens what the address names. */
  follow(route: Route, query: URLSearchParams): void {
    const { open, live, chats } = this.app;
    this.drawerOpen = false;
    // What was changed here (a title, a branch) is not news for whoever changed it.
    if (open.id !== null && !open.temporary && open.missing === null && open.id !== route.params.id) {
      live.markRead(open.id);
      chats.read(open.id);
    }
    if (route.name === 'chat' && route.params.id !== open.id) void this.#openChat(route.params.id!);
    if (route.name === 'new') open.startNew(query.get('folder'), query.has('temporary'));
  }

  newChat(): void {
    const { router, open } = this.app;
    if (router.path === '/' && router.query.size === 0) open.startNew();
    router.go('/');
    this.drawerOpen = false;
    this.focusComposer();
  }

  focusComposer(): void {
    requestAnimationFrame(() => document.getElementById('composer')?.focus());
  }

  rememberModels(): void {
    try {
      localStorage.setItem(modelsStorageKey, JSON.stringify(this.app.models.chosen));
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  /** Reads the models; what waits for one goes on. */
  async loadModels(): Promise<void> {
    const { models, settings, session } = this.app;
    if (!(await this.app.attempt(() => models.refresh()))) return;
    await this.#settings;
    if (models.chosen.length === 0) models.prefer(storedModels(), settings.ui.models, session.config?.default_models?.split(','));
  }

  shortcuts(): Shortcut[] {
    const { app } = this;
    return [
      { keys: 'Mod+Shift+O', label: 'New chat', run: () => this.newChat() },
      { keys: 'Mod+K', label: 'Search chats', run: () => (this.searching = true) },
      { keys: 'Mod+Shift+M', label: 'Choose a model', run: () => (this.pickingModel = true) },
      { keys: 'Mod+Shift+S', label: 'Show or hide the sidebar', run: () => this.toggleSidebar() },
      { keys: 'Shift+Escape', label: 'Go to the message', run: () => this.focusComposer() },
      { keys: 'Mod+.', label: 'Settings', run: () => app.router.go('/settings') },
      { keys: 'Mod+/', label: 'This list', run: () => (this.listingKeys = true) },
    ];
  }

  toggleSidebar(): void {
    if (matchMedia('(width < 48rem)').matches) this.drawerOpen = !this.drawerOpen;
    else this.sidebarOpen = !this.sidebarOpen;
  }

  #connect(): void {
    const { live, session } = this.app;
    live.connect({
      websocket: session.config?.features.enable_websocket ?? true,
      token: import.meta.env.DEV ? session.user?.token : undefined,
    });
  }

  async #load(): Promise<void> {
    const { app } = this;
    await app.session.refreshConfig();
    void app.api.configs.version().then((reply) => (this.#version = `${reply.version} ${reply.antiphon} ${reply.deployment_id ?? ''}`), () => {});
    this.#settings = app.settings.refresh().catch(() => {});
    await Promise.all([app.attempt(() => app.chats.refresh()), app.folders.refresh().catch(() => {}), this.loadModels()]);
    // The first answer should not wait for what draws it.
    setTimeout(() => void app.texts.load(), 1_000);
    const { session, models, router } = app;
    if (session.isAdmin && router.route.name === 'new' && needsConnection(models.items) && !this.connectLater && app.chats.items.length === 0) {
      router.go('/connect', { replace: true });
    }
  }

  async #openChat(id: string): Promise<void> {
    const { open, live, chats } = this.app;
    await open.load(id);
    if (open.missing || open.id !== id) return;
    live.markRead(id);
    chats.read(id);
  }

  #receive(envelope: Envelope): void {
    const { open, chats, toasts, live, router } = this.app;
    if (envelope.event.type === 'notification') toasts.show(envelope.event.kind, envelope.event.text);
    chats.receive(envelope);
    if (!open.concerns(envelope)) return;
    open.receive(envelope);
    const finished = envelope.event.type === 'active' && !envelope.event.active;
    if (finished && open.id && router.route.name === 'chat' && document.visibilityState === 'visible') {
      live.markRead(open.id);
      chats.read(open.id);
    }
  }

  /** What the server said while nobody listened has to be read, unless it delivers it again by itself. */
  async #connected({ first, recovered }: Connection): Promise<void> {
    const { app } = this;
    if (recovered) return;
    if (first) return app.open.catchUp();
    const { open } = app;
    const reread = open.missing !== null && !open.gone && open.id !== null ? open.load(open.id) : open.resync();
    await Promise.all([reread, app.chats.refresh().catch(() => {}), app.models.loaded ? undefined : this.loadModels()]);
    const reply = await app.api.configs.version().catch(() => null);
    const version = reply && `${reply.version} ${reply.antiphon} ${reply.deployment_id ?? ''}`;
    if (version === null || this.#version === null || version === this.#version) return;
    this.#version = version;
    app.toasts.show('info', 'The server was updated.', { label: 'Reload', run: () => location.reload() });
  }
}

function storedModels(): string[] | undefined {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(modelsStorageKey) ?? 'null');
    return Array.isArray(stored) ? stored.filter((id): id is string => typeof id === 'string') : undefined;
  } catch {
    return undefined;
  }
}

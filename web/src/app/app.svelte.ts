import { createContext } from 'svelte';
import { AuthsApi } from '$/features/auths/api';
import { Session } from '$/features/auths/session.svelte';
import { ChatsApi } from '$/features/chats/api';
import { ChatList } from '$/features/chats/chat_list.svelte';
import { OpenChat } from '$/features/chats/open_chat.svelte';
import { CompletionsApi } from '$/features/completions/api';
import { Turns } from '$/features/completions/turns.svelte';
import { ConfigsApi } from '$/features/configs/api';
import { EvaluationsApi } from '$/features/evaluations/api';
import { FilesApi } from '$/features/files/api';
import { Attachments } from '$/features/files/attachments.svelte';
import { limitsOf } from '$/features/files/limits';
import { pictureOf } from '$/features/files/pictures';
import { FoldersApi } from '$/features/folders/api';
import { FolderList } from '$/features/folders/folder_list.svelte';
import { ModelsApi } from '$/features/models/api';
import { ModelList } from '$/features/models/model_list.svelte';
import { OllamaApi } from '$/features/ollama/api';
import { OpenAIApi } from '$/features/openai/api';
import { UsersApi } from '$/features/users/api';
import { Settings } from '$/features/users/settings.svelte';
import { Http } from '$/lib/api/http';
import { Live } from '$/lib/live/live.svelte';
import { Texts } from '$/lib/markdown/texts.svelte';
import { Router } from '$/lib/router.svelte';
import { Theme } from '$/lib/theme.svelte';
import { Toasts } from '$/lib/toasts.svelte';
import { routes } from './routes';
import { Shortcuts } from './shortcuts.svelte';

/** Everything one open page has. Made once, in `App.svelte`, and handed down by context. */
export class App {
  readonly http = new Http((path) => this.session.doubt(path));
  readonly api = createApi(this.http);
  readonly session = new Session(this.api.auths);
  readonly settings = new Settings(this.api.users);
  readonly models = new ModelList(this.api.models);
  readonly chats = new ChatList(this.api.chats);
  readonly folders = new FolderList(this.api.folders);
  readonly open = new OpenChat(this.api.chats);
  readonly live = new Live();
  readonly router = new Router(routes);
  readonly theme = new Theme();
  readonly toasts = new Toasts();
  readonly shortcuts = new Shortcuts();
  readonly texts = new Texts();
  readonly attachments = new Attachments(this.api.files, () => limitsOf(this.session.config), pictureOf);
  readonly turns = new Turns(
    this.open,
    this.api.completions,
    this.api.chats,
    this.live,
    () => ({ user: this.session.user!, system: this.settings.ui.system ?? '', params: this.settings.ui.params ?? {} }),
    (chatId) => this.router.go(`/c/${chatId}`, { replace: true }),
  );

  /** Whether the open chat is the reader's own. Those in folders that others share are only read. */
  get owns(): boolean {
    return this.open.ownerId === null || this.open.ownerId === this.session.user?.id;
  }

  /** Whether the reader may do this with what is said in the open chat. */
  mayHere(permission: string): boolean {
    return this.owns && this.session.may('chat', permission);
  }

  /** Takes files for the question in the box. */
  attach(files: readonly File[]): void {
    const left = this.attachments.add(files);
    if (left) this.toasts.show('warning', left);
  }

  /** Runs something a button started; what goes wrong is said in a toast. Returns whether it went well. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (cause) {
      this.toasts.error(cause);
      return false;
    }
  }
}

function createApi(http: Http) {
  return {
    auths: new AuthsApi(http),
    chats: new ChatsApi(http),
    completions: new CompletionsApi(http),
    configs: new ConfigsApi(http),
    evaluations: new EvaluationsApi(http),
    files: new FilesApi(http),
    folders: new FoldersApi(http),
    models: new ModelsApi(http),
    ollama: new OllamaApi(http),
    openai: new OpenAIApi(http),
    users: new UsersApi(http),
  };
}

export const [useApp, provideApp] = createContext<App>();

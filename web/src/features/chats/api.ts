import type { Http } from '$/lib/api/http';
import type { AccessGrant, ChatBranch, ChatContent, ImportForm, Message } from '$/lib/api/types';

/** The branch through `leaf`, else the chat's current one; or the page of it that ends in `until`. */
export interface BranchQuery {
  leaf?: string | null;
  until?: string | null;
  limit: number;
}

export class ChatsApi {
  constructor(private readonly http: Http) {}

  list = (page: number) => this.http.call('GET /api/v1/chats/', { query: { page } });
  /** The last ones, wherever they are kept. */
  recent = () => this.http.call('GET /api/v1/chats/', { query: { page: 1, include_pinned: true, include_folders: true } });
  pinned = () => this.http.call('GET /api/v1/chats/pinned');
  archived = (page: number, query = '') => this.http.call('GET /api/v1/chats/archived', { query: { page, query } });
  inFolder = (folderId: string, page: number) =>
    this.http.call('GET /api/v1/chats/folder/{folder_id}/list', { path: { folder_id: folderId }, query: { page } });
  search = (text: string, page: number, signal?: AbortSignal) => this.http.call('GET /api/v1/chats/search', { query: { text, page }, signal });
  allTags = () => this.http.call('GET /api/v1/chats/all/tags');

  /** The whole history, which may be long: to save it as a file. */
  get = (id: string) => this.http.call('GET /api/v1/chats/{id}', { path: { id } });
  branch = (id: string, query: BranchQuery): Promise<ChatBranch> => this.http.call('GET /api/v1/chats/{id}/branch', { path: { id }, query });
  /** Goes to the branch through this message; the server remembers it. */
  goTo = (id: string, leaf: string, limit: number): Promise<ChatBranch> =>
    this.http.call('POST /api/v1/chats/{id}/branch', { path: { id }, body: { leaf, limit } });
  /** What is not named stays. Whole histories are merged as well, so a write names only what changed. */
  update = (id: string, chat: ChatContent) => this.http.call('POST /api/v1/chats/{id}', { path: { id }, body: { chat } });
  delete = (id: string) => this.http.call('DELETE /api/v1/chats/{id}', { path: { id } });
  pin = (id: string) => this.http.call('POST /api/v1/chats/{id}/pin', { path: { id } });
  archive = (id: string) => this.http.call('POST /api/v1/chats/{id}/archive', { path: { id } });
  import = (chats: ImportForm[]) => this.http.call('POST /api/v1/chats/import', { body: { chats } });
  clone = (id: string, title: string) => this.http.call('POST /api/v1/chats/{id}/clone', { path: { id }, body: { title } });
  fork = (id: string, messageId: string) => this.http.call('POST /api/v1/chats/{id}/fork', { path: { id }, body: { message_id: messageId } });
  move = (id: string, folderId: string | null) => this.http.call('POST /api/v1/chats/{id}/folder', { path: { id }, body: { folder_id: folderId } });
  addTag = (id: string, name: string) => this.http.call('POST /api/v1/chats/{id}/tags', { path: { id }, body: { name } });
  removeTag = (id: string, name: string) => this.http.call('DELETE /api/v1/chats/{id}/tags', { path: { id }, body: { name } });
  tags = (id: string) => this.http.call('GET /api/v1/chats/{id}/tags', { path: { id } });

  saveMessage = (id: string, message: Message, currentId: string | null) =>
    this.update(id, { history: { messages: { [message.id]: message }, currentId } });
  deleteMessage = (id: string, messageId: string) =>
    this.http.call('DELETE /api/v1/chats/{id}/messages/{message_id}', { path: { id, message_id: messageId } });

  share = (id: string) => this.http.call('POST /api/v1/chats/{id}/share', { path: { id }, body: {} });
  unshare = (id: string) => this.http.call('DELETE /api/v1/chats/{id}/share', { path: { id } });
  shareAccess = (id: string) => this.http.call('GET /api/v1/chats/shared/{id}/access', { path: { id } });
  saveShareAccess = (id: string, grants: AccessGrant[]) =>
    this.http.call('POST /api/v1/chats/shared/{id}/access/update', { path: { id }, body: { access_grants: grants } });
  shared = (shareId: string) => this.http.call('GET /api/v1/chats/share/{share_id}', { path: { share_id: shareId } });
  cloneShared = (shareId: string) => this.http.call('POST /api/v1/chats/{id}/clone/shared', { path: { id: shareId } });
}

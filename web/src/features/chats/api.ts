import type { Http } from '$/lib/api/http';
import type { AccessGrant, Chat, ChatBody, ChatBranch, ChatListItem, Message, Tag } from '$/lib/api/types';

/** The branch through `leaf`, else the chat's current one; or the page of it that ends in `until`. */
export interface BranchQuery {
  leaf?: string | null;
  until?: string | null;
  limit: number;
}

const base = '/api/v1/chats';

export class ChatsApi {
  constructor(private readonly http: Http) {}

  list = (page: number) => this.http.get<ChatListItem[]>(`${base}/`, { page });
  pinned = () => this.http.get<ChatListItem[]>(`${base}/pinned`);
  archived = (page: number, query = '') => this.http.get<ChatListItem[]>(`${base}/archived`, { page, query });
  inFolder = (folderId: string, page: number) => this.http.get<ChatListItem[]>(`${base}/folder/${folderId}/list`, { page });
  search = (text: string, page: number, signal?: AbortSignal) => this.http.get<ChatListItem[]>(`${base}/search`, { text, page }, signal);
  allTags = () => this.http.get<Tag[]>(`${base}/all/tags`);

  /** The whole history, which may be long: to save it as a file. */
  get = (id: string) => this.http.get<Chat>(`${base}/${id}`);
  branch = (id: string, query: BranchQuery) => this.http.get<ChatBranch>(`${base}/${id}/branch`, { ...query });
  /** Goes to the branch through this message; the server remembers it. */
  goTo = (id: string, leaf: string, limit: number) => this.http.post<ChatBranch>(`${base}/${id}/branch`, { leaf, limit });
  update = (id: string, chat: ChatBody) => this.http.post<Chat>(`${base}/${id}`, { chat });
  delete = (id: string) => this.http.delete<boolean>(`${base}/${id}`);
  pin = (id: string) => this.http.post<Chat>(`${base}/${id}/pin`);
  archive = (id: string) => this.http.post<Chat>(`${base}/${id}/archive`);
  import = (chats: unknown[]) => this.http.post<Chat[]>(`${base}/import`, { chats });
  clone = (id: string, title: string) => this.http.post<Chat>(`${base}/${id}/clone`, { title });
  fork = (id: string, messageId: string) => this.http.post<Chat>(`${base}/${id}/fork`, { message_id: messageId });
  move = (id: string, folderId: string | null) => this.http.post<Chat>(`${base}/${id}/folder`, { folder_id: folderId });
  addTag = (id: string, name: string) => this.http.post<Tag[]>(`${base}/${id}/tags`, { name });
  removeTag = (id: string, name: string) => this.http.delete<Tag[]>(`${base}/${id}/tags`, { name });
  tags = (id: string) => this.http.get<Tag[]>(`${base}/${id}/tags`);

  /** Whole histories are merged by the server, so a write names only what changed. */
  saveMessage = (id: string, message: Message, currentId: string | null) =>
    this.update(id, { history: { messages: { [message.id]: message }, currentId } });
  deleteMessage = (id: string, messageId: string) => this.http.delete<Chat>(`${base}/${id}/messages/${messageId}`);

  share = (id: string) => this.http.post<Chat>(`${base}/${id}/share`, {});
  unshare = (id: string) => this.http.delete<boolean>(`${base}/${id}/share`);
  shareAccess = (id: string) => this.http.get<AccessGrant[]>(`${base}/shared/${id}/access`);
  saveShareAccess = (id: string, grants: AccessGrant[]) => this.http.post<Chat>(`${base}/shared/${id}/access/update`, { access_grants: grants });
  shared = (shareId: string) => this.http.get<Chat>(`${base}/share/${shareId}`);
  cloneShared = (shareId: string) => this.http.post<Chat>(`${base}/${shareId}/clone/shared`);
}

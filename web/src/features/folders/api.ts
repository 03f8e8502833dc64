import type { Http } from '$/lib/api/http';
import type { AccessGrant, FolderData } from '$/lib/api/types';

export class FoldersApi {
  constructor(private readonly http: Http) {}

  list = () => this.http.call('GET /api/v1/folders/');
  /** Folders of others that this user may look into. */
  shared = () => this.http.call('GET /api/v1/folders/shared');
  /** A page of everybody's chats in the folder. */
  chats = (id: string, page: number) => this.http.call('GET /api/v1/folders/{id}/shared/chats', { path: { id }, query: { page } });
  saveAccess = (id: string, grants: AccessGrant[]) =>
    this.http.call('POST /api/v1/folders/{id}/access/update', { path: { id }, body: { access_grants: grants } });
  get = (id: string) => this.http.call('GET /api/v1/folders/{id}', { path: { id } });
  create = (name: string, parentId: string | null) => this.http.call('POST /api/v1/folders/', { body: { name, parent_id: parentId } });
  update = (id: string, change: { name?: string; data?: FolderData }) =>
    this.http.call('POST /api/v1/folders/{id}/update', { path: { id }, body: change });
  move = (id: string, parentId: string | null) =>
    this.http.call('POST /api/v1/folders/{id}/update/parent', { path: { id }, body: { parent_id: parentId } });
  setExpanded = (id: string, expanded: boolean) =>
    this.http.call('POST /api/v1/folders/{id}/update/expanded', { path: { id }, body: { is_expanded: expanded } });
  delete = (id: string, withContents: boolean) =>
    this.http.call('DELETE /api/v1/folders/{id}', { path: { id }, query: { delete_contents: withContents } });
}

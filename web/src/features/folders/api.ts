import type { Http } from '$/lib/api/http';
import type { Folder } from '$/lib/api/types';

const base = '/api/v1/folders';

export class FoldersApi {
  constructor(private readonly http: Http) {}

  list = () => this.http.get<Folder[]>(`${base}/`);
  get = (id: string) => this.http.get<Folder>(`${base}/${id}`);
  create = (name: string, parentId: string | null) => this.http.post<Folder>(`${base}/`, { name, parent_id: parentId });
  update = (id: string, change: { name?: string; data?: Folder['data'] }) => this.http.post<Folder>(`${base}/${id}/update`, change);
  move = (id: string, parentId: string | null) => this.http.post<Folder>(`${base}/${id}/update/parent`, { parent_id: parentId });
  setExpanded = (id: string, expanded: boolean) => this.http.post<Folder>(`${base}/${id}/update/expanded`, { is_expanded: expanded });
  delete = (id: string, withContents: boolean) => this.http.delete<boolean>(`${base}/${id}?delete_contents=${withContents}`);
}

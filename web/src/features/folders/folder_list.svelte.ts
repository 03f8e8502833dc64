import type { Folder } from '$/lib/api/types';
import type { FoldersApi } from './api';

/** The reader's folders, by name. */
export class FolderList {
  items: readonly Folder[] = $state.raw([]);

  constructor(private readonly api: FoldersApi) {}

  find(id: string | null): Folder | undefined {
    return this.items.find((folder) => folder.id === id);
  }

  childrenOf(id: string | null): Folder[] {
    return this.items.filter((folder) => (folder.parent_id ?? null) === id || (id === null && !this.find(folder.parent_id ?? null)));
  }

  async refresh(): Promise<void> {
    const items = await this.api.list();
    this.items = items.toSorted((a, b) => a.name.localeCompare(b.name));
  }

  async setExpanded(folder: Folder, expanded: boolean): Promise<void> {
    this.items = this.items.map((item) => (item.id === folder.id ? { ...item, is_expanded: expanded } : item));
    await this.api.setExpanded(folder.id, expanded).catch(() => {});
  }
}

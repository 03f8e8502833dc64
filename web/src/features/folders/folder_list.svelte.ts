import { SvelteMap } from 'svelte/reactivity';
import { namedIn } from '$/features/users/named';
import type { AccessGrant, Folder, SharedFolder } from '$/lib/api/types';
import type { FoldersApi } from './api';

/** The reader's folders and those of others that he may look into, by name. */
export class FolderList {
  items: readonly Folder[] = $state.raw([]);
  shared: readonly SharedFolder[] = $state.raw([]);

  /** With how many people and groups the reader shares a folder, where that was read. */
  readonly audiences = new SvelteMap<string, number>();

  constructor(private readonly api: FoldersApi) {}

  find(id: string | null): Folder | undefined {
    return this.items.find((folder) => folder.id === id) ?? this.findShared(id);
  }

  findShared(id: string | null): SharedFolder | undefined {
    return this.shared.find((folder) => folder.id === id);
  }

  mayAddTo(id: string): boolean {
    return this.items.some((folder) => folder.id === id) || this.findShared(id)?.permission === 'write';
  }

  childrenOf(id: string | null): Folder[] {
    return this.items.filter((folder) => (folder.parent_id ?? null) === id || (id === null && !this.find(folder.parent_id ?? null)));
  }

  /** Every folder right below its parent, with how deep it lies; without the folder `without` and what is in it. */
  tree(without: string | null = null): { folder: Folder; depth: number }[] {
    const seen = new Set<string | null>([without]);
    const below = (id: string | null, depth: number): { folder: Folder; depth: number }[] =>
      this.childrenOf(id).flatMap((folder) => {
        if (seen.has(folder.id)) return [];
        seen.add(folder.id);
        return [{ folder, depth }, ...below(folder.id, depth + 1)];
      });
    return below(null, 0);
  }

  /** Who may look into one of the reader's folders. */
  async access(id: string): Promise<AccessGrant[]> {
    const { access_grants: grants } = await this.api.get(id);
    this.audiences.set(id, namedIn(grants).length);
    return grants;
  }

  async share(id: string, grants: AccessGrant[]): Promise<void> {
    await this.api.saveAccess(id, grants);
    this.audiences.set(id, namedIn(grants).length);
  }

  async refresh(): Promise<void> {
    const [items, shared] = await Promise.all([this.api.list(), this.api.shared()]);
    this.items = items.toSorted(byName);
    this.shared = shared.toSorted(byName);
  }

  /** Puts a folder into another one, or at the top (null). */
  async move(id: string, parentId: string | null): Promise<void> {
    await this.api.move(id, parentId);
    await this.refresh();
  }

  async setExpanded(folder: Folder, expanded: boolean): Promise<void> {
    this.items = this.items.map((item) => (item.id === folder.id ? { ...item, is_expanded: expanded } : item));
    await this.api.setExpanded(folder.id, expanded).catch(() => {});
  }
}

const byName = (a: Folder, b: Folder) => a.name.localeCompare(b.name);

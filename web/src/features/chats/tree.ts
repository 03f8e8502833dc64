import type { Message } from '$/lib/api/types';

/** The part of a message that makes the tree. */
export type Node = Pick<Message, 'id' | 'parentId' | 'role' | 'modelIdx'>;
export type Nodes<N extends Node = Node> = Readonly<Record<string, N>>;
/** Messages by their parent (null: the first ones), in the order in which they came. */
export type Families<N extends Node = Node> = ReadonlyMap<string | null, readonly N[]>;

/** The messages from the first to `currentId`. Broken histories (a missing parent, a loop) end the walk instead of the page. */
export function branchTo<N extends Pick<Node, 'id' | 'parentId'>>(nodes: Readonly<Record<string, N>>, currentId: string | null): N[] {
  const branch: N[] = [];
  const seen = new Set<string>();
  let node = currentId === null ? undefined : nodes[currentId];
  while (node && !seen.has(node.id)) {
    seen.add(node.id);
    branch.push(node);
    node = node.parentId ? nodes[node.parentId] : undefined;
  }
  return branch.reverse();
}

export function familiesOf<N extends Node>(nodes: Iterable<N>): Families<N> {
  const families = new Map<string | null, N[]>();
  for (const node of nodes) {
    const parentId = node.parentId ?? null;
    const family = families.get(parentId);
    if (family) family.push(node);
    else families.set(parentId, [node]);
  }
  return families;
}

/** Whether a message stands in place of the other: another wording of a question, another answer of the same model. */
export function areAlternatives(one: Node, other: Node): boolean {
  if (one.parentId !== other.parentId || one.role !== other.role) return false;
  return one.role !== 'assistant' || columnOf(one) === columnOf(other);
}

/** The end of the conversation that goes through `id`: at each fork the newest continuation. */
export function newestLeaf(families: Families, id: string): string {
  const seen = new Set<string>();
  let leaf = id;
  for (let next: string | undefined = id; next !== undefined && !seen.has(next); next = families.get(next)?.at(-1)?.id) {
    seen.add(next);
    leaf = next;
  }
  return leaf;
}

/** Answers that several models gave to one question stand in columns. */
export function columnOf(node: Pick<Node, 'modelIdx'>): number {
  return node.modelIdx ?? 0;
}

/**
 * The answers to show side by side for the question `questionId`: one for each column, the one on the branch where there is one, else
 * the newest. Empty when only one model was asked.
 */
export function sideBySide<N extends Node>(families: Families<N>, questionId: string, onBranch: ReadonlySet<string>): N[] {
  const columns = new Map<number, N>();
  for (const answer of families.get(questionId) ?? []) {
    if (answer.role !== 'assistant') continue;
    const shown = columns.get(columnOf(answer));
    if (!shown || !onBranch.has(shown.id)) columns.set(columnOf(answer), answer);
  }
  if (columns.size < 2) return [];
  return [...columns.entries()].sort(([a], [b]) => a - b).map(([, answer]) => answer);
}

import type { Message } from '$/lib/api/types';

/** The part of a message that makes the tree. */
export type Node = Pick<Message, 'id' | 'parentId' | 'childrenIds' | 'role' | 'modelIdx' | 'models'>;
export type Nodes<N extends Node = Node> = Readonly<Record<string, N>>;

/** The messages from the first to `currentId`. Broken histories (a missing parent, a loop) end the walk instead of the page. */
export function branchTo<N extends Node>(nodes: Nodes<N>, currentId: string | null): N[] {
  const branch: N[] = [];
  const seen = new Set<string>();
  let node = currentId === null ? undefined : nodes[currentId];
  while (node && !seen.has(node.id)) {
    seen.add(node.id);
    branch.push(node);
    node = node.parentId === null || node.parentId === undefined ? undefined : nodes[node.parentId];
  }
  return branch.reverse();
}

/** The alternatives to a message, itself included: other wordings of a question, other answers of the same model in its place. */
export function alternatives<N extends Node>(nodes: Nodes<N>, id: string): N[] {
  const node = nodes[id];
  if (!node) return [];
  const parent = node.parentId ? nodes[node.parentId] : undefined;
  const brothers = parent ? childrenOf(nodes, parent) : Object.values(nodes).filter((other) => !other.parentId);
  if (node.role !== 'assistant') return brothers.filter((other) => other.role === node.role);
  return brothers.filter((other) => other.role === 'assistant' && columnOf(other) === columnOf(node));
}

/** The end of the conversation that goes through `id`: at each fork the newest continuation. */
export function newestLeaf(nodes: Nodes, id: string): string {
  const seen = new Set<string>();
  let node = nodes[id];
  while (node && !seen.has(node.id)) {
    seen.add(node.id);
    const next: Node | undefined = childrenOf(nodes, node).at(-1);
    if (!next) return node.id;
    node = next;
  }
  return id;
}

export function childrenOf<N extends Node>(nodes: Nodes<N>, node: Node): N[] {
  return (node.childrenIds ?? []).map((id) => nodes[id]).filter((child): child is N => child !== undefined);
}

/** Answers that several models gave to one question stand in columns. */
export function columnOf(node: Pick<Node, 'modelIdx'>): number {
  return node.modelIdx ?? 0;
}

/**
 * The answers to show side by side for the question `questionId`: one for each column, the one on the branch where there is one, else
 * the newest. Empty when only one model was asked.
 */
export function sideBySide<N extends Node>(nodes: Nodes<N>, questionId: string, onBranch: ReadonlySet<string>): N[] {
  const question = nodes[questionId];
  if (!question) return [];
  const columns = new Map<number, N>();
  for (const answer of childrenOf(nodes, question)) {
    if (answer.role !== 'assistant') continue;
    const shown = columns.get(columnOf(answer));
    if (!shown || !onBranch.has(shown.id)) columns.set(columnOf(answer), answer);
  }
  if (columns.size < 2) return [];
  return [...columns.entries()].sort(([a], [b]) => a - b).map(([, answer]) => answer);
}

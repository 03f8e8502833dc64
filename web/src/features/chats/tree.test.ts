import { describe, expect, it } from 'vitest';
import { areAlternatives, branchTo, familiesOf, newestLeaf, sideBySide, type Node } from './tree';

function tree(...nodes: [id: string, parent: string | null, role: Node['role'], modelIdx?: number][]): Record<string, Node> {
  const all: Record<string, Node> = {};
  for (const [id, parentId, role, modelIdx] of nodes) {
    all[id] = { id, parentId, role, ...(modelIdx === undefined ? {} : { modelIdx }) };
  }
  return all;
}

const nodes = tree(
  ['q1', null, 'user'],
  ['a1', 'q1', 'assistant', 0],
  ['a1b', 'q1', 'assistant', 0],
  ['q2', 'a1', 'user'],
  ['a2', 'q2', 'assistant', 0],
  ['q2b', 'a1', 'user'],
  ['a2b', 'q2b', 'assistant', 0],
  ['q1b', null, 'user'],
);
const ids = (found: Node[]) => found.map((node) => node.id);

describe('branchTo', () => {
  it('walks from the first message to the current one', () => {
    expect(ids(branchTo(nodes, 'a2b'))).toEqual(['q1', 'a1', 'q2b', 'a2b']);
  });

  it('survives a loop and a missing parent', () => {
    const broken = tree(['a', 'b', 'user'], ['b', 'a', 'assistant'], ['c', 'gone', 'user']);

    expect(ids(branchTo(broken, 'a'))).toEqual(['b', 'a']);
    expect(ids(branchTo(broken, 'c'))).toEqual(['c']);
    expect(branchTo(broken, null)).toEqual([]);
  });
});

describe('areAlternatives', () => {
  const all = { ...nodes, ...tree(['b1', 'q1', 'assistant', 1], ['n1', 'q1', 'user']) };
  const pair = (one: string, other: string) => areAlternatives(all[one]!, all[other]!);

  it('holds for other wordings and other answers', () => {
    expect([pair('a1', 'a1b'), pair('q2', 'q2b'), pair('q1', 'q1b')]).toEqual([true, true, true]);
    expect([pair('q1', 'q2'), pair('a1', 'n1')]).toEqual([false, false]);
  });

  it('does not mix up the columns of several models', () => {
    expect(pair('a1', 'b1')).toBe(false);
  });
});

describe('newestLeaf', () => {
  it('follows the newest continuation', () => {
    const families = familiesOf(Object.values(nodes));

    expect(newestLeaf(families, 'q1')).toBe('a1b');
    expect(newestLeaf(families, 'a1')).toBe('a2b');
    expect(newestLeaf(families, 'q2')).toBe('a2');
    expect(newestLeaf(familiesOf(Object.values(tree(['a', 'b', 'user'], ['b', 'a', 'assistant']))), 'a')).toBe('b');
  });
});

describe('sideBySide', () => {
  const several = tree(
    ['q', null, 'user'],
    ['x0', 'q', 'assistant', 0],
    ['y0', 'q', 'assistant', 1],
    ['x1', 'q', 'assistant', 0],
  );
  const columns = (all: Record<string, Node>, ...onBranch: string[]) => ids(sideBySide(familiesOf(Object.values(all)), onBranch[0]!, new Set(onBranch)));

  it('shows one answer for each model, the one on the branch first', () => {
    expect(columns(several, 'q', 'x0')).toEqual(['x0', 'y0']);
    expect(columns(several, 'q', 'y0')).toEqual(['x1', 'y0']);
  });

  it('is not for one model that answered twice', () => {
    expect(columns(nodes, 'q1', 'a1')).toEqual([]);
  });
});

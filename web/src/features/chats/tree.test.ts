import { describe, expect, it } from 'vitest';
import { alternatives, branchTo, newestLeaf, sideBySide, type Node } from './tree';

function tree(...nodes: [id: string, parent: string | null, role: Node['role'], modelIdx?: number][]): Record<string, Node> {
  const all: Record<string, Node> = {};
  for (const [id, parentId, role, modelIdx] of nodes) {
    all[id] = { id, parentId, role, childrenIds: [], ...(modelIdx === undefined ? {} : { modelIdx }) };
    if (parentId) all[parentId]?.childrenIds.push(id);
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

describe('alternatives', () => {
  it('counts other wordings and other answers', () => {
    expect(ids(alternatives(nodes, 'a1'))).toEqual(['a1', 'a1b']);
    expect(ids(alternatives(nodes, 'q2b'))).toEqual(['q2', 'q2b']);
    expect(ids(alternatives(nodes, 'q1'))).toEqual(['q1', 'q1b']);
  });

  it('does not mix up the columns of several models', () => {
    const several = tree(['q', null, 'user'], ['x0', 'q', 'assistant', 0], ['y0', 'q', 'assistant', 1], ['x1', 'q', 'assistant', 0]);

    expect(ids(alternatives(several, 'x0'))).toEqual(['x0', 'x1']);
    expect(ids(alternatives(several, 'y0'))).toEqual(['y0']);
  });
});

describe('newestLeaf', () => {
  it('follows the newest continuation', () => {
    expect(newestLeaf(nodes, 'q1')).toBe('a1b');
    expect(newestLeaf(nodes, 'a1')).toBe('a2b');
    expect(newestLeaf(nodes, 'q2')).toBe('a2');
  });
});

describe('sideBySide', () => {
  const several = tree(
    ['q', null, 'user'],
    ['x0', 'q', 'assistant', 0],
    ['y0', 'q', 'assistant', 1],
    ['x1', 'q', 'assistant', 0],
  );

  it('shows one answer for each model, the one on the branch first', () => {
    expect(ids(sideBySide(several, 'q', new Set(['q', 'x0'])))).toEqual(['x0', 'y0']);
    expect(ids(sideBySide(several, 'q', new Set(['q', 'y0'])))).toEqual(['x1', 'y0']);
  });

  it('is not for one model that answered twice', () => {
    expect(sideBySide(nodes, 'q1', new Set(['q1', 'a1']))).toEqual([]);
  });
});

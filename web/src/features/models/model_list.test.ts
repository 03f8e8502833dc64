import { describe, expect, it } from 'vitest';
import { findModels, ModelList } from './model_list.svelte';
import type { ModelsApi } from './api';

const models = [
  { id: 'vendor/large-llama', name: 'Large Llama', tags: [{ name: 'local' }] },
  { id: 'llama-small', name: 'Llama small' },
  { id: 'other', name: 'Other' },
];

describe('findModels', () => {
  it('wants every word, anywhere, and puts names that begin with it first', () => {
    expect(findModels(models, 'llama').map((model) => model.id)).toEqual(['llama-small', 'vendor/large-llama']);
    expect(findModels(models, 'large local').map((model) => model.id)).toEqual(['vendor/large-llama']);
    expect(findModels(models, ' ')).toHaveLength(3);
  });
});

describe('ModelList', () => {
  const api = { list: async () => ({ data: [...models, { id: 'h', name: 'h', info: { meta: { hidden: true } } }] }) } as unknown as ModelsApi;

  it('hides hidden models and prefers what exists', async () => {
    const list = new ModelList(api);
    await list.refresh();

    list.prefer(['gone'], undefined, ['other', 'h']);

    expect(list.chosen).toEqual(['other']);
    list.prefer(['gone']);
    expect(list.chosen).toEqual(['vendor/large-llama']);
  });

  it('always keeps one model and never compares more than four', async () => {
    const list = new ModelList(api);
    await list.refresh();
    list.choose('other');

    list.toggle('other');
    expect(list.chosen).toEqual(['other']);
    for (const id of ['a', 'b', 'c', 'd']) list.toggle(id);
    expect(list.chosen).toEqual(['a', 'b', 'c', 'd']);
  });
});

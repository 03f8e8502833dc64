import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// Row 29: one reviewed component may put markup into the page.
it('puts markup into the page through one component only', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith('.test.ts'));
  const door = /\{@html|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|new Function|\beval\(|createContextualFragment/;

  const through = files.filter((name) => door.test(readFileSync(join('src', name), 'utf8')));

  expect(files.length).toBeGreaterThan(30);
  expect(through).toEqual([join('lib', 'markdown', 'SafeHtml.svelte')]);
});

import { describe, expect, it } from 'vitest';
import { matchRoute, type RouteTable } from './router.svelte';

const table: RouteTable = [
  ['/', 'home'],
  ['/c/:id', 'chat'],
  ['/settings/:tab?', 'settings'],
];

describe('matchRoute', () => {
  it('reads parameters, decoded', () => {
    expect(matchRoute(table, '/c/a%20b/')).toEqual({ name: 'chat', params: { id: 'a b' } });
  });

  it('lets an optional segment be missing', () => {
    expect(matchRoute(table, '/settings')).toEqual({ name: 'settings', params: {} });
    expect(matchRoute(table, '/settings/keys').params).toEqual({ tab: 'keys' });
  });

  it('knows what is missing, also when the address is broken', () => {
    expect(matchRoute(table, '/c').name).toBe('missing');
    expect(matchRoute(table, '/c/x/y').name).toBe('missing');
    expect(matchRoute(table, '/c/%E0%A4%A').name).toBe('missing');
  });
});

import type { RouteTable } from '$/lib/router.svelte';

export const routes: RouteTable = [
  ['/', 'new'],
  ['/c/:id', 'chat'],
  ['/f/:id', 'folder'],
  ['/s/:id', 'shared'],
  ['/settings/:tab?', 'settings'],
  ['/admin/:tab?', 'admin'],
  ['/connect', 'connect'],
];

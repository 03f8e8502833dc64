/**
 * Stands in for the package of this name, which markdown-it asks what `&…;` means: every browser brings the table of names, so it need
 * not be fetched (vite.config.ts). The document is never shown, and what is asked for is a name without markup.
 */
const known = new Map<string, string>();

export function decodeHTMLStrict(entity: string): string {
  const before = known.get(entity);
  if (before !== undefined) return before;
  const found = new DOMParser().parseFromString(`<body>${entity}`, 'text/html').body.textContent ?? entity;
  // Old names count without their semicolon, so that "&notit;" would be "¬it;". Not here.
  if (found === entity || (found.endsWith(';') && found !== ';')) return entity;
  known.set(entity, found);
  return found;
}

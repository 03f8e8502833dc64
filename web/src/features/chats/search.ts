import type { Folder, Tag } from '$/lib/api/types';

type Named = Pick<Folder, 'name'>;

export interface Completion {
  /** The whole query after choosing this. */
  query: string;
  label: string;
  hint: string;
}

const operators: readonly (readonly [name: string, hint: string])[] = [
  ['tag:', 'chats with a tag'],
  ['folder:', 'chats in a folder'],
  ['pinned:', 'true or false'],
  ['archived:', 'true or false'],
  ['shared:', 'true or false'],
];

const suggestionsAtMost = 6;

/** What the word under the cursor (the last one) could become. */
export function completeQuery(query: string, tags: readonly Tag[], folders: readonly Named[]): Completion[] {
  const start = query.lastIndexOf(' ') + 1;
  const head = query.slice(0, start);
  const word = query.slice(start).toLowerCase();
  const values = valuesFor(word, tags, folders);
  if (values) return values.slice(0, suggestionsAtMost).map(([value, hint]) => ({ query: `${head}${value} `, label: value, hint }));
  return operators
    .filter(([name]) => word !== '' && name.startsWith(word))
    .map(([name, hint]) => ({ query: head + name, label: name, hint }));
}

function valuesFor(word: string, tags: readonly Tag[], folders: readonly Named[]): [string, string][] | null {
  const colon = word.indexOf(':');
  if (colon < 0) return null;
  const name = word.slice(0, colon + 1);
  const typed = word.slice(colon + 1);
  if (name === 'tag:') return match(typed, tags.map((tag): [string, string] => [`tag:${tag.id}`, tag.name]));
  if (name === 'folder:') return match(typed, folders.map((folder): [string, string] => [`folder:${operatorValue(folder.name)}`, folder.name]));
  if (!operators.some(([operator]) => operator === name)) return null;
  return match(typed, [[`${name}true`, ''], [`${name}false`, '']]);
}

function match(typed: string, values: [string, string][]): [string, string][] {
  return values.filter(([value]) => {
    const text = value.slice(value.indexOf(':') + 1);
    return text !== typed && text.toLowerCase().startsWith(typed);
  });
}

/** Names with spaces are written with underscores in operators, as the server stores tags. */
function operatorValue(name: string): string {
  return name.toLowerCase().replace(/\s+/g, '_');
}

/** Whether a page of results is worth asking for: operators alone are, white space is not. */
export function isSearchable(query: string): boolean {
  return query.trim().length > 0 && !/^\S+:$/.test(query.trim());
}

export interface Piece {
  text: string;
  hit: boolean;
}

/** The text in pieces, told apart by whether a word of the query stands there. Operators (`tag:…`) are no words. */
export function markWords(text: string, query: string): Piece[] {
  const words = query.split(/\s+/).filter((word) => word !== '' && !operators.some(([name]) => word.toLowerCase().startsWith(name)));
  if (words.length === 0) return [{ text, hit: false }];
  const longestFirst = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).sort((a, b) => b.length - a.length);
  const pieces = text.split(new RegExp(`(${longestFirst.join('|')})`, 'giu'));
  return pieces.map((piece, index) => ({ text: piece, hit: index % 2 === 1 })).filter((piece) => piece.text !== '');
}

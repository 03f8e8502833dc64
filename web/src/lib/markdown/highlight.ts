import type { HLJSApi, LanguageFn } from 'highlight.js';

type Loader = () => Promise<{ default: LanguageFn }>;

const loaders: Record<string, Loader> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cmake: () => import('highlight.js/lib/languages/cmake'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  dart: () => import('highlight.js/lib/languages/dart'),
  diff: () => import('highlight.js/lib/languages/diff'),
  dockerfile: () => import('highlight.js/lib/languages/dockerfile'),
  elixir: () => import('highlight.js/lib/languages/elixir'),
  go: () => import('highlight.js/lib/languages/go'),
  graphql: () => import('highlight.js/lib/languages/graphql'),
  haskell: () => import('highlight.js/lib/languages/haskell'),
  ini: () => import('highlight.js/lib/languages/ini'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  julia: () => import('highlight.js/lib/languages/julia'),
  kotlin: () => import('highlight.js/lib/languages/kotlin'),
  latex: () => import('highlight.js/lib/languages/latex'),
  lua: () => import('highlight.js/lib/languages/lua'),
  makefile: () => import('highlight.js/lib/languages/makefile'),
  markdown: () => import('highlight.js/lib/languages/markdown'),
  nginx: () => import('highlight.js/lib/languages/nginx'),
  nix: () => import('highlight.js/lib/languages/nix'),
  perl: () => import('highlight.js/lib/languages/perl'),
  php: () => import('highlight.js/lib/languages/php'),
  powershell: () => import('highlight.js/lib/languages/powershell'),
  python: () => import('highlight.js/lib/languages/python'),
  r: () => import('highlight.js/lib/languages/r'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  scala: () => import('highlight.js/lib/languages/scala'),
  scss: () => import('highlight.js/lib/languages/scss'),
  sql: () => import('highlight.js/lib/languages/sql'),
  swift: () => import('highlight.js/lib/languages/swift'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
};

const aliases: Record<string, string> = {
  'c#': 'csharp', 'c++': 'cpp', cc: 'cpp', cs: 'csharp', docker: 'dockerfile', ex: 'elixir', golang: 'go', h: 'c', hpp: 'cpp',
  hs: 'haskell', html: 'xml', js: 'javascript', jsonc: 'json', jsx: 'javascript', kt: 'kotlin', make: 'makefile', md: 'markdown',
  mjs: 'javascript', pl: 'perl', ps1: 'powershell', py: 'python', python3: 'python', rb: 'ruby', rs: 'rust', sh: 'bash', shell: 'bash',
  svelte: 'xml', svg: 'xml', tex: 'latex', toml: 'ini', ts: 'typescript', tsx: 'typescript', vue: 'xml', yml: 'yaml', zsh: 'bash',
};

/** Longer code is shown plain; colouring it would hold up the page. */
const longestCode = 60_000;

export function languageName(tag: string): string | null {
  const name = aliases[tag] ?? tag;
  return Object.hasOwn(loaders, name) ? name : null;
}

/** Colours code. The library and each language are fetched when first needed. */
export class Highlighter {
  #library: Promise<HLJSApi> | null = null;
  readonly #loaded = new Set<string>();

  /** HTML with nothing but `span.hljs-*` around escaped text (the caller sanitises it all the same), or null when it stays plain. */
  async highlight(code: string, tag: string): Promise<string | null> {
    const name = languageName(tag);
    if (!name || code.length > longestCode) return null;
    const library = await this.#load();
    if (!this.#loaded.has(name)) {
      library.registerLanguage(name, (await loaders[name]!()).default);
      this.#loaded.add(name);
    }
    await idle();
    return library.highlight(code, { language: name, ignoreIllegals: true }).value;
  }

  #load(): Promise<HLJSApi> {
    this.#library ??= import('highlight.js/lib/core').then((module) => module.default);
    return this.#library;
  }
}

/** Colouring waits until the browser has nothing better to do, so that it never delays a streaming answer. */
function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: 500 });
    else setTimeout(resolve, 30);
  });
}

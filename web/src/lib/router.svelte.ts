export interface Route {
  name: string;
  params: Record<string, string>;
}

/** Path patterns in order of preference; `:name` matches one segment, `:name?` one or none. */
export type RouteTable = readonly (readonly [pattern: string, name: string])[];

export function matchRoute(table: RouteTable, path: string): Route {
  const segments = path.split('/').filter(Boolean);
  for (const [pattern, name] of table) {
    const params = matchPattern(pattern.split('/').filter(Boolean), segments);
    if (params) return { name, params };
  }
  return { name: 'missing', params: {} };
}

function matchPattern(pattern: string[], segments: string[]): Record<string, string> | null {
  if (segments.length > pattern.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index];
    if (!part.startsWith(':')) {
      if (part !== segment) return null;
      continue;
    }
    const optional = part.endsWith('?');
    if (segment === undefined) {
      if (!optional) return null;
      continue;
    }
    const decoded = decodeSegment(segment);
    if (decoded === null) return null;
    params[part.slice(1, optional ? -1 : undefined)] = decoded;
  }
  return params;
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** Where the page is. Plain links work: `intercept` turns clicks on same-origin anchors into navigation without a reload. */
export class Router {
  #path = $state('/');
  #search = $state('');
  readonly route: Route = $derived.by(() => matchRoute(this.table, this.#path));

  constructor(
    private readonly table: RouteTable,
    private readonly win: Window = window,
  ) {
    this.#read();
  }

  get path(): string {
    return this.#path;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  /** Listens to the browser until the returned function is called. */
  start(): () => void {
    const read = () => this.#read();
    const click = (event: MouseEvent) => this.#intercept(event);
    this.win.addEventListener('popstate', read);
    this.win.document.addEventListener('click', click);
    return () => {
      this.win.removeEventListener('popstate', read);
      this.win.document.removeEventListener('click', click);
    };
  }

  go(url: string, options: { replace?: boolean } = {}): void {
    if (options.replace) this.win.history.replaceState(null, '', url);
    else this.win.history.pushState(null, '', url);
    this.#read();
  }

  #read(): void {
    this.#path = this.win.location.pathname;
    this.#search = this.win.location.search;
  }

  #intercept(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element | null)?.closest?.('a');
    if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.origin !== this.win.location.origin) return;
    event.preventDefault();
    this.go(anchor.pathname + anchor.search);
  }
}

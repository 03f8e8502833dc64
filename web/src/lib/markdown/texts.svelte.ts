import { Highlighter } from './highlight';
import type { Renderer } from './render';

/** What turns Markdown into the page. It is a third of the client's weight, so it is fetched when the first text has to be shown. */
export class Texts {
  readonly highlighter = new Highlighter();
  #renderer: Renderer | null = $state.raw(null);
  #loading: Promise<void> | null = null;

  /** Null until `load` is done; texts are shown plain until then. */
  get renderer(): Renderer | null {
    return this.#renderer;
  }

  load(): Promise<void> {
    this.#loading ??= import('./render').then(
      ({ Renderer }) => void (this.#renderer = new Renderer()),
      () => void (this.#loading = null),
    );
    return this.#loading;
  }
}

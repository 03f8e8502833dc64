import { Highlighter } from './highlight';
import type { Maths } from './maths';
import type { Renderer } from './render';

/** What turns Markdown into the page. It is a third of the client's weight, so it is fetched when the first text has to be shown. */
export class Texts {
  readonly highlighter = new Highlighter();
  #renderer: Renderer | null = $state.raw(null);
  #loading: Promise<void> | null = null;
  #maths: Promise<Maths> | null = null;

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

  /** Draws the formulas below `root`. What that takes is fetched with the first one. */
  async drawFormulas(root: ParentNode): Promise<void> {
    if (!root.querySelector('span.math')) return;
    this.#maths ??= import('./maths').then(({ Maths }) => new Maths());
    const maths = await this.#maths.catch(() => void (this.#maths = null));
    await maths?.draw(root);
  }
}

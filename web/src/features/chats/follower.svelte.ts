const nearEnd = 80;

/** Keeps the end of a growing text in view, until the reader scrolls up to read. */
export class Follower {
  away = $state(false);
  #scroller: HTMLElement | null = null;
  #following = true;
  #lastTop = 0;

  attach = (scroller: HTMLElement): (() => void) => {
    this.#scroller = scroller;
    this.#following = true;
    const scrolled = () => this.#scrolled(scroller);
    const grown = new ResizeObserver(() => this.#grown());
    grown.observe(scroller);
    for (const child of scroller.children) grown.observe(child);
    scroller.addEventListener('scroll', scrolled, { passive: true });
    this.#grown();
    return () => {
      grown.disconnect();
      scroller.removeEventListener('scroll', scrolled);
      this.#scroller = null;
    };
  };

  /** Goes to the end and stays there. */
  follow(): void {
    this.#following = true;
    this.away = false;
    requestAnimationFrame(() => this.#grown());
  }

  #scrolled(scroller: HTMLElement): void {
    const distance = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    // Only moving up means wanting to read; content that grows below does not.
    if (distance < nearEnd) this.#following = true;
    else if (scroller.scrollTop < this.#lastTop - 2) this.#following = false;
    this.#lastTop = scroller.scrollTop;
    this.away = !this.#following && distance >= nearEnd;
  }

  #grown(): void {
    if (this.#following && this.#scroller) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

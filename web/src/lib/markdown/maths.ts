type ToMathml = (tex: string, options: object) => string;

const namespace = 'http://www.w3.org/1998/Math/MathML';
const longestFormula = 5_000;
const rememberedAtMost = 500;
const elements = new Set(
  'math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd mpadded mphantom merror'.split(' '),
);
const attributes = new Set(
  'accent accentunder columnalign columnspacing depth display displaystyle fence form height largeop linethickness lspace mathvariant maxsize minsize movablelimits rowspacing rspace scriptlevel separator stretchy symmetric voffset width'.split(' '),
);

/**
 * Draws formulas as MathML, which browsers know by themselves. What turns TeX into it is large, so it is fetched with the first formula.
 * No markup goes into the page: its answer is read as XML, and only elements of formulas are made of it.
 */
export class Maths {
  #convert: Promise<ToMathml> | null = null;
  readonly #made = new Map<string, Element | null>();

  constructor(private readonly load: () => Promise<ToMathml> = async () => (await import('temml')).default.renderToString) {}

  /** Draws what is not drawn yet below `root`. What is no valid TeX stays as it was written. */
  async draw(root: ParentNode): Promise<void> {
    if (undrawn(root).length === 0) return;
    this.#convert ??= this.load();
    const convert = await this.#convert.catch(() => void (this.#convert = null));
    // Others may have drawn meanwhile: the words of a drawn formula are not its source.
    if (convert) for (const place of undrawn(root)) this.#drawIn(place, convert);
  }

  #drawIn(place: Element, convert: ToMathml): void {
    const tex = place.textContent;
    const display = place.classList.contains('math-block');
    const key = `${display}${tex}`;
    if (!this.#made.has(key)) {
      if (this.#made.size >= rememberedAtMost) this.#made.clear();
      this.#made.set(key, tex.length > longestFormula ? null : made(tex, display, convert));
    }
    const formula = this.#made.get(key);
    if (formula) place.replaceChildren(formula.cloneNode(true));
  }
}

function undrawn(root: ParentNode): Element[] {
  return [...root.querySelectorAll('span.math')].filter((place) => place.firstElementChild === null);
}

function made(tex: string, displayMode: boolean, convert: ToMathml): Element | null {
  try {
    const mathml = convert(tex, { displayMode, xml: true, throwOnError: true, trust: false, maxExpand: 500 });
    const root = new DOMParser().parseFromString(mathml, 'application/xml').documentElement;
    return root.localName === 'math' ? copied(root) : null;
  } catch {
    return null;
  }
}

function copied(from: Element): Element {
  const to = document.createElementNS(namespace, elements.has(from.localName) ? from.localName : 'mrow');
  for (const { name, value } of from.attributes) if (attributes.has(name)) to.setAttribute(name, value);
  for (const child of from.childNodes) {
    if (child instanceof Element && child.localName !== 'annotation') to.append(copied(child));
    else if (child.nodeType === Node.TEXT_NODE) to.append(child.nodeValue ?? '');
  }
  return to;
}

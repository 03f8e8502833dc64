import createDOMPurify, { type Config, type DOMPurify } from 'dompurify';
import MarkdownIt from 'markdown-it';
import { mathsRules } from './maths_rules';

/** HTML that went through the sanitiser as its last step. Only `SafeHtml.svelte` puts it into the page. */
export type SafeHtml = string & { readonly safe: unique symbol };

/** Link definitions found so far; shared by all blocks of one message. */
export type MarkdownEnv = NonNullable<Parameters<Parser['parse']>[1]>;

const allowed: Config = {
  ALLOWED_TAGS: [
    'a', 'blockquote', 'br', 'code', 'del', 'div', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'img', 'li', 'ol', 'p', 'pre',
    's', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
  ],
  ALLOWED_ATTR: ['href', 'title', 'class', 'dir', 'start', 'src', 'alt', 'rel', 'target', 'loading', 'tabindex'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|\/(?!\/)|#|data:image\/(?:png|jpeg|gif|webp);base64,)/i,
  // The pattern above is held against every attribute that is not listed here or known to the sanitiser as harmless.
  ADD_URI_SAFE_ATTR: ['rel', 'target', 'tabindex', 'loading', 'start', 'dir'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

const linkPattern = /^(?:https?:|mailto:|\/(?!\/)|#)/i;
const imagePattern = /^(?:data:image\/(?:png|jpeg|gif|webp);base64,|blob:|\/api\/)/i;

export type Parser = InstanceType<typeof MarkdownIt>;

export function createParser(): Parser {
  const parser = new MarkdownIt({ html: false, linkify: true, breaks: false, typographer: false });
  parser.validateLink = (url) => linkPattern.test(url.trim()) || imagePattern.test(url.trim());
  parser.core.ruler.push('antiphon', dress);
  mathsRules(parser);
  const { rules } = parser.renderer;

  rules.link_open = (tokens, index, options, _env, self) => {
    const token = tokens[index]!;
    if (/^(?:https?:|mailto:)/i.test(String(token.attrGet('href') ?? ''))) {
      token.attrSet('target', '_blank');
      token.attrSet('rel', 'noopener noreferrer nofollow');
    }
    return self.renderToken(tokens, index, options);
  };
  rules.table_open = () => '<div class="table" tabindex="0"><table dir="auto">';
  rules.table_close = () => '</table></div>';
  // A picture on another server would tell that server who reads the message, so it is offered as a link instead.
  rules.image = (tokens, index, _options, _env, _self) => {
    const token = tokens[index]!;
    const url = String(token.attrGet('src') ?? '');
    const text = parser.utils.escapeHtml(token.content || 'image');
    const escaped = parser.utils.escapeHtml(url);
    if (imagePattern.test(url)) return `<img src="${escaped}" alt="${text}" loading="lazy">`;
    return `<a href="${escaped}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
  };
  return parser;
}

type State = Parameters<Parameters<Parser['core']['ruler']['push']>[1]>[0];

/** Not what is inside them: the direction of a list is found by the words of its items, unless those say one themselves. */
const directed = new Set(['paragraph_open', 'heading_open', 'bullet_list_open', 'ordered_list_open', 'blockquote_open']);

/** Every block is read in the direction of its own words; columns are aligned by class, which no policy forbids; tasks get their box. */
function dress({ tokens }: State): void {
  for (const [index, token] of tokens.entries()) {
    if (token.level === 0 && directed.has(token.type)) token.attrSet('dir', 'auto');
    const align = /text-align:(left|center|right)/.exec(String(token.attrGet('style') ?? ''))?.[1];
    if (align) token.attrs = (token.attrs ?? []).filter(([name]) => name !== 'style').concat([['class', `to-${align}`]]);
    const item = tokens[index - 2];
    const first = token.type === 'inline' && item?.type === 'list_item_open' ? token.children?.[0] : undefined;
    const box = first?.type === 'text' ? /^\[([ xX])\] /.exec(first.content) : null;
    if (!first || !box) continue;
    first.content = (box[1] === ' ' ? '☐ ' : '☑ ') + first.content.slice(box[0].length);
    item!.attrJoin('class', 'task');
  }
}

/** Turns Markdown into HTML that is inert whatever the source says. The sanitiser is always the last step. */
export class Renderer {
  readonly parser: Parser = createParser();
  readonly #purifier: DOMPurify;

  constructor(win: Window & typeof globalThis = window) {
    this.#purifier = createDOMPurify(win);
    this.#purifier.addHook('uponSanitizeAttribute', keepHarmless);
  }

  render(source: string, env: MarkdownEnv = {}): SafeHtml {
    return this.sanitize(this.parser.render(source, env));
  }

  sanitize(html: string): SafeHtml {
    return this.#purifier.sanitize(html, allowed) as unknown as SafeHtml;
  }
}

/**
 * Classes could borrow the page's own looks (an overlay, say); only those of tables, tasks, formulas and highlighted code stay. A picture is fetched when
 * it is shown, so it may be no other server's, whatever links may be.
 */
function keepHarmless(_node: Element, data: { attrName: string; attrValue: string; keepAttr: boolean }): void {
  if (data.attrName === 'src' && !imagePattern.test(data.attrValue)) data.keepAttr = false;
  if (data.attrName !== 'class') return;
  const known = data.attrValue.split(/\s+/).filter((name) => /^(?:table|task|math|math-block|to-(?:left|center|right)|language-[\w+#.-]{1,30}|hljs-[\w-]{1,30})$/.test(name));
  data.attrValue = known.join(' ');
  if (known.length === 0) data.keepAttr = false;
}

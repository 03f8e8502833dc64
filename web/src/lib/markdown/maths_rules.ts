import type { Parser } from './render';

/** What is longer is hardly a formula; and looking further would take for ever in a text full of signs that nothing closes. */
const longestFormula = 2_000;

/**
 * Formulas as models write them: $…$ and \(…\) within a line, $$…$$ and \[…\] for themselves. They come out as their source in a
 * `span.math`, which `Maths` draws; so nothing in them is taken for Markdown, and without it they are still what was written.
 */
export function mathsRules(parser: Parser): void {
  parser.inline.ruler.before('escape', 'math', (state, silent) => {
    const found = formulaAt(state.src, state.pos);
    if (!found) return false;
    if (!silent) Object.assign(state.push('math', '', 0), { content: found.tex, markup: found.display ? '$$' : '$' });
    state.pos = found.end;
    return true;
  });
  parser.block.ruler.before(
    'fence',
    'math_block',
    (state, begin, end, silent) => {
      const line = (at: number) => state.src.slice(state.bMarks[at]! + state.tShift[at]!, state.eMarks[at]);
      const close = { $$: '$$', '\\[': '\\]' }[line(begin).trim()];
      // Half a line may still become something else, and what stands before it would have been another paragraph.
      if (!close || state.sCount[begin]! - state.blkIndent >= 4 || state.src[state.eMarks[begin]!] !== '\n') return false;
      if (silent) return true;
      let last = begin + 1;
      while (last < end && !line(last).trimEnd().endsWith(close) && state.sCount[last]! >= state.blkIndent) last++;
      const body = state.getLines(begin + 1, Math.min(last + 1, end), state.blkIndent, false).trimEnd();
      const token = state.push('math_block', '', 0);
      token.content = (body.endsWith(close) ? body.slice(0, -2) : body).trim();
      state.line = Math.min(last + 1, end);
      token.map = [begin, state.line];
      return true;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );
  const { escapeHtml } = parser.utils;
  parser.renderer.rules.math = (tokens, index) => {
    const { content, markup } = tokens[index]!;
    return `<span class="math${markup === '$$' ? ' math-block' : ''}">${escapeHtml(content)}</span>`;
  };
  parser.renderer.rules.math_block = (tokens, index) => `<p><span class="math math-block">${escapeHtml(tokens[index]!.content)}</span></p>\n`;
}

interface Formula {
  tex: string;
  end: number;
  display: boolean;
}

function formulaAt(text: string, at: number): Formula | null {
  const two = text.slice(at, at + 2);
  if (two === '\\(') return closedBy(text, at + 2, '\\)', false);
  if (two === '\\[') return closedBy(text, at + 2, '\\]', true);
  if (two === '$$') return closedBy(text, at + 2, '$$', true);
  return text[at] === '$' ? dollars(text, at) : null;
}

function closedBy(text: string, begin: number, close: string, display: boolean): Formula | null {
  const length = text.slice(begin, begin + longestFormula).indexOf(close);
  const tex = text.slice(begin, begin + length).trim();
  return length < 0 || tex === '' ? null : { tex, end: begin + length + 2, display };
}

/** Prices are no formulas: no space stands inside the signs, and no digit follows the second one. */
function dollars(text: string, at: number): Formula | null {
  if (/\s/.test(text[at + 1] ?? ' ') || /[\w$\\]/.test(text[at - 1] ?? '')) return null;
  const last = Math.min(text.length, at + longestFormula);
  for (let end = at + 1; end < last && text[end] !== '\n'; end++) {
    if (text[end] === '\\') end++;
    else if (text[end] === '$') return /\s/.test(text[end - 1]!) || /[\d$]/.test(text[end + 1] ?? '') ? null : { tex: text.slice(at + 1, end), end: end + 1, display: false };
  }
  return null;
}

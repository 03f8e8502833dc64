import type { MarkdownEnv, Parser } from './render';

/** A top-level piece of a message. `start` is its offset in the source and stays the same while text is appended. */
export interface Block {
  start: number;
  source: string;
  code: { language: string; text: string } | null;
  /** Whether appended text may still change this block. */
  open: boolean;
}

/**
 * Splits a growing Markdown text into top-level blocks, so that while an answer streams only the last one is parsed and drawn again.
 * In CommonMark appended text can change nothing but the last top-level block, except for link definitions that arrive after their use;
 * those take effect in `finish`. One splitter belongs to one message.
 */
export class BlockSplitter {
  #source = '';
  #settled: Block[] = [];
  #settledEnd = 0;
  #blocks: Block[] = [];
  #env: MarkdownEnv = {};
  #generation = 0;

  constructor(private readonly parser: Parser) {}

  get env(): MarkdownEnv {
    return this.#env;
  }

  /** Changes when earlier blocks have to be drawn again. */
  get generation(): number {
    return this.#generation;
  }

  /** Returns the blocks of `source`. Settled blocks are the same objects as the time before. */
  update(source: string, finished: boolean): readonly Block[] {
    const text = source.includes('\r') ? source.replace(/\r\n?/g, '\n') : source;
    if (!text.startsWith(this.#source)) this.#reset();
    if (text === this.#source && this.#blocks.length > 0 && !finished) return this.#blocks;
    const known = Object.keys(this.#env.references ?? {}).length;
    this.#source = text;

    const tail = splitBlocks(this.parser, text.slice(this.#settledEnd), this.#env, this.#settledEnd);
    const last = tail.pop();
    for (const block of tail) this.#settled.push({ ...block, open: false });
    if (last) this.#settledEnd = last.start;
    this.#blocks = last ? [...this.#settled, { ...last, open: !finished }] : [...this.#settled];
    if (finished && Object.keys(this.#env.references ?? {}).length !== known) this.#generation++;
    return this.#blocks;
  }

  #reset(): void {
    this.#source = '';
    this.#settled = [];
    this.#settledEnd = 0;
    this.#blocks = [];
    this.#env = {};
    this.#generation++;
  }
}

function splitBlocks(parser: Parser, source: string, env: MarkdownEnv, base: number): Block[] {
  const tokens = parser.parse(source, env);
  const starts: { line: number; code: Block['code'] }[] = [];
  for (const token of tokens) {
    if (token.level !== 0 || token.nesting < 0 || !token.map) continue;
    const isFence = token.type === 'fence';
    starts.push({ line: token.map[0], code: isFence ? { language: languageOf(token.info), text: token.content } : null });
  }
  const offsets = lineOffsets(source);
  return starts.map(({ line, code }, index) => {
    const begin = offsets[line] ?? source.length;
    const next = starts[index + 1];
    const end = next ? (offsets[next.line] ?? source.length) : source.length;
    return { start: base + begin, source: source.slice(begin, end), code, open: true };
  });
}

function languageOf(info: string): string {
  return /^[\w+#.-]{1,30}/.exec(info.trim())?.[0].toLowerCase() ?? '';
}

function lineOffsets(source: string): number[] {
  const offsets = [0];
  for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) offsets.push(at + 1);
  return offsets;
}

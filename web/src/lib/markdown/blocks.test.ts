// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { BlockSplitter } from './blocks';
import { Renderer } from './render';

const document = [
  '# Title',
  'A paragraph',
  'over two lines with [a link](https://example.org).',
  '',
  '- one',
  '- two',
  '',
  '  still two',
  '',
  '    1. nested',
  '',
  '```python',
  'def f():',
  '',
  '    return "```"',
  '```',
  '',
  '| a | b |',
  '|---|---|',
  '| 1 | 2 |',
  '',
  '> quote',
  'lazy continuation',
  '',
  'Setext',
  '------',
  '',
  '    indented code',
  '',
  'A formula $x_1$ and one for itself',
  '$$',
  'a',
  '- b',
  '',
  '= c',
  '$$',
  'and \\[ d \\] after.',
  '$$ e $$',
  '',
  '~~~',
  'never closed',
  '',
  'text in the fence',
].join('\n');

describe('BlockSplitter', () => {
  const renderer = new Renderer();

  it('gives the same blocks streamed at every byte as at once', () => {
    const splitter = new BlockSplitter(renderer.parser);

    for (let end = 1; end <= document.length; end++) {
      const streamed = splitter.update(document.slice(0, end), false);
      const whole = new BlockSplitter(renderer.parser).update(document.slice(0, end), false);
      expect(streamed.map((block) => block.source)).toEqual(whole.map((block) => block.source));
    }
  });

  it('renders block by block what the parser renders as a whole', () => {
    const blocks = new BlockSplitter(renderer.parser).update(document, true);

    const pieces = blocks.map((block) => renderer.render(block.source)).join('');

    expect(pieces).toBe(renderer.render(document));
  });

  it('never parses settled text again', () => {
    const splitter = new BlockSplitter(renderer.parser);
    const before = splitter.update('first\n\nsecond', false);

    const after = splitter.update('first\n\nsecond and more\n\nthird', false);

    expect(after[0]).toBe(splitter.update('first\n\nsecond and more\n\nthird and', false)[0]);
    expect(before[0]!.start).toBe(after[0]!.start);
    expect(after.map((block) => block.open)).toEqual([false, false, true]);
  });

  it('starts over when the text was replaced', () => {
    const splitter = new BlockSplitter(renderer.parser);
    splitter.update('one\n\ntwo', false);

    const blocks = splitter.update('another', false);

    expect(blocks.map((block) => block.source)).toEqual(['another']);
  });

  it('knows the language and text of a fence that is still open', () => {
    const [block] = new BlockSplitter(renderer.parser).update('```C++ title\nint x;\n', false);

    expect(block!.code).toEqual({ language: 'c++', text: 'int x;\n' });
    expect(block!.open).toBe(true);
  });

  it('draws earlier blocks again when a link definition arrives late', () => {
    const splitter = new BlockSplitter(renderer.parser);
    splitter.update('see [docs]\n\nmore', false);
    const generation = splitter.generation;

    splitter.update('see [docs]\n\nmore\n\n[docs]: https://example.org', true);

    expect(splitter.generation).toBeGreaterThan(generation);
    expect(renderer.render('see [docs]', splitter.env)).toContain('href="https://example.org"');
  });

  it('treats Windows line ends like others', () => {
    const blocks = new BlockSplitter(renderer.parser).update('a\r\n\r\nb', true);

    expect(blocks).toHaveLength(2);
  });
});

// @vitest-environment jsdom
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BlockSplitter } from './blocks';
import { Renderer } from './render';

// Rows 29, 30, 35, 36, 40: whatever arrives is inert at every step of the stream. tests/browser shows the same texts in a browser.
const vectors = JSON.parse(readFileSync('src/lib/markdown/xss_corpus.json', 'utf8')) as string[];

const forbidden = 'script,iframe,object,embed,style,form,input,svg,math,link,meta,base,video,audio,details,noscript';

function assertInert(html: string): void {
  const holder = window.document.createElement('template');
  holder.innerHTML = html;
  expect(holder.content.querySelectorAll(forbidden).length, html).toBe(0);
  for (const element of holder.content.querySelectorAll('*')) {
    for (const { name, value } of Array.from(element.attributes)) {
      expect(name.startsWith('on'), html).toBe(false);
      expect(['style', 'id', 'name', 'srcdoc', 'srcset', 'formaction'], html).not.toContain(name);
      if (name === 'href') expect(value, html).toMatch(/^(?:https?:|mailto:|\/(?!\/)|#)/i);
      if (name === 'src') expect(value, html).toMatch(/^(?:data:image\/(?:png|jpeg|gif|webp);base64,|\/api\/)/i);
    }
  }
}

describe('Renderer', () => {
  const renderer = new Renderer();

  it('has two hundred texts to try', () => {
    expect(new Set(vectors).size).toBeGreaterThan(200);
  });

  /** Many texts begin alike. */
  const checked = new Set<string>();
  it.each(vectors.map((vector, i) => [vector, i < 80 ? 1 : 3] as const))('is inert at every byte of %j (steps of %i)', (vector, step) => {
    const splitter = new BlockSplitter(renderer.parser);

    for (let end = vector.length % step || step; end <= vector.length; end += step) {
      for (const block of splitter.update(vector.slice(0, end), end === vector.length)) {
        if (checked.has(block.source)) continue;
        checked.add(block.source);
        assertInert(renderer.render(block.source, splitter.env));
      }
    }
  });

  it('sanitises last: HTML that skipped the parser is cleaned as well', () => {
    for (const vector of vectors) assertInert(renderer.sanitize(vector));
  });

  it('keeps what people write', () => {
    const html = renderer.render('**bold** *em* ~~gone~~ `code`\n\n1. one\n2. two\n\n| a |\n|---|\n| b |');

    expect(html).toContain('<strong>bold</strong>');
    expect(html).toContain('<s>gone</s>');
    expect(html).toContain('<ol dir="auto">');
    expect(html).toContain('<div class="table" tabindex="0"><table dir="auto">');
  });

  it('lets every block be read in the direction of its words', () => {
    expect(renderer.render('# שלום\n\nمرحبا\n\n> hello')).toBe(
      '<h1 dir="auto">שלום</h1>\n<p dir="auto">مرحبا</p>\n<blockquote dir="auto">\n<p>hello</p>\n</blockquote>\n',
    );
  });

  it('aligns columns by class, since a policy may forbid styles', () => {
    const html = renderer.render('| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |');

    expect(html).toContain('<td class="to-left">1</td>');
    expect(html).toContain('<th class="to-center">b</th>');
    expect(html).toContain('<td class="to-right">3</td>');
    expect(html).not.toContain('style');
  });

  it('draws the boxes of tasks, and only of tasks', () => {
    const html = renderer.render('- [x] done\n- [ ] not yet\n- [y] neither\n\n[x] no item');

    expect(html).toContain('<li class="task">☑ done</li>');
    expect(html).toContain('<li class="task">☐ not yet</li>');
    expect(html).toContain('<li>[y] neither</li>');
    expect(html).toContain('<p dir="auto">[x] no item</p>');
  });

  it('opens links elsewhere without telling where they came from', () => {
    const html = renderer.render('[x](https://example.org) https://example.net');

    expect(html.match(/rel="noopener noreferrer nofollow"/g)).toHaveLength(2);
    expect(html.match(/target="_blank"/g)).toHaveLength(2);
  });

  it('never fetches a picture from another server', () => {
    const html = renderer.render('![a chart](https://evil.example/beacon.png)');

    expect(html).not.toContain('<img');
    expect(html).toContain('a chart</a>');
  });

  it('shows raw HTML as text', () => {
    expect(renderer.render('<b>hi</b>')).toContain('&lt;b&gt;hi&lt;/b&gt;');
  });

  it('drops class names that could borrow the page’s looks', () => {
    expect(renderer.sanitize('<p class="fixed inset-0 language-js">x</p>')).toBe('<p class="language-js">x</p>');
  });

  it('stays quick on input made to be slow', () => {
    const started = performance.now();

    renderer.render('['.repeat(20_000));
    renderer.render('*a_'.repeat(5_000));

    expect(performance.now() - started).toBeLessThan(4_000);
  });
});

// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { BlockSplitter } from './blocks';
import { Renderer } from './render';

// Rows 29, 35, 40: whatever arrives is inert at every step of the stream.
const vectors = [
  '<script>window.__xss=1</script>',
  '<img src=x onerror="window.__xss=1">',
  '<svg><script>window.__xss=1</script></svg>',
  '<svg onload=window.__xss=1>',
  '<iframe srcdoc="<script>parent.__xss=1</script>"></iframe>',
  '<a href="javascript:window.__xss=1">x</a>',
  '[x](javascript:window.__xss=1)',
  '[x](JaVaScRiPt:window.__xss=1)',
  '[x](java\tscript:window.__xss=1)',
  '[x](&#106;avascript:window.__xss=1)',
  '[x](vbscript:msgbox)',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](//evil.example/path)',
  '![x](javascript:window.__xss=1)',
  '![x](data:image/svg+xml;base64,PHN2Zy8+)',
  '![a" onerror="window.__xss=1](https://evil.example/p.png)',
  '![x](https://evil.example/beacon.png "t\\" onload=\\"window.__xss=1")',
  '[x]: javascript:window.__xss=1\n\n[x]',
  '<https://example.org/"onmouseover="window.__xss=1>',
  '`<img src=x onerror=window.__xss=1>`',
  '```html"><img src=x onerror=window.__xss=1>\n<script>window.__xss=1</script>\n```',
  '- item\n\n  ```js" onclick="window.__xss=1\n  alert(1)\n  ```',
  '| <img src=x onerror=window.__xss=1> |\n|---|\n| <script>window.__xss=1</script> |',
  '# <svg/onload=window.__xss=1>',
  '> <math><mtext></form><form><mglyph><style></math><img src onerror=window.__xss=1>',
  '<noscript><p title="</noscript><img src=x onerror=window.__xss=1>">',
  '<style>@import "https://evil.example";</style>',
  '<form action="https://evil.example"><input name=q></form>',
  '<div style="position:fixed;inset:0">overlay</div>',
  '<a id=app name=app>clobber</a>',
  '<details open ontoggle=window.__xss=1>',
  '<![CDATA[<img src=x onerror=window.__xss=1>]]>',
  '<!--><img src=x onerror=window.__xss=1>-->',
  'www.example.org/"><img src=x onerror=window.__xss=1>',
];

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

  it.each(vectors)('is inert at every byte of %j', (vector) => {
    const splitter = new BlockSplitter(renderer.parser);

    for (let end = 1; end <= vector.length; end++) {
      for (const block of splitter.update(vector.slice(0, end), end === vector.length)) {
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
    expect(html).toContain('<ol>');
    expect(html).toContain('<div class="table" tabindex="0"><table>');
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

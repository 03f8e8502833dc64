// @vitest-environment jsdom
import { describe, expect, it, vi } from 'vitest';
import { Maths } from './maths';
import { Renderer } from './render';

const renderer = new Renderer();

/** The formulas in a text as [source, stands for itself]. */
function formulas(text: string): [string, boolean][] {
  const holder = document.createElement('div');
  holder.innerHTML = renderer.render(text);
  return [...holder.querySelectorAll('span.math')].map((place) => [place.textContent, place.classList.contains('math-block')]);
}

async function drawn(tex: string): Promise<HTMLElement> {
  const holder = document.createElement('div');
  const place = document.createElement('span');
  place.className = 'math math-block';
  place.textContent = tex;
  holder.append(place);
  await new Maths().draw(holder);
  return holder;
}

describe('a formula in a text', () => {
  it.each<[string, [string, boolean][]]>([
    ['Euler: $e^{i\\pi} + 1 = 0$.', [['e^{i\\pi} + 1 = 0', false]]],
    ['\\(a^2\\) and \\[b_1 * c_2 * d\\]', [['a^2', false], ['b_1 * c_2 * d', true]]],
    ['so $$x_1 < *y*$$ holds', [['x_1 < *y*', true]]],
    ['$$\na\n- b\n= c\n$$\nafter', [['a\n- b\n= c', true]]],
    ['before\n\\[\n\\sum_k k\n\\]\n\nafter', [['\\sum_k k', true]]],
    ['- item\n  $$\n  x\n  $$\n- next', [['x', true]]],
    ['`$x$` and\n\n```\n$$\ny\n$$\n```', []],
    ['It costs $5 or $6, or $ 7 $, or US$3 and A$4.', []],
    ['Escaped \\$x$ and \\\\(y\\\\)', []],
    ['Unclosed $x and \\(y and $$z', []],
  ])('%j', (text, expected) => {
    expect(formulas(text)).toEqual(expected);
  });

  it('that is begun and not ended goes to the end of the text, as code does', () => {
    expect(formulas('$$\na = b')).toEqual([['a = b', true]]);
  });
});

it('a text full of signs that nothing closes is read in good time', () => {
  const begun = performance.now();
  for (const sign of ['$a ', '\\(a ', '$$a ', '\\[a ']) renderer.parser.render(sign.repeat(40_000));
  expect(performance.now() - begun).toBeLessThan(4_000);
});

describe('Maths', () => {
  it('draws MathML, by itself or within a line', async () => {
    const holder = await drawn('\\frac{1}{2} \\sqrt{x}');

    const math = holder.querySelector('math')!;
    expect([math.namespaceURI, math.getAttribute('display')]).toEqual(['http://www.w3.org/1998/Math/MathML', 'block']);
    expect([math.querySelectorAll('mfrac').length, math.querySelectorAll('msqrt').length]).toEqual([1, 1]);
  });

  it('leaves what is no TeX as it was written, and tries each formula once', async () => {
    const convert = vi.fn((tex: string) => {
      if (tex.startsWith('\\bad')) throw new Error('no');
      return `<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>${tex}</mi></math>`;
    });
    const maths = new Maths(async () => convert);
    const holder = document.createElement('div');
    holder.innerHTML = renderer.render('$\\bad$ $x$ $x$');

    await maths.draw(holder);
    await maths.draw(holder);

    expect(holder.textContent.trim()).toBe('\\bad x x');
    expect(holder.querySelectorAll('math').length).toBe(2);
    expect(convert.mock.calls.map(([tex]) => tex)).toEqual(['\\bad', 'x']);
  });

  it('draws a formula once, however many ask before it can', async () => {
    let give: (convert: (tex: string) => string) => void = () => {};
    const maths = new Maths(() => new Promise((resolve) => (give = resolve)));
    const holder = document.createElement('div');
    holder.innerHTML = renderer.render('$a^2$');

    const draws = [maths.draw(holder), maths.draw(holder)];
    give((tex) => `<math xmlns="http://www.w3.org/1998/Math/MathML"><mtext>drawn ${tex}</mtext></math>`);
    await Promise.all(draws);

    expect(holder.textContent.trim()).toBe('drawn a^2');
  });

  it.each([
    '\\href{javascript:alert(1)}{x}',
    '\\url{javascript:alert(1)}',
    '\\class{card}{x} \\id{app}{y} \\style{color:red}{z}',
    '\\includegraphics{https://evil.example/x.png}',
    '\\text{<img src=x onerror=alert(1)>}',
    '\\color{red} x \\colorbox{url(https://evil.example)}{y}',
    '\\def\\x{\\x\\x}\\x',
  ])('makes only formulas of %s', async (tex) => {
    const holder = await drawn(tex);

    for (const element of holder.querySelectorAll('span.math *')) {
      expect(element.namespaceURI).toBe('http://www.w3.org/1998/Math/MathML');
      for (const { name } of element.attributes) expect(['href', 'src', 'style', 'class', 'id']).not.toContain(name);
      for (const { name } of element.attributes) expect(name.startsWith('on')).toBe(false);
    }
  });

  it('takes no other element, whatever it is told', async () => {
    const hostile = '<math xmlns="http://www.w3.org/1998/Math/MathML" onclick="x()"><mtext><script xmlns="http://www.w3.org/1999/xhtml">x()</script></mtext><mi style="position:fixed" href="javascript:x()">a</mi></math>';
    const holder = document.createElement('div');
    holder.innerHTML = renderer.render('$a$');

    await new Maths(async () => () => hostile).draw(holder);

    expect([...holder.querySelectorAll('span.math *')].map((element) => element.localName)).toEqual(['math', 'mtext', 'mrow', 'mi']);
    expect([...holder.querySelectorAll('span.math *')].flatMap((element) => [...element.attributes])).toEqual([]);
  });
});

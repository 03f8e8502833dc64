// @vitest-environment jsdom
import MarkdownIt from 'markdown-it';
import { decodeHTMLStrict as ofThePackage } from 'entities/decode';
import { expect, it } from 'vitest';
import { decodeHTMLStrict } from './entities';

const names = ['&amp;', '&lt;', '&quot;', '&nbsp;', '&Tab;', '&NewLine;', '&copy;', '&hellip;', '&NotEqualTilde;', '&CounterClockwiseContourIntegral;', '&semi;', '&nosuch;', '&notit;'];

it.each(names)('knows what %s means as the package does', (name) => {
  expect(decodeHTMLStrict(name)).toBe(ofThePackage(name));
});

it('is what the renderer asks', () => {
  expect(new MarkdownIt().render('a &hellip; &lt;b&gt; &#65; [x](https://x.io/?a&amp;b "&copy;")')).toBe(
    '<p>a … &lt;b&gt; A <a href="https://x.io/?a&amp;b" title="©">x</a></p>\n',
  );
});

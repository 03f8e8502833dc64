// What hostile text can do in a real browser: nothing, by the sanitiser, and nothing by the page's policy alone. Rows 15, 29, 30, 32, 35, 36, 40.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { openBrowser, patience, sendBy } from '../lib/browser.mjs';
import { startServer } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';

const here = dirname(fileURLToPath(import.meta.url));
/** No text with NUL gets as far as a database; the unit tests of the renderer have those too. */
const corpus = JSON.parse(readFileSync(join(here, '../../web/src/lib/markdown/xss_corpus.json'), 'utf8')).filter((text) => !text.includes('\0'));

/** A model server whose answers are the texts it is given, a byte at a time; slowly, since the log commits six times a second. */
async function startParrot() {
  const state = { text: '' };
  const server = createServer((request, response) => {
    if (request.url.endsWith('/models')) return response.end(JSON.stringify({ data: [{ id: 'parrot', object: 'model' }] }));
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const chunk = (delta, finish = null) => response.write(`data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    const characters = [...state.text];
    const step = () => {
      const next = characters.splice(0, 1).join('');
      if (next) {
        chunk({ content: next });
        return setTimeout(step, 4);
      }
      chunk({}, 'stop');
      return response.end('data: [DONE]\n\n');
    };
    return step();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { state, url: `http://127.0.0.1:${server.address().port}/v1`, stop: () => server.closeAllConnections() || server.close() };
}

describe('hostile text in a browser', () => {
  let parrot;
  let server;
  let admin;
  let browser;
  let context;
  let page;
  const outside = []; // requests that left our origin
  const faults = [];
  before(async () => {
    parrot = await startParrot();
    server = await startServer({ env: { OPENAI_API_BASE_URL: parrot.url, OPENAI_API_KEY: 'k', ANTIPHON_RATE_LIMITS: '0' } });
    admin = await server.admin();
    browser = await openBrowser();
    context = await browser.newContext();
    await context.addCookies([{ name: 'token', value: admin.token, url: server.url, httpOnly: true, sameSite: 'Lax' }]);
    await context.route('**/*', (route) => {
      const url = route.request().url();
      if (url.startsWith(server.url) || url.startsWith('data:') || url.startsWith('blob:') || url === 'about:blank') return route.continue();
      outside.push(url);
      return route.abort();
    });
    page = await context.newPage();
    page.setDefaultTimeout(patience());
    page.on('dialog', (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on('popup', (popup) => faults.push(`popup: ${popup.url()}`));
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    parrot?.stop();
  });
  /** Nothing ran, nothing left, and there is nothing in the page that could. */
  const assertInert = async (what) => {
    assert.equal(await page.evaluate(() => window.__xss), undefined, `${what}: a script ran`);
    const odd = await page.evaluate(() => {
      const inside = [...document.querySelectorAll('#app *')];
      const handlers = inside.filter((element) => [...element.attributes].some(({ name }) => /^on/.test(name)));
      const frames = inside.filter((element) => ['IFRAME', 'OBJECT', 'EMBED', 'SCRIPT', 'BASE', 'META', 'LINK', 'FRAME', 'APPLET'].includes(element.tagName));
      const addresses = inside.filter((element) => /^\s*(javascript|data:text|vbscript)/i.test(element.getAttribute('href') ?? element.getAttribute('src') ?? ''));
      return [...handlers, ...frames, ...addresses].map((element) => element.outerHTML.slice(0, 200));
    });
    assert.deepEqual(odd, [], what);
    assert.deepEqual(outside, [], `${what}: no request leaves`);
    assert.deepEqual(faults, [], what);
  };
  const makeChat = async (client, text, more = {}) => {
    const [question, answer] = [randomUUID(), randomUUID()];
    const messages = {
      [question]: { id: question, parentId: null, childrenIds: [answer], role: 'user', content: text, timestamp: 1700000000 },
      [answer]: { id: answer, parentId: question, childrenIds: [], role: 'assistant', content: text, model: 'parrot', done: true, timestamp: 1700000001, ...more },
    };
    const chat = { title: text.slice(0, 200), models: ['parrot'], history: { messages, currentId: answer } };
    return (await client.post('/api/v1/chats/new', { chat }, { expect: 200 })).json.id;
  };
  const show = async (path) => {
    await page.goto(server.url + path);
    await page.locator('#app *').first().waitFor();
    await page.waitForLoadState('networkidle');
  };

  it('is inert in messages, questions and answers, titles, tags and folders (rows 29, 35)', async () => {
    // Thirty texts a chat: alone each would be the same, and a page a text would take minutes.
    for (let at = 0; at < corpus.length; at += 30) {
      const some = corpus.slice(at, at + 30);
      const id = await makeChat(admin, some.join('\n\n'));
      for (const text of some.slice(0, 5)) {
        await admin.post(`/api/v1/chats/${id}/tags`, { name: text.slice(0, 50) });
        await admin.post('/api/v1/folders/', { name: text.slice(0, 80) });
      }
      await show(`/c/${id}`);
      await page.locator('main').first().waitFor();
      await assertInert(`texts ${at} to ${at + some.length}`);
    }
  });

  it('is inert one by one, where something before it cannot swallow it (row 29)', async () => {
    const ids = [];
    for (const text of corpus) ids.push(await makeChat(admin, text));
    await show('/');
    for (const [i, id] of ids.entries()) {
      await page.evaluate((path) => {
        history.pushState({}, '', path);
        dispatchEvent(new PopStateEvent('popstate', { state: {} }));
      }, `/c/${id}`);
      if (i % 25 === 24) await assertInert(`text ${i}`);
    }
    await page.waitForLoadState('networkidle');
    await assertInert('all of them');
  });

  it('is inert at every byte while it is written (row 40)', async () => {
    parrot.state.text = corpus.join('\n\n');
    await show('/');
    await sendBy(page, 'say it');
    const seen = await page.evaluate(
      () =>
        new Promise((settle) => {
          let changes = 0;
          const watch = new MutationObserver(() => {
            changes += 1;
            const bad = document.querySelector('#app script, #app iframe, #app object, #app embed, #app base, #app [onerror], #app [onload], #app [href^="javascript" i]');
            if (bad || window.__xss) settle({ changes, bad: bad?.outerHTML ?? 'a script ran' });
          });
          watch.observe(document.querySelector('#app'), { subtree: true, childList: true, attributes: true });
          window.__stop = () => settle({ changes, bad: null });
          setTimeout(window.__stop, 90_000);
          const done = setInterval(() => {
            if (document.body.innerText.includes('{@html') && !document.querySelector('[aria-busy="true"]')) {
              clearInterval(done);
              setTimeout(window.__stop, 500);
            }
          }, 200);
        }),
    );
    assert.equal(seen.bad, null);
    assert.ok(seen.changes > 200, `${seen.changes} changes were looked at`);
    await assertInert('the whole answer');
  });

  it("is inert in names of models, people and the operator's words (rows 36, 43)", async () => {
    for (const text of ['<img src=x onerror=window.__xss=1>', '"><script>window.__xss=1</script>', '[x](javascript:window.__xss=1)', '</title><script>window.__xss=1</script>']) {
      await admin.post('/api/v1/models/create', { id: `p-${randomUUID()}`, name: text, base_model_id: 'parrot', meta: { description: text }, params: {} }, { expect: 200 });
      await admin.post('/api/v1/auths/add', { name: text.slice(0, 90), email: `${randomUUID()}@x.io`, password: 'a good pass 17', role: 'user' });
      await admin.post('/api/v1/configs/banners', { banners: [{ id: '1', type: 'info', title: text, content: text, dismissible: true, timestamp: 1 }] }, { expect: 200 });
      await admin.post('/api/v1/configs/suggestions', { suggestions: [{ title: [text, text], content: text }] }, { expect: 200 });
    }
    for (const path of ['/', '/settings', '/settings/account', '/admin', '/admin/users', '/admin/models', '/admin/connections']) {
      await show(path);
      await assertInert(path);
    }
    await show('/');
    await page.getByRole('button', { name: /parrot|model|choose/iu }).first().click();
    await assertInert('the list of models');
  });

  it('opens no frame for what a shared chat brings along (row 32)', async () => {
    const eve = await server.user(admin, 'Eve');
    const embeds = ['<script>parent.__xss=1</script>', `${server.url}/api/v1/auths/`, 'https://evil.example/'];
    const sources = [{ source: { name: 'x', url: 'javascript:window.__xss=1' }, document: ['<img src=x onerror=parent.__xss=1>'], metadata: [{ html: true, source: 'javascript:window.__xss=1', name: '<img src=x onerror=window.__xss=1>' }] }];
    const files = [{ type: 'image', url: 'https://evil.example/beacon.png' }, { type: 'file', name: '<img src=x onerror=window.__xss=1>', url: 'javascript:window.__xss=1' }];
    const output = [{ type: 'function_call', name: '<img src=x onerror=window.__xss=1>', arguments: '{"x":"<script>"}', id: 'f1', call_id: 'c1' }, { type: 'function_call_output', call_id: 'c1', output: '<img src=x onerror=window.__xss=1>' }];
    const more = { embeds, sources, files, output: [...output, { type: 'message', content: [{ type: 'output_text', text: 'hello' }] }], statusHistory: [{ description: '<img src=x onerror=window.__xss=1>', urls: ['javascript:window.__xss=1'] }], error: { content: '<img src=x onerror=window.__xss=1>' }, followUps: ['<img src=x onerror=window.__xss=1>'] };
    const id = await makeChat(eve, 'shared <img src=x onerror=window.__xss=1>', more);
    const share = (await eve.post(`/api/v1/chats/${id}/share`, {}, { expect: 200 })).json.share_id;
    await show(`/s/${share}`);
    await page.getByText('shared').first().waitFor();
    for (const control of await page.locator('main button, main summary, main details').all()) await control.click({ timeout: 500 }).catch(() => {});
    await assertInert('the shared chat');
    assert.equal(await page.locator('iframe').count(), 0);
  });

  it('a picture on another server is a link, and asks nobody (row 15)', async () => {
    const id = await makeChat(admin, '![chart](https://evil.example/beacon.png) <https://evil.example/> ![](//evil.example/x) ![](/api/v1/users/x/profile/image)');
    await show(`/c/${id}`);
    await page.getByText('chart').first().waitFor();
    await assertInert('pictures');
  });

  it("cannot run even where the sanitiser would fail: the page's policy alone stops all of it (rows 15, 29)", async () => {
    await show('/');
    outside.length = 0;
    page.on('request', (request) => request.isNavigationRequest() && request.frame() === page.mainFrame() && faults.push(`went to ${request.url()}`));
    const tried = await page.evaluate(async (texts) => {
      const policy = [];
      document.addEventListener('securitypolicyviolation', (event) => policy.push(event.effectiveDirective));
      // A form that names no address is sent to this page, which is allowed and would end the test.
      addEventListener('submit', (event) => {
        const named = event.submitter?.hasAttribute('formaction') || Element.prototype.hasAttribute.call(event.target, 'action');
        if (!named) event.preventDefault();
      });
      const holder = document.body.appendChild(document.createElement('div'));
      for (const text of texts) {
        const place = holder.appendChild(document.createElement('div'));
        place.innerHTML = text;
        // Scripts put in by innerHTML never run; made anew they would.
        for (const script of place.querySelectorAll('script')) {
          const again = document.createElement('script');
          for (const { name, value } of script.attributes) again.setAttribute(name, value);
          again.textContent = script.textContent;
          script.replaceWith(again);
        }
        for (const link of place.querySelectorAll('a[href], area[href], button, summary')) {
          link.removeAttribute('target');
          // Schemes the browser does not know lead nowhere, and other pages are no script of ours.
          if (!link.href || link.protocol === 'javascript:') link.click();
        }
        for (const element of place.querySelectorAll('*')) for (const type of ['mouseover', 'focus', 'click', 'pointerenter', 'animationstart']) element.dispatchEvent(new Event(type));
        for (const form of place.querySelectorAll('form[action]')) form.requestSubmit?.();
      }
      // Not at once: what the debugger runs may do what the page may not.
      setTimeout(() => {
        try {
          eval('window.__xss = 2');
        } catch {
          policy.push('eval');
        }
      }, 50);
      await new Promise((settle) => setTimeout(settle, 1500));
      const ran = window.__xss;
      holder.remove();
      return { ran, policy };
    }, corpus.filter((text) => !/http-equiv=refresh/i.test(text))).catch((error) => assert.fail(`${error.message}: ${faults}`));
    assert.equal(tried.ran, undefined);
    assert.ok(tried.policy.length > 50, `${tried.policy.length} times the policy said no`);
    for (const directive of ['script-src-attr', 'script-src-elem', 'img-src', 'eval']) assert.ok(tried.policy.includes(directive), directive);
    assert.deepEqual(outside, [], 'nothing left');
  });

  it('and no page of another origin may frame it or read it', async () => {
    const reply = await admin.get('/', { expect: 200 });
    assert.match(reply.headers.get('content-security-policy'), /frame-ancestors 'self'/);
    const foreign = await context.newPage();
    await foreign.setContent(`<iframe src="${server.url}/"></iframe>`);
    await until(async () => foreign.frames().length === 2, { what: 'the frame' });
    await foreign.waitForTimeout(500);
    const framed = await foreign.frames()[1].evaluate(() => document.querySelector('#app')?.childElementCount ?? 0).catch(() => 0);
    assert.equal(framed, 0, 'the framed page does not come up');
    const read = await foreign.evaluate((url) => fetch(`${url}/api/v1/auths/`, { credentials: 'include' }).then((answer) => answer.status, () => 'refused'), server.url);
    assert.equal(read, 'refused');
  });
});

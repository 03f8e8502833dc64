// The test provider itself: a tool that lies makes every other test worthless.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseDirectives } from '../provider/directives.mjs';
import { startProvider } from '../provider/provider.mjs';
import { readTokens, tokenText } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';

let provider;
before(async () => (provider = await startProvider()));
after(() => provider.stop());

function post(content, { path = '/v1/chat/completions', stream = true, model = 'numbered', messages, signal } = {}) {
  const body = { model, stream, messages: messages ?? [{ role: 'user', content }] };
  return fetch(provider.url + path, { method: 'POST', body: JSON.stringify(body), signal });
}

/** All SSE data lines; stops silently when the connection breaks, as `broken` tells. */
async function events(reply) {
  let text = '';
  let broken = false;
  try {
    for await (const piece of reply.body) text += Buffer.from(piece).toString();
  } catch {
    broken = true;
  }
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith('data: '));
  return { lines: lines.map((line) => line.slice(6)), broken };
}

function parsed(lines) {
  return lines.filter((line) => line.startsWith('{')).flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

function field(lines, name) {
  return parsed(lines).map((event) => event.choices?.[0]?.delta?.[name] ?? '').join('');
}

describe('directives', () => {
  it('reads numbers, quoted texts and JSON without blanks', () => {
    assert.deepEqual(parseDirectives('a [[tokens=3 message="two words"]] b [[args={"x":[1]} ]]'), {
      tokens: 3,
      message: 'two words',
      args: '{"x":[1]}',
    });
  });

  it('refuses a directive it does not know', () => {
    assert.throws(() => parseDirectives('[[tokns=3]]'), /unknown directive tokns/);
  });
});

describe('streams', () => {
  it('numbers its tokens behind the serial of the call, and ends with finish, usage and [DONE]', async () => {
    const { lines } = await events(await post('[[tokens=5 delay=1]]'));
    const call = provider.calls.at(-1);
    assert.equal(field(lines, 'content'), tokenText(call.serial, 5));
    assert.equal(lines.at(-1), '[DONE]');
    assert.equal(JSON.parse(lines.at(-2)).usage.completion_tokens, 5);
    assert.equal(JSON.parse(lines.at(-3)).choices[0].finish_reason, 'stop');
  });

  it('says a given text to the letter, and goes on with it behind a prefix', async () => {
    const say = '# Title\n\n- one\n- two\n';
    provider.script({ say, delay: 0 }, { contains: 'recite', times: 2 });
    assert.equal(field((await events(await post('recite'))).lines, 'content'), say);
    const messages = [{ role: 'user', content: 'recite' }, { role: 'assistant', content: '# Title\n\n-' }];
    assert.equal(field((await events(await post('', { messages }))).lines, 'content'), ' one\n- two\n');
  });

  it('keeps to its schedule', async () => {
    const begin = performance.now();
    await events(await post('[[tokens=50 delay=10]]'));
    const took = performance.now() - begin;
    assert.ok(took > 480 && took < 1500, `${took} ms`);
  });

  it('breaks the connection before the token it was told, and what came before arrives', async () => {
    const { lines, broken } = await events(await post('[[tokens=50 delay=1 break=7]]'));
    assert.equal(broken, true);
    assert.equal(readTokens(field(lines, 'content')).count, 7);
    assert.equal(provider.calls.at(-1).closedBy, 'provider');
  });

  it('sends an error inside the stream', async () => {
    const { lines } = await events(await post('[[tokens=5 error=2 message="boom now"]]'));
    assert.equal(JSON.parse(lines.at(-1)).error.message, 'boom now');
    assert.equal(readTokens(field(lines, 'content')).count, 2);
  });

  it('cuts the stream cleanly without an end', async () => {
    const { lines, broken } = await events(await post('[[tokens=5 cut=3]]'));
    assert.equal(broken, false);
    assert.equal(lines.includes('[DONE]'), false);
    assert.equal(readTokens(field(lines, 'content')).count, 3);
  });

  it('repeats a token, which a check of the text notices', async () => {
    const { lines } = await events(await post('[[tokens=5 repeat=2]]'));
    assert.throws(() => readTokens(field(lines, 'content')), /token 2 stands at place 3/);
  });

  it('sends a line that is no JSON and goes on', async () => {
    const { lines } = await events(await post('[[tokens=3 malformed=1]]'));
    assert.equal(lines.filter((line) => line !== '[DONE]').length - parsed(lines).length, 1);
    assert.equal(readTokens(field(lines, 'content')).count, 3);
  });

  it('is silent for a while and goes on', async () => {
    const begin = performance.now();
    const { lines } = await events(await post('[[tokens=4 stall=2 stallms=300]]'));
    assert.ok(performance.now() - begin >= 300);
    assert.equal(readTokens(field(lines, 'content')).count, 4);
  });

  it('notices when the client goes away during silence', async () => {
    const abort = new AbortController();
    const reply = await post('[[tokens=4 stall=2]]', { signal: abort.signal });
    await reply.body.getReader().read();
    const at = Date.now();
    abort.abort();
    const call = provider.calls.at(-1);
    await until(() => call.closedAt, { ms: 1000 });
    assert.equal(call.closedBy, 'client');
    assert.ok(call.closedAt - at < 500);
  });

  it('can hang before the first byte', async () => {
    await assert.rejects(post('[[hang=1]]', { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  });

  it('sends reasoning in the field it was told, and think tags in pieces', async () => {
    const field1 = await events(await post('[[tokens=1 reasoning=3 field=reasoning]]'));
    assert.equal(field(field1.lines, 'reasoning'), 'r0 r1 r2');
    const tags = await events(await post('[[tokens=1 think=2]]'));
    assert.match(field(tags.lines, 'content'), /^<think>r0 r1<\/think>#\d+ t0$/);
    assert.equal(tags.lines.some((line) => line.includes('<think>')), false, 'no chunk holds the whole tag');
  });

  it('splits events at any byte and uses CRLF and comments', async () => {
    const { lines } = await events(await post('[[tokens=5 split=3 crlf=1 comment=1]]'));
    assert.equal(readTokens(field(lines, 'content')).count, 5);
  });

  it('sends one huge token', async () => {
    const { lines } = await events(await post('[[tokens=1 huge=1000000]]'));
    assert.ok(field(lines, 'content').length > 1_000_000);
  });
});

describe('tools', () => {
  it('streams the arguments in pieces and answers with text once it has the result', async () => {
    const content = '[[tokens=2 tool=add args={"a":1,"b":2}]]';
    const first = await events(await post(content));
    const pieces = parsed(first.lines).flatMap((event) => event.choices?.[0]?.delta?.tool_calls ?? []);
    assert.equal(pieces[0].function.name, 'add');
    assert.ok(pieces.length > 3);
    assert.equal(pieces.map((piece) => piece.function.arguments).join(''), '{"a":1,"b":2}');
    const messages = [
      { role: 'user', content },
      { role: 'assistant', content: '', tool_calls: [{ id: pieces[0].id, type: 'function', function: { name: 'add', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: pieces[0].id, content: '3' },
    ];
    const second = await events(await post('', { messages }));
    assert.equal(readTokens(field(second.lines, 'content')).count, 2);
  });
});

describe('whole answers', () => {
  it('come in one piece', async () => {
    const { choices, usage } = await (await post('[[tokens=4]]', { stream: false })).json();
    assert.equal(readTokens(choices[0].message.content).count, 4);
    assert.equal(usage.completion_tokens, 4);
  });

  it('are refused with a status and an error object', async () => {
    const reply = await post('[[refuse=429 message="too many"]]');
    assert.equal(reply.status, 429);
    assert.equal((await reply.json()).error.message, 'too many');
  });

  it('answer background prompts with the JSON they ask for, whatever directives the quoted chat holds', async () => {
    const reply = await post('Give {"title": "..."} for: [[tokens=9 refuse=500]]', { stream: false });
    const { choices } = await reply.json();
    assert.match(choices[0].message.content, /\{"title":"Title \d+"\}/);
    assert.equal(provider.calls.at(-1).task, 'title');
    assert.equal(provider.answers.includes(provider.calls.at(-1)), false);
  });

  it('continue the numbering of a text they are given as prefix', async () => {
    const messages = [{ role: 'user', content: '[[tokens=5]]' }, { role: 'assistant', content: '#1 t0 t1 t2' }];
    const { choices } = await (await post('', { stream: false, messages })).json();
    assert.equal(choices[0].message.content, ' t3 t4');
  });

  it('can be scripted from outside, once', async () => {
    provider.script({ tokens: 2 }, { contains: 'special' });
    const read = async () => readTokens((await (await post('special', { stream: false })).json()).choices[0].message.content).count;
    assert.equal(await read(), 2);
    assert.equal(await read(), 20);
  });
});

describe('Ollama', () => {
  const lines = async (reply) => (await reply.text()).trim().split('\n').map((line) => JSON.parse(line));

  it('streams NDJSON with thinking, text and counts', async () => {
    const all = await lines(await post('[[tokens=3 reasoning=2]]', { path: '/api/chat', model: 'pebble:1b' }));
    assert.equal(all.map((line) => line.message?.thinking ?? '').join(''), 'r0 r1');
    assert.equal(readTokens(all.map((line) => line.message?.content ?? '').join('')).count, 3);
    assert.equal(all.at(-1).done, true);
    assert.equal(all.at(-1).eval_count, 3);
  });

  it('pulls with progress, shows, lists and deletes', async () => {
    const send = (method, path, body) => fetch(provider.url + path, { method, body: JSON.stringify(body) });
    const progress = await lines(await send('POST', '/api/pull', { model: 'boulder:3b' }));
    assert.ok(progress.some((line) => line.completed > 0 && line.completed < line.total));
    assert.equal(progress.at(-1).status, 'success');
    const tags = async () => (await (await fetch(`${provider.url}/api/tags`)).json()).models.map((model) => model.name);
    assert.ok((await tags()).includes('boulder:3b'));
    assert.equal((await send('POST', '/api/show', { model: 'boulder:3b' })).status, 200);
    assert.equal((await send('DELETE', '/api/delete', { model: 'boulder:3b' })).status, 200);
    assert.equal((await tags()).includes('boulder:3b'), false);
  });

  it('lists a running model only while it answers', async () => {
    const names = async () => (await (await fetch(`${provider.url}/api/ps`)).json()).models.map((model) => model.name);
    const running = post('[[tokens=20 delay=10]]', { path: '/api/chat', model: 'pebble:7b' });
    await sleep(100);
    assert.deepEqual(await names(), ['pebble:7b']);
    await (await running).text();
    assert.deepEqual(await names(), []);
  });
});

describe('load', () => {
  it('serves 1000 streams at once, each complete', { timeout: 60_000 }, async () => {
    const replies = Array.from({ length: 1000 }, async () => {
      const { lines } = await events(await post('[[tokens=50 delay=20]]'));
      return readTokens(field(lines, 'content'));
    });
    const all = await Promise.all(replies);
    assert.equal(new Set(all.map((one) => one.serial)).size, 1000);
    assert.ok(all.every((one) => one.count === 50));
  });
});

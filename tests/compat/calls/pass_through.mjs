// The routes that hand requests on to OpenAI-compatible servers and to Ollama.

const chat = (model, more = {}) => ({ model, stream: false, messages: [{ role: 'user', content: 'Hi [[tokens=4]]' }], ...more });

async function openai(w) {
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'GET /openai/config');
  const config = (await w.call('ada', 'GET /openai/config', { note: 'to send it back' })).json ?? {};
  await w.call('ada', 'POST /openai/config/update', { body: config, note: 'unchanged' });
  await w.call('ada', 'POST /openai/config/update', { body: {}, note: 'empty' });
  await w.call('bob', 'POST /openai/config/update', { body: config, note: 'not an administrator' });
  await w.call('ada', 'POST /openai/verify', { body: { url: w.provider.openaiUrl, key: 'provider-key', config: {} } });
  await w.call('ada', 'POST /openai/verify', { body: { url: 'http://127.0.0.1:9/v1', key: '', config: {} }, note: 'nobody there' });
  await w.call('ada', 'POST /openai/verify', { body: {}, note: 'empty' });
  await w.call('bob', 'POST /openai/verify', { body: { url: w.provider.openaiUrl, key: '' }, note: 'not an administrator' });
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'GET /openai/models');
  await w.call('ada', 'GET /openai/models/{idx}', { path: { idx: 0 } });
  await w.call('ada', 'GET /openai/models/{idx}', { path: { idx: 9 }, note: 'a connection that is not there' });
  await w.call('ada', 'GET /openai/models/{idx}', { path: { idx: 'x' }, note: 'not a number' });
  for (const who of ['ada', 'bob']) {
    await w.call(who, 'POST /openai/chat/completions', { body: chat('numbered') });
    await w.call(who, 'POST /openai/chat/completions', { body: chat('numbered', { stream: true }), note: 'streamed' });
  }
  await w.call('bob', 'POST /openai/chat/completions', { body: chat('stalling'), note: 'a model they may not use' });
  await w.call('ada', 'POST /openai/chat/completions', { body: chat('no-such-model'), note: 'a model that is not there' });
  await w.call('nobody', 'POST /openai/chat/completions', { body: chat('numbered') });
  await w.call('ada', 'POST /openai/responses', { body: { model: 'numbered', input: 'Hi' }, note: 'the provider has none' });
  await w.call('nobody', 'POST /openai/responses', { body: { model: 'numbered', input: 'Hi' } });
  await w.call('ada', 'GET /openai/{path}', { path: { path: 'files' }, note: 'any other path' });
  await w.call('nobody', 'GET /openai/{path}', { path: { path: 'files' } });
}

/** Models of a server that manages its own, and speech. */
async function managing(w) {
  const path = { idx: 0 };
  const body = { model: 'numbered' };
  const reading = ['catalog', 'sse', 'download/status/1'].map((what) => `GET /openai/models/{idx}/${what}`);
  const changing = ['download', 'load', 'unload'].map((what) => `POST /openai/models/{idx}/${what}`);
  for (const who of ['ada', 'bob', 'nobody']) {
    for (const route of reading) await w.call(who, route, { path });
    for (const route of changing) await w.call(who, route, { path, body });
    await w.call(who, 'DELETE /openai/models/{idx}', { path, query: body });
    await w.call(who, 'POST /openai/audio/speech', { body: { model: 'tts-1', input: 'Hi', voice: 'alloy' } });
  }
  await w.call('ada', changing[1], { path, body: {}, note: 'no model' });
  await w.call('ada', changing[1], { path: { idx: 9 }, body, note: 'a connection that is not there' });
  await w.call('ada', 'DELETE /openai/models/{idx}', { path, note: 'no model' });
}

async function ollamaReading(w) {
  await w.call('nobody', 'GET /ollama/');
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'GET /ollama/config');
  const config = (await w.call('ada', 'GET /ollama/config', { note: 'to send it back' })).json ?? {};
  await w.call('ada', 'POST /ollama/config/update', { body: config, note: 'unchanged' });
  await w.call('ada', 'POST /ollama/verify', { body: { url: w.provider.url, key: '' } });
  await w.call('ada', 'POST /ollama/verify', { body: { url: 'http://127.0.0.1:9', key: '' }, note: 'nobody there' });
  for (const who of ['ada', 'bob', 'nobody']) await w.call(who, 'GET /ollama/api/tags');
  await w.call('ada', 'GET /ollama/api/tags/{idx}', { path: { idx: 0 } });
  await w.call('ada', 'GET /ollama/api/version');
  await w.call('ada', 'GET /ollama/api/version/{idx}', { path: { idx: 0 } });
  await w.call('ada', 'GET /ollama/api/ps');
  await w.call('bob', 'GET /ollama/api/ps', { note: 'not an administrator' });
  await w.call('ada', 'GET /ollama/v1/models');
  await w.call('ada', 'GET /ollama/v1/models/{idx}', { path: { idx: 0 } });
  await w.call('ada', 'POST /ollama/api/show', { body: { model: 'pebble:1b' } });
  await w.call('ada', 'POST /ollama/api/show', { body: { model: 'none' }, note: 'missing' });
  await w.call('bob', 'POST /ollama/api/show', { body: { model: 'pebble:1b' }, note: 'a model they may not use' });
}

async function ollamaTalking(w) {
  await w.call('ada', 'POST /ollama/api/chat', { body: chat('pebble:1b') });
  await w.call('ada', 'POST /ollama/api/chat', { body: chat('pebble:1b', { stream: true }), note: 'streamed' });
  await w.call('ada', 'POST /ollama/api/chat', { body: chat('none'), note: 'missing' });
  await w.call('bob', 'POST /ollama/api/chat', { body: chat('pebble:1b'), note: 'a model they may not use' });
  await w.call('nobody', 'POST /ollama/api/chat', { body: chat('pebble:1b') });
  await w.call('ada', 'POST /ollama/v1/chat/completions', { body: chat('pebble:1b') });
  await w.call('ada', 'POST /api/chat/completions', { body: chat('pebble:1b'), note: 'Ollama by the common route' });
  await w.call('ada', 'POST /api/chat/completions', { body: chat('pebble:1b', { stream: true }), note: 'Ollama by the common route, streamed' });
  await w.call('ada', 'POST /ollama/api/generate', { body: { model: 'pebble:1b', prompt: 'x [[tokens=3]]', stream: false } });
  await w.call('ada', 'POST /ollama/api/embed', { body: { model: 'pebble:1b', input: 'x' } });
  await w.call('ada', 'POST /ollama/api/embeddings', { body: { model: 'pebble:1b', prompt: 'x' } });
  await w.call('ada', 'POST /ollama/v1/embeddings', { body: { model: 'pebble:1b', input: 'x' } });
  await w.call('ada', 'POST /ollama/api/generate', { body: { model: 'none', prompt: 'x' }, note: 'missing' });
}

async function ollamaManaging(w) {
  await w.call('ada', 'POST /ollama/api/pull', { body: { model: 'pebble:2b' } });
  await w.call('ada', 'POST /ollama/api/pull', { body: { model: 'missing:1b' }, note: 'missing' });
  await w.call('bob', 'POST /ollama/api/pull', { body: { model: 'pebble:2b' }, note: 'not an administrator' });
  await w.call('ada', 'GET /ollama/api/tags', { note: 'after the pull' });
  await w.call('ada', 'DELETE /ollama/api/delete', { body: { model: 'pebble:2b' } });
  await w.call('ada', 'DELETE /ollama/api/delete', { body: { model: 'pebble:2b' }, note: 'again' });
  await w.call('bob', 'DELETE /ollama/api/delete', { body: { model: 'pebble:1b' }, note: 'not an administrator' });
  await w.call('ada', 'POST /ollama/api/copy', { body: { source: 'pebble:1b', destination: 'pebble:x' } });
  await w.call('ada', 'POST /ollama/api/copy', { body: { source: 'none', destination: 'pebble:y' }, note: 'missing' });
  await w.call('ada', 'POST /ollama/api/create', { body: { model: 'pebble:x', from: 'pebble:1b' }, note: 'the provider has none' });
  await w.call('ada', 'POST /ollama/api/unload', { body: { model: 'pebble:1b' } });
  await w.call('ada', 'POST /api/models/unload', { body: { model: 'pebble:1b' } });
}

export async function passThrough(w) {
  await openai(w);
  await managing(w);
  await ollamaReading(w);
  await ollamaTalking(w);
  await ollamaManaging(w);
}

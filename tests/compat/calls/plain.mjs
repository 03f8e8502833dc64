// Completions for programs: no session, whole and streamed, with and without a chat; Anthropic's shape; embeddings.

const ask = (content, more = {}) => ({ model: 'numbered', stream: false, messages: [{ role: 'user', content }], ...more });

async function whole(w, route) {
  await w.call('bob', route, { body: ask('Hi [[tokens=5]]') });
  await w.call('bob', route, { body: ask('Hi [[tokens=5]]', { stream: true }), note: 'streamed' });
  await w.call('bob', route, { body: ask('Hi [[tokens=5]]', { stream: true, stream_options: { include_usage: true } }), note: 'streamed, with usage asked for' });
  await w.call('bob', route, { body: ask('Hi', { model: 'toolcaller', tools: [{ type: 'function', function: { name: 'get_current_timestamp', parameters: { type: 'object', properties: {} } } }] }), note: 'with a tool of the caller' });
  await w.call('bob', route, { body: ask('Hi [[tokens=4 reasoning=3]]'), note: 'reasoning' });
  await w.call('bob', route, { body: ask('Hi [[refuse=429 message="slow down"]]'), note: 'the provider refuses' });
  await w.call('bob', route, { body: ask('Hi [[refuse=429 message="slow down"]]', { stream: true }), note: 'the provider refuses a stream' });
  await w.call('bob', route, { body: ask('Hi [[tokens=5 error=2 message="broken"]]', { stream: true }), note: 'an error in the stream' });
  await w.call('bob', route, { body: ask('Hi', { model: 'no-such-model' }), note: 'a model that is not there' });
  await w.call('bob', route, { body: { model: 'numbered' }, note: 'no messages' });
  await w.call('bob', route, { body: {}, note: 'nothing' });
}

async function withChat(w) {
  const route = 'POST /api/chat/completions';
  const body = (more) => ({ ...ask('Keep me [[tokens=4]]'), parent_id: null, id: w.id(), user_message: { id: w.id(), parentId: null, childrenIds: [], role: 'user', content: 'Keep me [[tokens=4]]' }, ...more });
  await w.call('bob', route, { body: body(), note: 'a new chat, no session' });
  await w.pause();
  await w.call('bob', route, { body: body({ stream: true }), note: 'a new chat, streamed, no session' });
  const refused = 'Keep me [[refuse=429 message="slow down"]]';
  const asked = { id: w.id(), parentId: null, childrenIds: [], role: 'user', content: refused };
  await w.call('bob', route, { body: body({ user_message: asked }), note: 'a new chat, no session, the provider refuses' });
  const list = await w.call('bob', 'GET /api/v1/chats/', { query: { page: 1 }, note: 'the newest', pick: (all) => all[0] });
  await w.call('bob', route, { body: { ...ask('x'), chat_id: list.json?.[0]?.id }, note: 'a chat without a message id' });
}

async function anthropic(w) {
  const body = { model: 'numbered', max_tokens: 100, messages: [{ role: 'user', content: 'Hi [[tokens=5]]' }] };
  for (const route of ['POST /api/v1/messages', 'POST /api/message']) {
    await w.call('bob', route, { body });
    await w.call('bob', route, { body: { ...body, stream: true }, note: 'streamed' });
    await w.call('bob', route, { body: { ...body, system: 'Be brief.', temperature: 0.2, stop_sequences: ['END'] }, note: 'with a system prompt' });
    await w.call('bob', route, { body: { ...body, model: 'no-such-model' }, note: 'a model that is not there' });
    await w.call('bob', route, { body: { ...body, messages: [{ role: 'user', content: 'Hi [[refuse=400 message="bad"]]' }] }, note: 'the provider refuses' });
  }
  await w.call('bob', 'POST /api/v1/messages', { body: { model: 'numbered' }, note: 'no messages' });
  await w.call('nobody', 'POST /api/v1/messages', { body });
  await w.call('bob', 'POST /api/v1/messages/count_tokens', { body, pick: ({ input_tokens }) => typeof input_tokens });
  await w.call('bob', 'POST /api/message/count_tokens', { body, pick: ({ input_tokens }) => typeof input_tokens });
  await w.call('nobody', 'POST /api/v1/messages/count_tokens', { body });
}

async function embeddings(w) {
  for (const route of ['POST /api/embeddings', 'POST /api/v1/embeddings']) {
    await w.call('bob', route, { body: { model: 'numbered', input: 'Hi' } });
    await w.call('bob', route, { body: { model: 'no-such-model', input: 'Hi' }, note: 'a model that is not there' });
    await w.call('nobody', route, { body: { model: 'numbered', input: 'Hi' } });
  }
}

export async function plain(w) {
  await whole(w, 'POST /api/chat/completions');
  await whole(w, 'POST /api/v1/chat/completions');
  await withChat(w);
  await anthropic(w);
  await embeddings(w);
  await w.call('bob', 'POST /api/chat/completed', { body: { model: 'numbered', messages: [], chat_id: 'x', session_id: 'x', id: 'x' }, note: 'of old clients' });
  await w.call('bob', 'POST /api/chat/actions/{id}', { path: { id: 'no-such' }, body: { model: 'numbered' }, note: 'missing' });
}

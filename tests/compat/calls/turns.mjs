// Turns of a chat over the socket: the sequence of events, what the model is asked, and what the chat holds afterwards.

const kStop = async (turn) => {
  await turn.tokens(10);
};

/** Ada makes the models that bob shall use readable; without it only administrators see plain models. */
export async function openModels(w) {
  const names = ['numbered', 'n50d5', 'reasoner', 'thinker', 'toolcaller', 'refusing'];
  for (const id of names) {
    const access_grants = [{ principal_type: 'user', principal_id: '*', permission: 'read' }];
    const body = { id, name: id, base_model_id: null, meta: {}, params: {}, access_grants, is_active: true };
    await w.call('ada', 'POST /api/v1/models/create', { body, note: `open ${id} to all` });
  }
}

async function ordinary(w) {
  const first = await w.turn('bob', 'first turn', 'Hello [[tokens=12 delay=3]]');
  const { chatId } = first;
  if (!chatId) return;
  const second = await w.turn('bob', 'second turn', 'And then? [[tokens=8 delay=3]]', { chatId, parentId: first.messageId });
  await w.turn('bob', 'regenerate', 'And then? [[tokens=8 delay=3]]', { chatId, userId: second.userId, parentId: first.messageId });
  await w.call('bob', 'GET /api/v1/chats/{id}', { path: { id: chatId }, note: 'after three turns' });
  await w.call('bob', 'GET /api/tasks/chat/{id}', { path: { id: chatId }, note: 'nothing runs' });
  await w.call('eve', 'GET /api/tasks/chat/{id}', { path: { id: chatId }, note: 'not theirs' });
  await w.call('bob', 'GET /api/v1/chats/', { query: { page: 1 }, note: 'after the turns', pick: (list) => list[0] });
}

async function background(w) {
  await w.turn('bob', 'first turn with title, tags and follow-ups', 'Name me [[tokens=5 delay=2]]', { background: true, settleMs: 1500 });
  await w.turn('bob', 'background prompts that fail', 'Name me not [[tokens=5 delay=2 task=error]]', { background: true, settleMs: 1500 });
  await w.turn('bob', 'background prompts that answer nonsense', 'Name me badly [[tokens=5 delay=2 task=garbage]]', { background: true, settleMs: 1500 });
}

async function stopping(w) {
  const first = await w.turn('bob', 'stop', 'For long [[tokens=400 delay=10]]', {
    cut: true,
    act: async (turn) => {
      await kStop(turn);
      await w.call('eve', 'POST /api/tasks/chat/{id}/stop', { path: { id: turn.chatId }, note: 'not theirs' });
      await w.call('bob', 'GET /api/tasks/chat/{id}', { path: { id: turn.chatId }, note: 'one runs' });
      await w.call('bob', 'GET /api/v1/chats/{id}', { path: { id: turn.chatId }, note: 'while it runs', pick: (json) => duringOf(json, turn) });
      await w.call('bob', 'POST /api/tasks/chat/{id}/stop', { path: { id: turn.chatId } });
    },
  });
  const { chatId } = first;
  if (!chatId) return;
  await w.call('bob', 'POST /api/tasks/chat/{id}/stop', { path: { id: chatId }, note: 'nothing runs' });
  await w.turn('bob', 'continue a stopped answer', 'For long [[tokens=40 delay=2]]', { chatId, userId: first.userId, continueId: first.messageId, cut: true });
  await w.call('bob', 'POST /api/tasks/stop/{id}', { path: { id: 'no-such' }, note: 'not an administrator' });
  await w.call('ada', 'POST /api/tasks/stop/{id}', { path: { id: 'no-such' }, note: 'missing' });
  await w.call('ada', 'GET /api/tasks', { note: 'nothing runs' });
  await w.call('bob', 'GET /api/tasks', { note: 'not an administrator' });
}

/** The half-written answer: the text so far differs from moment to moment. */
function duringOf(json, turn) {
  const message = json?.chat?.history?.messages?.[turn.messageId] ?? {};
  return { done: message.done ?? null, has_text: Boolean(message.content), role: message.role ?? null, output: (message.output ?? []).map((item) => item.type) };
}

async function kinds(w) {
  await w.turn('bob', 'reasoning in a field', 'Think [[tokens=6 delay=2]]', { model: 'reasoner' });
  await w.turn('bob', 'reasoning in tags', 'Think [[tokens=6 delay=2]]', { model: 'thinker' });
  await w.turn('bob', 'a tool is called', 'What time is it? [[tokens=6 delay=2]]', { model: 'toolcaller' });
  await w.turn('bob', 'two models at once', 'Both of you [[tokens=6 delay=2]]', { models: ['numbered', 'n50d5'], settleMs: 1000 });
  await w.turn('bob', 'a system prompt and parameters', 'Hello [[tokens=4]]', {
    body: { messages: [{ role: 'system', content: 'Be brief.' }], params: { temperature: 0.3, max_tokens: 50, top_p: 0.8, stop: ['END'], seed: 7 } },
  });
  await w.turn('bob', 'a temporary chat', 'Forget me [[tokens=4]]', {
    temporary: true,
    body: { messages: [{ role: 'user', content: 'Forget me [[tokens=4]]' }] },
  });
}

async function faults(w) {
  await w.turn('bob', 'the provider refuses', 'Hello', { model: 'refusing' });
  await w.turn('bob', 'the provider fails before a word', 'Hello [[refuse=500 message="boom"]]');
  await w.turn('bob', 'an error in the stream', 'Hello [[tokens=10 error=5 message="out of memory"]]');
  await w.turn('bob', 'the stream breaks', 'Hello [[tokens=10 delay=2 break=5]]');
  await w.turn('bob', 'the stream ends without an end', 'Hello [[tokens=10 cut=5]]');
  await w.turn('bob', 'a line that is no JSON', 'Hello [[tokens=6 malformed=3]]');
  await w.turn('bob', 'no usage', 'Hello [[tokens=4 usage=0]]');
}

async function refused(w) {
  const message = (content) => ({ id: w.id(), parentId: null, childrenIds: [], role: 'user', content });
  const base = () => ({ stream: true, model: 'numbered', session_id: 'x', parent_id: null, id: w.id(), user_message: message('Hi [[tokens=1]]') });
  const route = 'POST /api/chat/completions';
  await w.call('bob', route, { body: { ...base(), model: 'no-such-model' }, note: 'a model that is not there' });
  await w.call('bob', route, { body: { ...base(), model: 'stalling' }, note: 'a model they may not use' });
  await w.call('bob', route, { body: { ...base(), chat_id: 'no-such-chat' }, note: 'a chat that is not there' });
  await w.call('nobody', route, { body: base() });
  await w.call('pat', route, { body: base() });
  await w.call('bob', route, { body: '{', note: 'not JSON' });
  await w.call('bob', route, { body: [], note: 'not an object' });
}

export async function turns(w) {
  await openModels(w);
  await ordinary(w);
  await background(w);
  await stopping(w);
  await kinds(w);
  await faults(w);
  await refused(w);
}

// Bodies that several subjects send: a chat as a client writes it.

const kThen = 1_767_225_600; // a second of the past: times we send come back as they were

/** A chat of `turns` question-and-answer pairs, ids chosen by the list. */
export function chatOf(w, title, turns = 1, model = 'numbered') {
  const messages = {};
  let parentId = null;
  for (let i = 0; i < turns; i += 1) {
    const [user, assistant] = [w.id(), w.id()];
    if (parentId) messages[parentId].childrenIds.push(user);
    messages[user] = { id: user, parentId, childrenIds: [assistant], role: 'user', content: `${title}: question ${i}`, timestamp: kThen + i, models: [model] };
    messages[assistant] = { id: assistant, parentId: user, childrenIds: [], role: 'assistant', content: `${title}: answer ${i}`, model, modelName: model, modelIdx: 0, timestamp: kThen + i, done: true };
    parentId = assistant;
  }
  const list = Object.values(messages);
  return { title, models: [model], params: {}, files: [], tags: [], timestamp: kThen * 1000, history: { messages, currentId: parentId }, messages: list };
}

export async function makeChat(w, who, title, { turns = 1, note = title, ...more } = {}) {
  const chat = chatOf(w, title, turns);
  const reply = await w.call(who, 'POST /api/v1/chats/new', { body: { chat, ...more }, note });
  return { id: reply.json?.id, body: chat, ids: Object.keys(chat.history.messages) };
}

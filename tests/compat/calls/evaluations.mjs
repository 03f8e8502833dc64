// Feedback, the leaderboard made of it, and the settings of arena models.

const kEvaluations = '/api/v1/evaluations';
const rating = (value, more = {}) => ({ type: 'rating', data: { rating: value, model_id: 'numbered', sibling_model_ids: ['n50d5'], reason: 'clear', comment: 'Good', ...more }, meta: { arena: false, chat_id: 'c', message_id: 'm', tags: ['numbers'] }, snapshot: { chat: { title: 'A chat' } } });

async function feedback(w) {
  const id = (await w.call('bob', `POST ${kEvaluations}/feedback`, { body: rating(1) })).json?.id;
  await w.pause();
  await w.call('bob', `POST ${kEvaluations}/feedback`, { body: rating(-1, { model_id: 'n50d5', sibling_model_ids: ['numbered'] }), note: 'against the other' });
  await w.call('bob', `POST ${kEvaluations}/feedback`, { body: {}, note: 'empty' });
  await w.call('bob', `POST ${kEvaluations}/feedback`, { body: { type: 'rating', data: 'text' }, note: 'a text for data' });
  await w.call('nobody', `POST ${kEvaluations}/feedback`, { body: rating(1) });
  const path = { id };
  for (const who of ['bob', 'ada', 'eve', 'nobody']) await w.call(who, `GET ${kEvaluations}/feedback/{id}`, { path });
  await w.call('bob', `GET ${kEvaluations}/feedback/{id}`, { path: { id: 'no-such' }, note: 'missing' });
  await w.pause();
  await w.call('bob', `POST ${kEvaluations}/feedback/{id}`, { path, body: rating(-1) });
  await w.call('eve', `POST ${kEvaluations}/feedback/{id}`, { path, body: rating(-1), note: 'not theirs' });
  return path;
}

async function lists(w) {
  await w.call('ada', `GET ${kEvaluations}/feedbacks/list`, { query: { page: 1 } });
  await w.call('ada', `GET ${kEvaluations}/feedbacks/list`, { query: { page: 1, order_by: 'rating', direction: 'asc' }, note: 'by rating' });
  await w.call('ada', `GET ${kEvaluations}/feedbacks/list`, { query: { page: 1, model_id: 'n50d5' }, note: 'of one model' });
  await w.call('bob', `GET ${kEvaluations}/feedbacks/list`, { note: 'not an administrator' });
  await w.call('bob', `GET ${kEvaluations}/feedbacks/user`);
  await w.call('ada', `GET ${kEvaluations}/feedbacks/models`);
  await w.call('ada', `GET ${kEvaluations}/feedbacks/all/ids`);
  // An export is in the order of ids.
  await w.call('ada', `GET ${kEvaluations}/feedbacks/all/export`, { pick: (list) => list.sort((a, b) => a.data.model_id.localeCompare(b.data.model_id)) });
  await w.call('bob', `GET ${kEvaluations}/feedbacks/all/export`, { note: 'not an administrator' });
  await w.call('ada', `GET ${kEvaluations}/leaderboard`);
  await w.call('bob', `GET ${kEvaluations}/leaderboard`, { note: 'not an administrator' });
  await w.call('ada', `GET ${kEvaluations}/leaderboard/{model}/history`, { path: { model: 'numbered' }, query: { days: 30 } });
}

async function settings(w) {
  for (const who of ['ada', 'bob']) await w.call(who, `GET ${kEvaluations}/config`);
  await w.call('ada', `POST ${kEvaluations}/config`, { body: { ENABLE_EVALUATION_ARENA_MODELS: false } });
  await w.call('ada', `POST ${kEvaluations}/config`, { body: { ENABLE_EVALUATION_ARENA_MODELS: true }, note: 'back' });
  await w.call('ada', `POST ${kEvaluations}/config`, { body: { ENABLE_EVALUATION_ARENA_MODELS: 'perhaps' }, note: 'not a switch' });
  await w.call('bob', `POST ${kEvaluations}/config`, { body: {}, note: 'not an administrator' });
}

export async function evaluations(w) {
  const path = await feedback(w);
  await lists(w);
  await settings(w);
  await w.call('eve', `DELETE ${kEvaluations}/feedback/{id}`, { path, note: 'not theirs' });
  await w.call('bob', `DELETE ${kEvaluations}/feedback/{id}`, { path });
  await w.call('bob', `DELETE ${kEvaluations}/feedback/{id}`, { path, note: 'again' });
  await w.call('bob', `DELETE ${kEvaluations}/feedbacks`, { note: 'all of theirs' });
  await w.call('bob', `DELETE ${kEvaluations}/feedbacks/all`, { note: 'not an administrator' });
  await w.call('ada', `DELETE ${kEvaluations}/feedbacks/all`);
}

// What administrators learn about how models are used. What is counted depends on all that was played before: so its shape is compared, and few numbers.

const kAnalytics = '/api/v1/analytics';
/** A span before anything was written: empty on both sides. */
const kBefore = { start_date: 1_000_000_000, end_date: 1_000_090_000 };

export async function analytics(w) {
  const counts = ['models', 'users', 'summary', 'tokens'];
  for (const what of [...counts, 'daily']) {
    await w.call('ada', `GET ${kAnalytics}/${what}`, { query: kBefore, note: 'nothing yet' });
    await w.call('bob', `GET ${kAnalytics}/${what}`, { note: 'not an administrator' });
    await w.call('nobody', `GET ${kAnalytics}/${what}`);
  }
  for (const what of counts) await w.call('ada', `GET ${kAnalytics}/${what}`, { pick: firstOfEach });
  for (const granularity of ['10m', 'hourly', '3h', '6h', 'daily']) await w.call('ada', `GET ${kAnalytics}/daily`, { query: { ...kBefore, granularity, compare: true }, note: granularity });
  await w.call('ada', `GET ${kAnalytics}/daily`, { query: { granularity: 'yearly' }, note: 'no granularity' });
  await w.call('ada', `GET ${kAnalytics}/users`, { query: { metric: 'tears' }, note: 'no metric' });
  await w.call('ada', `GET ${kAnalytics}/summary`, { query: { group_id: 'no-such' }, note: 'a group that is not there' });
  await w.call('ada', `GET ${kAnalytics}/messages`, { query: { limit: 1, model_id: 'numbered' }, pick: (list) => Object.keys(list[0] ?? {}).sort() });
  await w.call('ada', `GET ${kAnalytics}/messages`, { query: kBefore, note: 'nothing yet' });
  await w.call('ada', `GET ${kAnalytics}/messages`, { query: { limit: 1000 }, note: 'too many' });
  await w.call('ada', `GET ${kAnalytics}/models/{model}/chats`, { path: { model: 'numbered' }, query: { limit: 1 }, pick: firstOfEach });
  await w.call('ada', `GET ${kAnalytics}/models/{model}/chats`, { path: { model: 'no-such' }, note: 'none' });
  await w.call('ada', `GET ${kAnalytics}/models/{model}/overview`, { path: { model: 'no-such' }, query: { days: 3 }, note: 'none' });
  for (const what of ['chats', 'overview']) await w.call('bob', `GET ${kAnalytics}/models/{model}/${what}`, { path: { model: 'numbered' }, note: 'not an administrator' });
}

/** The members, and those of the first of each list. */
function firstOfEach(json) {
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, Array.isArray(value) ? Object.keys(value[0] ?? {}).sort() : typeof value]));
}

// The background prompts as routes of their own, and their settings.

const kTasks = '/api/v1/tasks';
const messages = [
  { role: 'user', content: 'Hi [[tokens=3]]' },
  { role: 'assistant', content: 'Hello' },
];

export async function tasks(w) {
  for (const who of ['bob', 'ada', 'nobody']) await w.call(who, `GET ${kTasks}/config`);
  const config = (await w.call('ada', `GET ${kTasks}/config`, { note: 'to send it back' })).json ?? {};
  await w.call('ada', `POST ${kTasks}/config/update`, { body: { ...config, ENABLE_TAGS_GENERATION: false } });
  await w.call('ada', `POST ${kTasks}/config/update`, { body: {}, note: 'empty' });
  await w.call('bob', `POST ${kTasks}/config/update`, { body: config, note: 'not an administrator' });
  for (const kind of ['title', 'follow_up', 'tags', 'image_prompt', 'emoji', 'auto']) {
    await w.call('bob', `POST ${kTasks}/${kind}/completions`, { body: { model: 'numbered', messages, prompt: 'Hi' } });
  }
  await w.call('bob', `POST ${kTasks}/queries/completions`, { body: { model: 'numbered', messages, type: 'web_search' }, note: 'for the web' });
  await w.call('bob', `POST ${kTasks}/queries/completions`, { body: { model: 'numbered', messages, type: 'retrieval' }, note: 'for files' });
  await w.call('bob', `POST ${kTasks}/moa/completions`, { body: { model: 'numbered', prompt: 'Hi', responses: ['a', 'b'] } });
  await w.call('bob', `POST ${kTasks}/moa/completions`, { body: { model: 'numbered', prompt: 'Hi', responses: ['a', 'b'], stream: true }, note: 'streamed' });
  for (const kind of ['title', 'follow_up']) {
    await w.call('bob', `POST ${kTasks}/${kind}/completions`, { body: { model: 'no-such-model', messages }, note: 'a model that is not there' });
    await w.call('bob', `POST ${kTasks}/${kind}/completions`, { body: { messages }, note: 'no model' });
    await w.call('nobody', `POST ${kTasks}/${kind}/completions`, { body: { model: 'numbered', messages } });
  }
  await w.call('ada', `POST ${kTasks}/config/update`, { body: config, note: 'back' });
}

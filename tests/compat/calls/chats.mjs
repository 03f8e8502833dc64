// Chats in all forms: made, read, written, listed, searched, pinned, archived, tagged, cloned, forked, imported, exported, deleted.
import { chatOf, makeChat } from './bodies.mjs';

const kChats = '/api/v1/chats';
const kStrangers = ['eve', 'ada', 'pat', 'nobody'];

async function making(w) {
  const chat = await makeChat(w, 'bob', 'Garden plans', { turns: 2 });
  await w.call('bob', `POST ${kChats}/new`, { body: { chat: {} }, note: 'an empty chat' });
  await w.call('bob', `POST ${kChats}/new`, { body: {}, note: 'no chat' });
  await w.call('bob', `POST ${kChats}/new`, { body: { chat: 'text' }, note: 'a text for a chat' });
  await w.call('bob', `POST ${kChats}/new`, { body: '{', note: 'not JSON' });
  await w.call('bob', `POST ${kChats}/new`, { body: { chat: { title: 'No folder' }, folder_id: 'no-such' }, note: 'a folder that is not there' });
  await w.pause();
  await w.call('bob', `POST ${kChats}/new`, { body: { chat: { title: 'More' }, surprise: 1 }, note: 'a field nobody knows' });
  await w.call('nobody', `POST ${kChats}/new`, { body: { chat: {} } });
  await w.call('pat', `POST ${kChats}/new`, { body: { chat: {} } });
  await w.pause();
  return chat;
}

async function reading(w, { id }) {
  await w.call('bob', `GET ${kChats}/{id}`, { path: { id } });
  for (const who of kStrangers) await w.call(who, `GET ${kChats}/{id}`, { path: { id }, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/{id}`, { path: { id: 'no-such-chat' }, note: 'missing' });
}

async function writing(w, { id, body, ids }) {
  const path = { id };
  await w.call('bob', `POST ${kChats}/{id}`, { path, body: { chat: { title: 'Garden plans, new' } }, note: 'a title alone' });
  const one = body.history.messages[ids[0]];
  const less = { messages: { [ids[0]]: { ...one, content: 'changed' } }, currentId: ids[3] };
  await w.call('bob', `POST ${kChats}/{id}`, { path, body: { chat: { history: less } }, note: 'a history with one message' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'after that' });
  await w.call('bob', `POST ${kChats}/{id}`, { path, body: { chat: { models: ['n50d5'], params: { temperature: 0.5 } } }, note: 'models and params' });
  await w.call('bob', `POST ${kChats}/{id}`, { path, body: {}, note: 'no chat' });
  await w.call('bob', `POST ${kChats}/{id}`, { path: { id: 'no-such-chat' }, body: { chat: {} }, note: 'missing' });
  for (const who of kStrangers) await w.call(who, `POST ${kChats}/{id}`, { path, body: { chat: { title: 'Mine' } }, note: 'not theirs' });
  await w.call('bob', `PATCH ${kChats}/{id}/params`, { path, body: { top_p: 0.9 } });
  await w.call('eve', `PATCH ${kChats}/{id}/params`, { path, body: { top_p: 0.9 }, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'after all writes' });
}

async function messages(w, { id, ids }) {
  const path = { id, message: ids[3] };
  const route = `${kChats}/{id}/messages/{message}`;
  await w.call('bob', `POST ${route}`, { path, body: { content: 'A better answer' } });
  await w.call('bob', `POST ${route}`, { path: { id, message: 'no-such' }, body: { content: 'x' }, note: 'missing message' });
  await w.call('bob', `POST ${route}`, { path: { id: 'no-such', message: ids[3] }, body: { content: 'x' }, note: 'missing chat' });
  await w.call('eve', `POST ${route}`, { path, body: { content: 'x' }, note: 'not theirs' });
  await w.call('bob', `POST ${route}`, { path, body: { content: 5 }, note: 'a number for content' });
  await w.call('bob', `POST ${route}/event`, { path, body: { type: 'status', data: { description: 'Looking', done: true } } });
  await w.call('bob', `POST ${route}/event`, { path, body: { data: {} }, note: 'no type' });
  await w.call('eve', `POST ${route}/event`, { path, body: { type: 'status', data: {} }, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'after the event' });
  await w.call('eve', `DELETE ${route}`, { path, note: 'not theirs' });
  await w.call('bob', `DELETE ${route}`, { path });
  await w.call('bob', `DELETE ${route}`, { path: { id, message: 'no-such' }, note: 'missing message' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'after the deletion' });
}

async function lists(w) {
  await w.call('bob', `GET ${kChats}/`, { query: { page: 1 } });
  await w.call('bob', `GET ${kChats}/`, { note: 'all at once' });
  await w.call('bob', `GET ${kChats}/list`, { query: { page: 1 } });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 1, include_pinned: true, include_folders: true }, note: 'with pinned and folders' });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 99 }, note: 'far behind the end' });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 'x' }, note: 'a page that is no number' });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 0 }, note: 'page 0' });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 1, sort_by: 'title', sort_dir: 'asc' }, note: 'by title' });
  await w.call('eve', `GET ${kChats}/`, { query: { page: 1 }, note: 'none' });
  for (const who of ['pat', 'nobody']) await w.call(who, `GET ${kChats}/`);
  await w.call('ada', `GET ${kChats}/list/user/{user}`, { path: { user: w.person('bob').user?.id }, query: { page: 1 } });
  await w.call('ada', `GET ${kChats}/list/user/{user}`, { path: { user: 'no-such' }, note: 'missing' });
  await w.call('bob', `GET ${kChats}/list/user/{user}`, { path: { user: w.person('ada').user?.id }, note: 'not an administrator' });
}

async function searching(w) {
  const texts = ['Garden', 'garden plans', 'question', 'nothing like it', '', '%', 'tag:none', 'pinned:true', 'archived:true', 'shared:true', 'folder:none'];
  for (const text of texts) await w.call('bob', `GET ${kChats}/search`, { query: { text, page: 1 }, note: `for "${text}"` });
  await w.call('bob', `GET ${kChats}/search`, { note: 'without text' });
  await w.call('eve', `GET ${kChats}/search`, { query: { text: 'Garden' }, note: 'not theirs' });
  await w.call('nobody', `GET ${kChats}/search`, { query: { text: 'Garden' } });
  await w.call('bob', 'GET /api/v1/search', { query: { q: 'Garden' } });
}

async function marks(w, { id }) {
  const path = { id };
  await w.call('bob', `GET ${kChats}/{id}/pinned`, { path, note: 'before' });
  await w.call('bob', `POST ${kChats}/{id}/pin`, { path });
  await w.call('bob', `GET ${kChats}/{id}/pinned`, { path, note: 'after' });
  await w.call('bob', `GET ${kChats}/pinned`);
  await w.call('eve', `GET ${kChats}/pinned`, { note: 'none' });
  await w.call('bob', `GET ${kChats}/`, { query: { page: 1 }, note: 'without the pinned' });
  await w.call('bob', `POST ${kChats}/{id}/pin`, { path, note: 'again' });
  for (const who of ['eve', 'nobody']) await w.call(who, `POST ${kChats}/{id}/pin`, { path, note: 'not theirs' });
  await w.call('eve', `GET ${kChats}/{id}/pinned`, { path, note: 'not theirs' });
  await w.call('bob', `POST ${kChats}/{id}/unread`, { path });
  await w.call('eve', `POST ${kChats}/{id}/unread`, { path, note: 'not theirs' });
  await w.call('bob', `POST ${kChats}/read`);
  await w.call('bob', `POST ${kChats}/{id}/pin`, { path: { id: 'no-such' }, note: 'missing' });
}

async function archive(w, { id }) {
  const path = { id };
  await w.call('bob', `GET ${kChats}/archived/count`, { note: 'none yet' });
  await w.call('bob', `POST ${kChats}/{id}/archive`, { path });
  await w.call('eve', `POST ${kChats}/{id}/archive`, { path, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/archived`, { query: { page: 1 } });
  await w.call('bob', `GET ${kChats}/archived`, { query: { page: 1, query: 'Garden', order_by: 'updated_at', direction: 'asc' }, note: 'by words' });
  await w.call('bob', `GET ${kChats}/archived`, { query: { order_by: '(select 1)' }, note: 'an order that is none' });
  await w.call('bob', `GET ${kChats}/archived`, { query: { order_by: 'title', direction: 'sideways' }, note: 'a direction that is none' });
  await w.call('bob', `GET ${kChats}/archived/count`);
  await w.call('bob', `GET ${kChats}/all/archived`);
  await w.call('bob', `GET ${kChats}/`, { query: { page: 1 }, note: 'without the archived' });
  await w.call('bob', `POST ${kChats}/{id}/archive`, { path, note: 'again' });
  await w.call('bob', `POST ${kChats}/archive/all`);
  await w.call('bob', `GET ${kChats}/archived/count`, { note: 'all' });
  await w.call('bob', `POST ${kChats}/unarchive/all`);
}

async function tags(w, { id }) {
  const path = { id };
  await w.call('bob', `GET ${kChats}/{id}/tags`, { path, note: 'none yet' });
  await w.call('bob', `POST ${kChats}/{id}/tags`, { path, body: { name: 'Home Work' } });
  await w.call('bob', `POST ${kChats}/{id}/tags`, { path, body: { name: 'later' } });
  await w.call('bob', `POST ${kChats}/{id}/tags`, { path, body: { name: 'home work' }, note: 'the same again' });
  await w.call('bob', `POST ${kChats}/{id}/tags`, { path, body: { name: 'none' }, note: 'a reserved name' });
  await w.call('bob', `POST ${kChats}/{id}/tags`, { path, body: {}, note: 'no name' });
  await w.call('eve', `POST ${kChats}/{id}/tags`, { path, body: { name: 'x' }, note: 'not theirs' });
  await w.call('eve', `GET ${kChats}/{id}/tags`, { path, note: 'not theirs' });
  await w.call('bob', `GET ${kChats}/{id}/tags`, { path });
  await w.call('bob', `GET ${kChats}/all/tags`);
  await w.call('eve', `GET ${kChats}/all/tags`, { note: 'none' });
  await w.call('bob', `POST ${kChats}/tags`, { body: { name: 'home_work', skip: 0, limit: 50 }, note: 'chats of a tag' });
  await w.call('bob', `POST ${kChats}/tags`, { body: { name: 'nothing' }, note: 'a tag nobody has' });
  await w.call('bob', `GET ${kChats}/search`, { query: { text: 'tag:home_work' }, note: 'for its tag' });
  await w.call('bob', `DELETE ${kChats}/{id}/tags`, { path, body: { name: 'later' } });
  await w.call('bob', `DELETE ${kChats}/{id}/tags`, { path, body: { name: 'never' }, note: 'one it has not' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'with a tag', pick: ({ meta }) => meta });
}

async function copies(w, { id, ids }) {
  const path = { id };
  await w.pause();
  await w.call('bob', `POST ${kChats}/{id}/clone`, { path, body: { title: 'A copy' } });
  await w.pause();
  await w.call('bob', `POST ${kChats}/{id}/clone`, { path, body: {}, note: 'without a title' });
  await w.call('eve', `POST ${kChats}/{id}/clone`, { path, body: {}, note: 'not theirs' });
  await w.call('bob', `POST ${kChats}/{id}/clone`, { path: { id: 'no-such' }, body: {}, note: 'missing' });
  await w.pause();
  await w.call('bob', `POST ${kChats}/{id}/fork`, { path, body: { message_id: ids[1] } });
  await w.pause();
  await w.call('bob', `POST ${kChats}/{id}/fork`, { path, note: 'without a body' });
  await w.call('bob', `POST ${kChats}/{id}/fork`, { path, body: { message_id: 'no-such' }, note: 'from a message that is not there' });
  await w.call('eve', `POST ${kChats}/{id}/fork`, { path, body: {}, note: 'not theirs' });
}

/** What an administrator may do with a chat of somebody else. */
async function administrator(w, { id, ids }) {
  const path = { id };
  const note = 'an administrator';
  await w.call('ada', `GET ${kChats}/{id}`, { path, note });
  await w.call('ada', `GET ${kChats}/{id}/tags`, { path, note });
  await w.call('ada', `GET ${kChats}/{id}/pinned`, { path, note });
  await w.call('ada', `GET ${kChats}/share/{id}`, { path, note });
  await w.call('ada', `POST ${kChats}/{id}/clone`, { path, body: {}, note });
  await w.call('ada', `POST ${kChats}/{id}/fork`, { path, body: { message_id: ids[1] }, note });
  await w.call('ada', `POST ${kChats}/{id}/clone/shared`, { path, note });
  await w.call('ada', `POST ${kChats}/{id}/share`, { path, note });
  await w.call('ada', `POST ${kChats}/{id}/pin`, { path, note });
  await w.call('ada', `POST ${kChats}/{id}/archive`, { path, note });
  await w.call('ada', `POST ${kChats}/{id}/tags`, { path, body: { name: 'x' }, note });
  await w.call('ada', 'GET /api/tasks/chat/{id}', { path, note });
  await w.call('ada', 'POST /api/tasks/chat/{id}/stop', { path, note });
}

const byChat = (page) => ({ ...page, items: page.items?.sort((a, b) => a.created_at - b.created_at) });

async function importing(w) {
  const chats = ['One', 'Second'].map((title, i) => ({ chat: chatOf(w, `Imported ${title}`), meta: { tags: ['imported'] }, pinned: false, created_at: 1_700_000_000 + title.length, updated_at: 1_700_000_100 + 10 * i }));
  await w.call('eve', `POST ${kChats}/import`, { body: { chats: chats.slice(0, 1) } });
  await w.pause();
  await w.call('eve', `POST ${kChats}/import`, { body: { chats: chats.slice(1) }, note: 'another' });
  await w.call('eve', `POST ${kChats}/import`, { body: { chats: [] }, note: 'nothing' });
  await w.call('eve', `POST ${kChats}/import`, { body: { chats: [{}] }, note: 'a chat without a chat' });
  await w.call('eve', `POST ${kChats}/import`, { body: {}, note: 'no list' });
  await w.call('nobody', `POST ${kChats}/import`, { body: { chats: [] } });
  await w.call('eve', `GET ${kChats}/`, { query: { page: 1 }, note: 'after the import' });
  await w.call('eve', `GET ${kChats}/all`, { pick: (list) => list.sort((a, b) => a.title.localeCompare(b.title)) });
  await w.call('eve', `GET ${kChats}/all/tags`, { note: 'after the import' });
  await w.call('ada', `GET ${kChats}/all/db`, { pick: (list) => list.length > 0 });
  await w.call('eve', `GET ${kChats}/all/db`, { note: 'not an administrator' });
  await w.call('eve', `GET ${kChats}/stats/usage`);
  await w.call('eve', `GET ${kChats}/stats/export`, { pick: byChat });
  await w.call('eve', `GET ${kChats}/stats/export`, { query: { page: 99 }, note: 'beyond the last page' });
  await w.call('eve', `GET ${kChats}/stats/export`, { query: { stream: true, updated_at: 1_700_000_105 }, note: 'streamed' });
  await w.call('nobody', `GET ${kChats}/stats/export`);
  const chat = (await w.person('eve').get(`${kChats}/?page=1`)).json?.[0]?.id;
  for (const who of ['eve', 'ada', 'bob', 'nobody']) await w.call(who, `GET ${kChats}/stats/export/{id}`, { path: { id: chat } });
  await w.call('eve', `GET ${kChats}/stats/export/{id}`, { path: { id: 'no-such' }, note: 'missing' });
  await w.call('ada', `GET ${kChats}/config`);
  await w.call('eve', `GET ${kChats}/config`, { note: 'not an administrator' });
}

async function deleting(w) {
  const { id } = await makeChat(w, 'bob', 'To be deleted');
  const path = { id };
  for (const who of ['eve', 'nobody', 'pat']) await w.call(who, `DELETE ${kChats}/{id}`, { path, note: 'not theirs' });
  await w.call('bob', `DELETE ${kChats}/{id}`, { path });
  await w.call('bob', `DELETE ${kChats}/{id}`, { path, note: 'again' });
  await w.call('bob', `GET ${kChats}/{id}`, { path, note: 'deleted' });
  await w.call('nobody', `DELETE ${kChats}/`);
  await w.call('eve', `DELETE ${kChats}/`, { note: 'all of theirs' });
  await w.call('eve', `GET ${kChats}/`, { query: { page: 1 }, note: 'after the deletion' });
}

export async function chats(w) {
  const chat = await making(w);
  await reading(w, chat);
  await writing(w, chat);
  await messages(w, chat);
  await w.pause();
  await makeChat(w, 'bob', 'Quarterly figures');
  await lists(w);
  await searching(w);
  await marks(w, chat);
  await archive(w, chat);
  await tags(w, chat);
  await copies(w, chat);
  await administrator(w, chat);
  await importing(w);
  await deleting(w);
}

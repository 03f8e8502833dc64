// A chat of 10 000 messages: opening it costs what its visible branch costs, and going on costs the message.
import { sleep } from '../../tests/lib/until.mjs';
import { cpuSeconds } from '../lib/machine.mjs';
import { wrk } from '../lib/tools.mjs';

export const title = 'Large chats';

const kBranch = 20;
const kMessages = 10_000;
const kTurns = 40;
const kModel = 'n3d0';

/** `kBranch` messages in a row; and, when `all` is more, the rest as other branches that hang from each of them. */
function history(all) {
  const messages = {};
  const add = (id, parentId, depth) => {
    messages[id] = { id, parentId, childrenIds: [], role: depth % 2 ? 'assistant' : 'user', content: `${id} `.padEnd(200, 'some words '), done: true };
    if (parentId) messages[parentId].childrenIds.push(id);
  };
  const others = Math.floor((all - kBranch) / (kBranch - 1));
  for (let depth = 1; depth < kBranch && others > 0; depth += 1) {
    if (depth === 1) add('b0', null, 0);
    for (let n = 0; n < others; n += 1) add(`x${depth}-${n}`, n % 20 ? `x${depth}-${n - 1}` : `b${depth - 1}`, depth + (n % 20));
    add(`b${depth}`, `b${depth - 1}`, depth);
  }
  for (let depth = 0; depth < kBranch; depth += 1) if (!messages[`b${depth}`]) add(`b${depth}`, depth ? `b${depth - 1}` : null, depth);
  return { messages, currentId: `b${kBranch - 1}` };
}

async function makeChat(admin, all) {
  const chat = { title: `${all} messages`, models: [kModel], history: history(all) };
  const reply = await admin.post('/api/v1/chats/new', { chat }, { expect: 200 });
  return { id: reply.json.id, last: chat.history.currentId, messages: Object.keys(chat.history.messages).length };
}

/** Processor milliseconds a request takes. */
async function each(antiphon, path, seconds = 3) {
  const before = cpuSeconds(antiphon.pid);
  const { requests } = await wrk(antiphon.url + path, { token: antiphon.admin.token, connections: 4, seconds });
  return ((cpuSeconds(antiphon.pid) - before) * 1000) / requests;
}

/** Processor milliseconds of one turn that goes on with the chat. */
async function turns(antiphon, socket, chat) {
  await sleep(500);
  const before = cpuSeconds(antiphon.pid);
  for (let i = 0; i < kTurns; i += 1) {
    // Always from the same place, so that every turn asks with the same branch.
    const turn = await antiphon.admin.send('Go on', { socket, model: kModel, chatId: chat.id, parentId: chat.last });
    await turn.done();
  }
  return ((cpuSeconds(antiphon.pid) - before) * 1000) / kTurns;
}

export async function run(servers) {
  const antiphon = await servers.antiphon();
  const small = await makeChat(antiphon.admin, kBranch);
  const large = await makeChat(antiphon.admin, kMessages);
  const open = { small: [], large: [] };
  for (let i = 0; i < 3; i += 1) {
    open.small.push(await each(antiphon, `/api/v1/chats/${small.id}/branch`));
    open.large.push(await each(antiphon, `/api/v1/chats/${large.id}/branch`));
  }
  const whole = await each(antiphon, `/api/v1/chats/${large.id}`, 6);
  const socket = await antiphon.admin.connect();
  await turns(antiphon, socket, small);
  const append = { small: await turns(antiphon, socket, small), large: await turns(antiphon, socket, large) };
  await servers.closeAntiphon(antiphon);
  const [one, other] = [Math.min(...open.small), Math.min(...open.large)];
  return {
    rows: [
      {
        figure: `processor time to open a chat: its branch of ${kBranch} messages, with ${large.messages.toLocaleString('en')} messages in the chat and with none but these`,
        goal: 'the same, ≤ 2 ×',
        measured: `${other.toFixed(2)} ms and ${one.toFixed(2)} ms (the whole history, as Open WebUI’s clients read it: ${whole.toFixed(1)} ms)`,
        ratio: `${(other / one).toFixed(2)} ×`,
        ok: other <= one * 2,
        note: 'for each message its alternatives are counted, in an index, so not quite the same',
      },
      {
        figure: 'processor time of a turn in that chat, and in the small one',
        goal: 'the same, ≤ 1.5 ×',
        measured: `${append.large.toFixed(2)} ms and ${append.small.toFixed(2)} ms`,
        ratio: `${(append.large / append.small).toFixed(2)} ×`,
        ok: append.large <= append.small * 1.5,
      },
    ],
    raw: { open, whole, append, messages: large.messages },
  };
}

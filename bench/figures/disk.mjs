// Bytes that reach the disk for one reply of 1.2 kB, in chats that are empty, long and very long.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../tests/lib/until.mjs';
import { bytesWritten } from '../lib/machine.mjs';
import { median } from '../lib/tools.mjs';

export const title = 'Bytes written';

const kReplies = 5;
const kModel = 'n200d20'; // 200 tokens of six bytes, over four seconds.
const kSizes = [
  { name: 'an empty chat', bytes: 0 },
  { name: 'a chat of 100 kB', bytes: 100_000 },
  { name: 'a chat of 1 MB', bytes: 1_000_000 },
];

/** A chat of that size, in messages of 2 kB; gives {id, last}: its id and its last message. */
async function chatOf(admin, bytes) {
  const messages = {};
  let last = null;
  for (let i = 0; i * 2000 < bytes; i += 1) {
    const id = `m${i}`;
    if (last) messages[last].childrenIds.push(id);
    messages[id] = { id, parentId: last, childrenIds: [], role: i % 2 ? 'assistant' : 'user', content: `${i} `.padEnd(2000, 'words of it '), done: true };
    last = id;
  }
  const chat = { title: 'Long', models: [kModel], history: { messages, currentId: last } };
  const reply = await admin.post('/api/v1/chats/new', { chat }, { expect: 200 });
  return { id: reply.json.id, last };
}

export async function run(servers) {
  const antiphon = await servers.antiphon();
  const { admin, pid, server } = antiphon;
  const socket = await admin.connect();
  const wal = join(server.dataDir, 'antiphon.db-wal');
  const rows = [];
  const raw = [];
  for (const { name, bytes } of kSizes) {
    const chat = await chatOf(admin, bytes);
    const written = [];
    for (let i = 0; i < kReplies; i += 1) {
      await sleep(1200);
      const before = bytesWritten(pid);
      const turn = await admin.send('Go on', { socket, model: kModel, chatId: chat.id, parentId: chat.last });
      await turn.done();
      chat.last = turn.messageId;
      await sleep(1200); // Sessions and presence are noted once a second; theirs counts too.
      written.push(bytesWritten(pid) - before);
    }
    raw.push({ name, bytes, written, wal: statSync(wal).size });
    const typical = median(written);
    rows.push({
      figure: `bytes written for a reply of 1.2 kB streamed over 4 s, in ${name}`,
      goal: '≤ 20 kB',
      measured: `${(typical / 1000).toFixed(1)} kB`,
      ok: typical <= 20_000,
    });
  }
  await servers.closeAntiphon(antiphon);
  return { rows, raw };
}

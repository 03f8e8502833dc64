// Bytes that reach the disk for one reply of 1.2 kB, in chats that are empty, long and very long.
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

/** What `counter()` rises by for each reply in a chat of that size. */
async function replies({ admin }, socket, bytes, counter) {
  const chat = await chatOf(admin, bytes);
  const written = [];
  for (let i = 0; i < kReplies; i += 1) {
    await sleep(1200);
    const before = counter();
    const turn = await admin.send('Go on', { socket, model: kModel, chatId: chat.id, parentId: chat.last });
    await turn.done();
    chat.last = turn.messageId;
    await sleep(1200); // Sessions and presence are noted once a second; theirs counts too.
    written.push(counter() - before);
  }
  return written;
}

/** PostgreSQL says itself how much its write-ahead log grew; of SQLite's files the kernel knows, in whole pages. */
async function engines(servers) {
  const cluster = await servers.postgres();
  const wal = () => Number(cluster.sql('postgres', "SELECT pg_current_wal_insert_lsn() - '0/0'"));
  return [
    { engine: 'PostgreSQL’s write-ahead log', options: { databaseUrl: cluster.createDatabase() }, counter: () => wal },
    { engine: 'SQLite', options: {}, counter: ({ pid }) => () => bytesWritten(pid) },
  ];
}

export async function run(servers) {
  const rows = [];
  const raw = [];
  for (const { engine, options, counter } of await engines(servers)) {
    const antiphon = await servers.antiphon(options);
    const socket = await antiphon.admin.connect();
    for (const { name, bytes } of kSizes) {
      const written = await replies(antiphon, socket, bytes, counter(antiphon));
      raw.push({ engine, name, bytes, written });
      const typical = median(written);
      rows.push({
        figure: `${engine}: bytes written for a reply of 1.2 kB streamed over 4 s, in ${name}`,
        goal: '≤ 20 kB',
        measured: `${(typical / 1000).toFixed(1)} kB`,
        ok: typical <= 20_000,
      });
    }
    await servers.closeAntiphon(antiphon);
  }
  return { rows, raw };
}

// Ordinary requests, signed in, as many a second as 32 connections get.
import { wrk } from '../lib/tools.mjs';

export const title = 'Requests';

const kConnections = 32;
const kChats = 60; // A page of the sidebar.
const kPaths = [
  { name: 'GET /api/config, signed in', path: '/api/config', goal: 400 },
  { name: 'GET /api/models', path: '/api/models', goal: 400 },
  { name: 'GET /api/v1/chats/?page=1 (60 chats)', path: '/api/v1/chats/?page=1', goal: 100 },
];

/** Chats of two short messages each, the same on both servers. */
async function fill(admin) {
  for (let i = 0; i < kChats; i += 1) {
    const [question, answer] = [`q${i}`, `a${i}`];
    const messages = {
      [question]: { id: question, parentId: null, childrenIds: [answer], role: 'user', content: `Question ${i}` },
      [answer]: { id: answer, parentId: question, childrenIds: [], role: 'assistant', content: `Answer ${i}`, done: true, model: 'n3d0' },
    };
    const chat = { title: `Chat ${i}`, models: ['n3d0'], history: { messages, currentId: answer } };
    await admin.post('/api/v1/chats/new', { chat }, { expect: 200 });
  }
  const page = await admin.get('/api/v1/chats/?page=1', { expect: 200 });
  if (page.json.length !== kChats) throw new Error(`the list has ${page.json.length} chats instead of ${kChats}`);
}

const rate = (server, path, seconds) => wrk(server.url + path, { token: server.admin.token, connections: kConnections, seconds });

export async function run(servers) {
  const antiphon = await servers.antiphon();
  const peer = await servers.peer();
  await fill(antiphon.admin);
  await fill(peer.admin);
  const rows = [];
  const raw = [];
  for (const { name, path, goal } of kPaths) {
    await rate(antiphon, path, 1);
    await rate(peer, path, 2);
    // Back to back: ours on both sides of theirs.
    const before = await rate(antiphon, path, 4);
    const theirs = await rate(peer, path, 10);
    const after = await rate(antiphon, path, 4);
    const ours = (before.rate + after.rate) / 2;
    const ratio = ours / theirs.rate;
    raw.push({ path, ours: [before.rate, after.rate], theirs: theirs.rate, theirTimeouts: theirs.timeouts });
    rows.push({
      figure: name,
      goal: `≥ ${goal} × Open WebUI`,
      measured: `${Math.round(ours).toLocaleString('en')}/s; Open WebUI ${theirs.rate.toFixed(1)}/s`,
      ratio: `${ratio.toFixed(0)} ×`,
      ok: ratio >= goal,
    });
  }
  await servers.closeAntiphon(antiphon);
  return { rows, raw };
}

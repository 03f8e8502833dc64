// A token at a client whose socket is at another replica than the one that writes: how much later than at one who is there.
import { chat } from '../lib/tools.mjs';

export const title = 'Tokens at another replica';

const kLoads = [
  { name: '100 answers of 200 tokens at once', answers: 100, model: 'n200d5', over: 0, users: 100, goalMs: 15 },
  { name: '1 000 answers of 200 tokens, begun within 2 s', answers: 1000, model: 'n200d20', over: 2000, users: 100, goalMs: 30 },
];
const kSmall = [{ name: '20 answers of 200 tokens at once', answers: 20, model: 'n200d5', over: 0, users: 10, goalMs: 15 }];
/** Open WebUI does not finish a hundred. */
const kPeerLoad = { answers: 10, model: 'n200d5', over: 0, users: 5, patience: 120 };

const ms = (value) => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
const said = ({ delay_elsewhere: delay, pieces, pieces_elsewhere: there, finished, answers }) =>
  `p50 ${ms(delay?.p50)}, p99 ${ms(delay?.p99)} (${there} of ${pieces} tokens, ${finished} of ${answers} answers)`;

const measured = ([writer, other], tokens, load) => chat(writer, tokens.slice(0, load.users), { ...load, elsewhere: other });

export async function run(servers, { small = false } = {}) {
  const ours = await servers.replicas(2);
  const tokens = await ours.users(small ? 10 : 100);
  await measured(ours.replicas, tokens, { ...kPeerLoad, answers: 5 });
  const rows = [];
  const raw = { loads: [] };
  for (const load of small ? kSmall : kLoads) {
    const runs = [];
    for (let i = 0; i < (small ? 1 : 3); i += 1) runs.push(await measured(ours.replicas, tokens, load));
    runs.sort((a, b) => a.delay_elsewhere.p99 - b.delay_elsewhere.p99);
    const middle = runs[Math.floor(runs.length / 2)];
    raw.loads.push({ load, runs });
    rows.push({
      figure: `${load.name}, PostgreSQL only: later at the other replica`,
      goal: `p99 ≤ ${load.goalMs} ms`,
      measured: said(middle),
      ok: middle.delay_elsewhere.p99 <= load.goalMs && middle.pieces_elsewhere === middle.pieces && middle.complete === load.answers,
    });
  }
  await ours.close();

  const peers = await servers.peers();
  const theirTokens = await peers.users(kPeerLoad.users);
  await measured(peers.replicas, theirTokens, { ...kPeerLoad, answers: 1 });
  const theirs = await measured(peers.replicas, theirTokens, kPeerLoad);
  raw.peer = theirs;
  rows.push({ figure: 'Open WebUI, two replicas on PostgreSQL and Redis, 10 answers: later at the other replica', measured: said(theirs), ok: null });
  return { rows, raw };
}

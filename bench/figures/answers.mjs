// Streams: do all answers finish, what does the server add to the first token, what does a token cost.
import { chat, straight } from '../lib/tools.mjs';
import { cpuSeconds } from '../lib/machine.mjs';
import { sleep } from '../../tests/lib/until.mjs';

export const title = 'Streamed answers';

const kTokens = 200;
const kLoads = [
  { name: '100 answers of 200 tokens, 5 ms apart, begun at once', answers: 100, model: 'n200d5', over: 0, users: 100, addedMs: 50 },
  { name: '1 000 answers of 200 tokens, 20 ms apart, begun within 2 s', answers: 1000, model: 'n200d20', over: 2000, users: 100, addedMs: 150 },
];
/** Open WebUI does not finish a hundred in reasonable time. */
const kPeerLoad = { answers: 10, model: 'n200d5', over: 0, patience: 90 };
const kPeerUsers = 5;

/** Runs a load and says what it cost the process. */
async function measured(server, tokens, load) {
  await sleep(500);
  const before = cpuSeconds(server.pid);
  const result = await chat(server, tokens, load);
  await sleep(300);
  const cpu = cpuSeconds(server.pid) - before;
  return { ...result, cpuSeconds: cpu, cpuMsPerToken: (cpu * 1000) / (result.finished * kTokens) };
}

function rowsOf(load, direct, ours) {
  const added = ours.first.p99 - direct.first.p99;
  const client = ours.client_cpu_seconds / ours.seconds;
  return [
    {
      figure: `${load.name}: finish, with every token`,
      goal: `${load.answers}`,
      measured: `${ours.complete} (${ours.most_at_once} at once)`,
      ok: ours.complete === load.answers,
    },
    {
      figure: '… first token, added to the provider’s own p99',
      goal: `< ${load.addedMs} ms`,
      measured: `${added.toFixed(1)} ms (p99 ${ours.first.p99.toFixed(1)}, straight ${direct.first.p99.toFixed(1)}; p50 ${ours.first.p50.toFixed(1)})`,
      ok: added < load.addedMs,
      note: `the client used ${(client * 100).toFixed(0)} % of a core, Antiphon ${((ours.cpuSeconds / ours.seconds) * 100).toFixed(0)} %`,
    },
  ];
}

export async function run(servers) {
  const provider = await servers.provider();
  const antiphon = await servers.antiphon();
  const tokens = await antiphon.users(100);
  const rows = [];
  const raw = { loads: [] };
  await measured(antiphon, tokens.slice(0, 5), { ...kPeerLoad });
  for (const load of kLoads) {
    const runs = [];
    for (let i = 0; i < 3; i += 1) {
      const direct = await straight(provider, load);
      runs.push({ direct, ours: await measured(antiphon, tokens.slice(0, load.users), load) });
    }
    raw.loads.push({ load, runs });
    runs.sort((a, b) => a.ours.first.p99 - a.direct.first.p99 - (b.ours.first.p99 - b.direct.first.p99));
    rows.push(...rowsOf(load, runs[1].direct, runs[1].ours));
  }
  const small = [];
  for (let i = 0; i < 3; i += 1) small.push(await measured(antiphon, tokens.slice(0, kPeerUsers), kPeerLoad));
  const busiest = raw.loads[1].runs[1].ours;
  await servers.closeAntiphon(antiphon);

  const peer = await servers.peer();
  const peerTokens = await peer.users(kPeerUsers);
  await measured(peer, peerTokens.slice(0, 1), { ...kPeerLoad, answers: 1 });
  const theirs = await measured(peer, peerTokens, kPeerLoad);
  small.sort((a, b) => a.cpuMsPerToken - b.cpuMsPerToken);
  const same = small[1];
  raw.small = small;
  raw.peer = theirs;
  const ratio = theirs.cpuMsPerToken / same.cpuMsPerToken;
  rows.push(
    {
      figure: 'processor time a token, 10 answers at once',
      goal: '≤ 0.03 ms, ≤ 1/40 of Open WebUI',
      measured: `${same.cpuMsPerToken.toFixed(4)} ms; Open WebUI ${theirs.cpuMsPerToken.toFixed(3)} ms`,
      ratio: `1/${ratio.toFixed(0)}`,
      ok: same.cpuMsPerToken <= 0.03 && ratio >= 40,
      note: `Open WebUI: ${theirs.finished} of ${theirs.answers} finished, first token p50 ${theirs.first?.p50.toFixed(0)} ms`,
    },
    {
      figure: '… 1 000 answers at once',
      goal: '≤ 0.03 ms',
      measured: `${busiest.cpuMsPerToken.toFixed(4)} ms`,
      ok: busiest.cpuMsPerToken <= 0.03,
    },
  );
  return { rows, raw };
}

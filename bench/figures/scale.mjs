// More replicas on the same cores: what each of them costs.
import { chat } from '../lib/tools.mjs';

export const title = 'Answers a second as replicas grow';

const kCounts = [1, 2, 4];
const kTokens = 20;
const kModel = `n${kTokens}d0`;
const kAnswers = { whole: 2000, small: 80 };
const kUsers = 20;
const kPeer = { answers: 10, patience: 120 };

/** Answers a second, the questions shared out evenly. */
async function rate(replicas, tokens, { answers, patience = 60 }) {
  const share = answers / replicas.length;
  const begin = performance.now();
  const parts = await Promise.all(replicas.map((replica) => chat(replica, tokens, { model: kModel, answers: share, patience })));
  const finished = parts.reduce((sum, part) => sum + part.complete, 0);
  // The slowest part's own clock; starting the clients is no part of it.
  const seconds = Math.max(...parts.map((part) => part.seconds));
  return { rate: finished / seconds, finished, answers, seconds, wall: (performance.now() - begin) / 1000, parts };
}

export async function run(servers, { small = false } = {}) {
  const answers = small ? kAnswers.small : kAnswers.whole;
  const found = [];
  for (const count of kCounts) {
    const ours = await servers.replicas(count);
    const tokens = await ours.users(kUsers);
    await rate(ours.replicas, tokens, { answers: 20 * count });
    const runs = [];
    for (let i = 0; i < (small ? 1 : 3); i += 1) runs.push(await rate(ours.replicas, tokens, { answers }));
    await ours.close();
    runs.sort((a, b) => a.rate - b.rate);
    found.push({ count, runs, ...runs[Math.floor(runs.length / 2)] });
  }
  const [one] = found;
  const rows = found.map(({ count, rate: now, finished }) => ({
    figure: `answers of ${kTokens} tokens a second, ${answers} asked for at once, ${count} replica${count > 1 ? 's' : ''} on the same cores`,
    measured: `${now.toFixed(0)} a second (${finished} of ${answers})`,
    ratio: count > 1 ? `${((now / one.rate) * 100).toFixed(0)} % of one replica` : '',
    ok: finished === answers ? null : false,
  }));
  const peers = await servers.peers();
  const tokens = await peers.users(5);
  await rate(peers.replicas.slice(0, 1), tokens, { answers: 1 });
  const theirs = { one: await rate(peers.replicas.slice(0, 1), tokens, kPeer), two: await rate(peers.replicas, tokens, kPeer) };
  rows.push({
    figure: `Open WebUI, ${kPeer.answers} answers of ${kTokens} tokens at once, all to one of two replicas, and shared out`,
    measured: `${theirs.one.rate.toFixed(2)} and ${theirs.two.rate.toFixed(2)} a second (${theirs.one.finished} and ${theirs.two.finished} of ${kPeer.answers})`,
    ok: null,
  });
  return { rows, raw: { found, peer: theirs } };
}

// What replicas that nobody uses ask of their database.
import { sleep } from '../../tests/lib/until.mjs';

export const title = 'Idle replicas and their database';

const kReplicas = 2;
const kSeconds = { whole: 60, small: 10 };
const kCalmMs = 8000;

/** {transactions: a second, connections}, both per replica. */
async function load(cluster, databaseUrl, seconds) {
  const name = new URL(databaseUrl).pathname.slice(1);
  const read = () => Number(cluster.sql('postgres', `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '${name}'`));
  await sleep(kCalmMs);
  const [before, at] = [read(), performance.now()];
  await sleep(seconds * 1000);
  const transactions = (read() - before) / ((performance.now() - at) / 1000) / kReplicas;
  const connections = Number(cluster.sql('postgres', `SELECT count(*) FROM pg_stat_activity WHERE datname = '${name}'`)) / kReplicas;
  return { transactions, connections };
}

export async function run(servers, { small = false } = {}) {
  const seconds = small ? kSeconds.small : kSeconds.whole;
  const cluster = await servers.postgres();
  const ours = await servers.replicas(kReplicas);
  const mine = await load(cluster, ours.databaseUrl, seconds);
  await ours.close();
  const peers = await servers.peers();
  const theirs = await load(cluster, peers.databaseUrl, seconds);
  const ratio = theirs.transactions / mine.transactions;
  return {
    rows: [
      {
        figure: `transactions a second and replica while nobody asks anything, over ${seconds} s`,
        goal: '≤ 1',
        measured: `${mine.transactions.toFixed(2)}; Open WebUI ${theirs.transactions.toFixed(2)}, and Redis besides`,
        ratio: `1/${ratio.toFixed(1)}`,
        ok: mine.transactions <= 1,
      },
      { figure: 'connections a replica', goal: '≤ 5', measured: `${mine.connections}; Open WebUI ${theirs.connections}`, ok: mine.connections <= 5 },
    ],
    raw: { ours: mine, peer: theirs },
  };
}

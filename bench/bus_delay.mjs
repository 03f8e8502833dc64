// How much later another replica's clients see an answer than the owner's do, with Redis and without: two replicas, so
// many answers at once on the first, and one socket of their owner at each replica.
//   node bench/bus_delay.mjs [answers]
import { startFleet } from '../tests/lib/fleet.mjs';
import { startRedis } from '../tests/lib/redis.mjs';
import { sleep } from '../tests/lib/until.mjs';
import { startProvider } from '../tests/provider/provider.mjs';
import { Answer } from '../tests/faults/answers.mjs';
import { loadavg } from 'node:os';

const count = Number(process.argv[2] ?? 100);
const [kTokens, kDelayMs] = [60, 100];

/** When each piece of each answer was seen: "message 17" to milliseconds. */
function watch(socket) {
  const times = new Map();
  const pieces = new Map();
  socket.on('events', (event) => {
    const at = performance.now();
    if (event.data?.data?.type !== 'response.output_text.delta') return;
    const piece = (pieces.get(event.message_id) ?? 0) + 1;
    pieces.set(event.message_id, piece);
    times.set(`${event.message_id} ${piece}`, at);
  });
  return times;
}

async function measure(name, env) {
  const provider = await startProvider();
  const fleet = await startFleet({ replicas: 2, provider, balancer: null, env });
  try {
    const admin = await fleet.admin();
    const sockets = await Promise.all([0, 1].map((i) => fleet.at(i, admin).connect()));
    for (const socket of sockets) socket.emit('user-join', { auth: { token: admin.token } });
    await sleep(12_000); // After a newcomer all goes both ways.
    const [here, there] = sockets.map(watch);
    const answers = Array.from({ length: count }, () => new Answer(fleet.at(0, admin), { socket: sockets[0], tokens: kTokens, delay: kDelayMs }));
    await Promise.all(answers.map((answer) => answer.post()));
    await sleep(kTokens * kDelayMs + 8000);
    const late = [...there].filter(([key]) => here.has(key)).map(([key, at]) => at - here.get(key)).sort((a, b) => a - b);
    const at = (q) => late[Math.min(late.length - 1, Math.floor(q * late.length))].toFixed(2);
    console.log(`${name}: ${count} answers, ${late.length} pieces; ms p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} max ${at(1)}; load ${loadavg()[0].toFixed(1)}`);
  } finally {
    await fleet.close();
    await provider.stop();
  }
}

const redis = await startRedis({ sentinels: 0 });
try {
  await measure('without Redis', {});
  await measure('with Redis', { REDIS_URL: redis.url });
} finally {
  await redis.stop();
}
process.exit(0);

// What the security tests share: a server with two users and an administrator, raw bodies, and the two oracles of regressions.md 0.2.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { startServer } from './server.mjs';
import { strain } from './until.mjs';

/** A started server with Bob (whose things are attacked), Eve (who attacks) and the administrator. */
export async function threePeople(db, { provider, env = {} } = {}) {
  const server = await startServer({ provider, databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0', ...env } });
  const admin = await server.admin();
  const bob = await server.user(admin, 'Bob');
  const eve = await server.user(admin, 'Eve');
  return { server, admin, bob, eve };
}

/** Models of servers are administrators' until they are given to everybody. */
export async function publish(admin, ...ids) {
  const grants = [{ principal_type: 'user', principal_id: '*', permission: 'read' }];
  for (const id of ids) {
    await admin.post('/api/v1/models/create', { id, name: id, meta: {}, params: {}, access_grants: grants }, { expect: 200 });
  }
}

/** The members of a first turn of a chat, for requests that break them. */
export function turnOf(fields = {}) {
  const [question, answer] = [crypto.randomUUID(), crypto.randomUUID()];
  const user_message = { id: question, role: 'user', content: '[[tokens=1 delay=0]]', parentId: null, childrenIds: [answer] };
  return { model: 'numbered', stream: true, parent_id: null, id: answer, session_id: '', user_message, background_tasks: {}, ...fields };
}

function statusOf(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)[1]);
  return { mib: number('VmRSS') / 1024, threads: number('Threads'), files: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * The canary: asks /health (or `path`, as the holder of `token`) on a connection of its own all the while. `stop()` fails when an answer was not 200, when 99 of 100 took
 * longer than 50 ms (more under other people's load), when memory grew by 64 MiB for good, or threads were left behind.
 * A sanitizer keeps what was freed for a while, which ANTIPHON_TEST_QUARANTINE_MIB allows on top.
 */
export async function startCanary(server, { grows = 64, p99 = 50, path = '/health', token } = {}) {
  const before = statusOf(server.pid);
  grows += Number(process.env.ANTIPHON_TEST_QUARANTINE_MIB ?? 0);
  const worker = new Worker(new URL('canary_worker.mjs', import.meta.url), { workerData: { url: server.url + path, headers: token ? { Authorization: `Bearer ${token}` } : {} } });
  await once(worker, 'message');
  worker.unref(); // A test that fails before it stops its canary must end all the same.
  return {
    async stop() {
      worker.ref();
      worker.postMessage('stop');
      const [{ times, wrong }] = await once(worker, 'message');
      const sorted = [...times].sort((a, b) => a - b);
      const limit = p99 * strain();
      const slow = sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)];
      assert.deepEqual(wrong, [], `${path} answered all the while`);
      assert.ok(server.isRunning, 'the server lives');
      assert.ok(slow < limit, `${path}: 99 of 100 within ${slow.toFixed(0)} ms, allowed ${limit.toFixed(0)} ms (${sorted.length} asked)`);
      let now = statusOf(server.pid);
      for (let i = 0; i < 50 && (now.mib - before.mib > grows || now.threads > before.threads); i += 1) {
        await sleep(100);
        now = statusOf(server.pid);
      }
      assert.ok(now.mib - before.mib < grows, `memory grew from ${before.mib.toFixed(0)} to ${now.mib.toFixed(0)} MiB`);
      assert.ok(now.threads <= before.threads, `threads grew from ${before.threads} to ${now.threads}`);
      return { p99: slow, asked: sorted.length };
    },
  };
}

/** A validation error repeats what was sent. */
function withoutInputs({ json, text }) {
  return Array.isArray(json?.detail) ? JSON.stringify(json.detail.map(({ input, ...rest }) => rest)) : text;
}

const kInternals = /\/(usr|home|tmp|work|src|etc)\/|SELECT |INSERT |sqlite|libpq|std::|boost|\.cc\b|0x[0-9a-f]{6}/i;

/** No answer to an attacker is a fault, and none tells of paths, SQL, stacks or types. A model server's refusal is 502 to 504. */
export function assertHarmless(reply, what, { asksModels = false } = {}) {
  const text = `${what}: ${reply.status} ${reply.text.slice(0, 300)}`;
  assert.ok(reply.status < 500 || (asksModels && [502, 503, 504].includes(reply.status)), text);
  if (reply.status >= 400) assert.doesNotMatch(withoutInputs(reply), kInternals, text);
}

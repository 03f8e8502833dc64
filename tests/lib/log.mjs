// What the database must hold once every answer has ended, read from the database itself.
import assert from 'node:assert/strict';
import { rows } from './rows.mjs';
import { Output } from './turn.mjs';

const kEnded = { 10: 'done', 11: 'failed', 12: 'cancelled', 13: 'interrupted' };

function isTerminal({ type, data }) {
  if (type === 'chat:tasks:cancel') return true;
  return ['chat:completion', 'chat:message:error'].includes(type) && data?.done === true;
}

/** Folds events as a client does. */
function textOf(events) {
  const output = new Output();
  for (const { type, data } of events) {
    if (type === 'response:completion') output.apply(data);
    else if (data?.output) output.items = structuredClone(data.output);
  }
  return output.text('message');
}

/** The rows of one run: without a gap, epochs never falling, one end and nothing after it. Gives its events. */
function checkRows(run, logged) {
  logged.forEach((row, i) => assert.equal(Number(row.seq), i + 1, `run ${run.run_id}: seq ${row.seq} stands at place ${i + 1}`));
  const epochs = logged.map((row) => Number(row.epoch));
  assert.deepEqual(epochs, [...epochs].sort((a, b) => a - b), `run ${run.run_id}: an epoch fell`);
  const events = logged.flatMap((row) => JSON.parse(row.payload));
  const ends = events.filter(isTerminal);
  assert.equal(ends.length, 1, `run ${run.run_id}: ${ends.length} ends`);
  assert.equal(ends[0], events.at(-1), `run ${run.run_id}: something follows its end`);
  // Who dies between taking over and marking it leaves no mark; whoever came last has.
  const marks = events.filter((event) => event.type === 'run:takeover').map((event) => Number(event.data.epoch));
  assert.equal(marks.at(-1) ?? 1, Number(run.epoch), `run ${run.run_id}: the last take-over has no mark: ${marks}`);
  return events;
}

/** Every run of these messages (ids); `edited` ids may have other text than the log. */
export async function checkLog(server, messageIds, { continued = new Set() } = {}) {
  const list = messageIds.map((id) => `'${id}'`).join(',');
  const [runs, logged, open] = await Promise.all([
    rows(server, `SELECT r.run_id, r.message_id, r.state, r.epoch, m.done, m.content, m.error
                    FROM run r JOIN chat_message m ON m.chat_id = r.chat_id AND m.id = r.message_id
                   WHERE r.message_id IN (${list})`),
    rows(server, `SELECT e.run_id, e.seq, e.epoch, e.payload FROM run_event e JOIN run r ON r.run_id = e.run_id
                   WHERE r.message_id IN (${list}) ORDER BY e.run_id, e.seq`),
    rows(server, `SELECT (SELECT count(*) FROM run WHERE state < 10) AS runs,
                         (SELECT count(*) FROM chat_message WHERE NOT done) AS messages`),
  ]);
  assert.deepEqual(open, [{ runs: 0, messages: 0 }], 'runs and messages that have not ended');
  for (const id of messageIds) {
    const mine = runs.filter((run) => run.message_id === id);
    assert.equal(mine.length, continued.has(id) ? 2 : 1, `message ${id} has ${mine.length} runs`);
  }
  for (const run of runs) {
    assert.ok(kEnded[run.state], `run ${run.run_id} is in state ${run.state}`);
    const events = checkRows(run, logged.filter((row) => row.run_id === run.run_id));
    if (continued.has(run.message_id)) continue;
    assert.equal(JSON.parse(run.content), textOf(events), `message ${run.message_id} is not what its log says`);
    assert.equal(run.error !== null, [11, 13].includes(Number(run.state)), `message ${run.message_id}: error ${run.error} in state ${run.state}`);
  }
  return runs.map((run) => kEnded[run.state]);
}

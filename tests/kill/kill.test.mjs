// The kill loop: kill -9 at a random moment while answers stream and chats are edited; after each restart nothing that was
// acknowledged is missing, no token is lost or doubled, and no answer is of unknown fate.
//   ANTIPHON_KILLS=500     how often, per database (default 4: a sample for every change; make kill does the long one)
//   ANTIPHON_KILL_SEED=17  repeats the random choices of a run
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { rows } from '../lib/rows.mjs';
import { startServer } from '../lib/server.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';
import { someAnswers } from './answers.mjs';
import { editedThings } from './edits.mjs';
import { checkLog } from '../lib/log.mjs';
import { Random } from '../lib/random.mjs';

const kKills = Number(process.env.ANTIPHON_KILLS ?? 4);
const kAnswers = 6;
const seed = Number(process.env.ANTIPHON_KILL_SEED ?? Date.now() % 100_000);

forEachDatabase((db) => {
  describe(`killed ${kKills} times (seed ${seed})`, () => {
    const random = new Random(seed);
    const tally = { kills: 0, answers: 0, unsure: 0, edits: 0, stops: 0, continued: 0, asked_again: 0, recovered: 0 };
    let provider;
    let server;
    let admin;
    let roaming; // a socket that comes back by itself, over all restarts
    let things;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create(), env: { ANTIPHON_RATE_LIMITS: '0' } });
      admin = await server.admin();
      roaming = await admin.connect();
      things = await editedThings(admin, roaming);
    });
    after(async () => {
      console.log(`# kill loop ${db.name} seed ${seed}: ${JSON.stringify(tally)}`);
      await server?.close();
      await provider?.stop();
    });

    async function kill() {
      await server.kill();
      tally.kills += 1;
    }

    /** Sometimes it dies again while it starts: in the middle of taking answers over. */
    async function restart() {
      if (random.chance(0.2)) {
        const start = server.start();
        start.catch(() => {});
        await sleep(random.between(0, 250));
        await kill();
        await start.catch(() => {});
      }
      await server.start();
    }

    async function round() {
      provider.calls.length = 0;
      const fixed = await admin.connect({ reconnection: false });
      const answers = someAnswers(kAnswers, admin, [fixed, roaming], random);
      const before = things.reduce((sum, thing) => sum + thing.acknowledged, 0);
      const work = Promise.all([
        ...things.map((thing) => thing.editUntilDeath(random)),
        ...answers.map(async (answer) => {
          await sleep(random.next() * 200);
          await answer.post();
          if (random.chance(0.25)) await answer.stopAfter(random.next() * 400);
        }),
      ]);
      work.catch(() => {});
      await sleep(20 + random.next() * 900);
      await kill();
      await work;
      const seen = answers.map((answer) => answer.turn.text);
      await restart();
      await check(answers, seen, fixed);
      tally.edits += things.reduce((sum, thing) => sum + thing.acknowledged, 0) - before;
      fixed.disconnect();
      for (const answer of answers) answer.turn.close();
    }

    async function check(answers, seen, fixed) {
      for (const answer of answers) await answer.checkStop();
      await Promise.all(things.map((thing) => thing.check()));
      await until(() => roaming.connected, { ms: 5000, what: 'the socket is back' });
      const recovered = roaming.recovered;
      for (const answer of answers) if (!answer.accepted) await answer.repeat();
      const messages = await Promise.all(answers.map((answer, i) => answer.checkEnd(seen[i], provider)));
      if (recovered) {
        for (const [i, answer] of answers.entries()) {
          if (answer.turn.socket === roaming && answer.accepted) await answer.checkClient(messages[i]);
        }
      }
      const states = await until(() => checkLog(server, answers.map((answer) => answer.turn.messageId)), { ms: 3000, every: 100, what: 'the log is right' });
      assert.deepEqual((await admin.get('/api/tasks', { expect: 200 })).json.tasks, []);
      const cut = answers.filter((_, i) => states.length && messages[i].error);
      if (cut.length && random.chance(0.3)) {
        await cut[0].checkContinue(roaming);
        tally.continued += 1;
      }
      tally.answers += answers.length;
      tally.unsure += answers.filter((answer) => !answer.accepted).length;
      tally.stops += answers.filter((answer) => answer.stopped).length;
      tally.asked_again += answers.filter((answer) => answer.calls > 1).length;
      tally.recovered += recovered ? 1 : 0;
    }

    /** Every chat has been named by its job. A job that was cut short on PostgreSQL waits for its lease, so not in samples. */
    async function checkJobs() {
      if (db.name === 'postgres' && kKills < 50) return;
      const left = "SELECT (SELECT count(*) FROM chat WHERE title = 'New Chat') AS unnamed, (SELECT count(*) FROM job WHERE state < 2) AS jobs";
      const done = async () => JSON.stringify(await rows(server, left)) === '[{"unnamed":0,"jobs":0}]';
      await until(done, { ms: 150_000, every: 500, what: 'every chat has a name and no job is left' });
    }

    it('loses nothing', { timeout: 60_000 + kKills * 30_000 }, async () => {
      for (let i = 0; i < kKills; i += 1) {
        try {
          await round();
        } catch (error) {
          throw new Error(`round ${i + 1} of ${kKills}, seed ${seed}: ${error.message}`, { cause: error });
        }
        if (i % 25 === 24) console.log(`# ${db.name} seed ${seed}: ${JSON.stringify(tally)}`);
      }
      await checkJobs();
      const sure = tally.answers - tally.unsure;
      assert.ok(sure >= kKills, `only ${sure} answers were accepted in ${kKills} rounds: the kills came too early`);
      assert.ok(tally.edits >= kKills, `only ${tally.edits} edits were acknowledged in ${kKills} rounds`);
      // A session is recorded within a second of its sign-in: a kill that comes earlier is not resumed. A few rounds say nothing of it.
      assert.ok(kKills < 50 || tally.recovered >= kKills / 2, `the socket recovered in ${tally.recovered} of ${kKills} rounds only`);
    });
  });
});

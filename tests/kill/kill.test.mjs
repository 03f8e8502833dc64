// The kill loop: kill -9 at a random moment while answers stream and chats are edited; after each restart nothing that was
// acknowledged is missing, no token is lost or doubled, and no answer is of unknown fate.
//   ANTIPHON_KILLS=500     how often, per database (default 4: a sample for every change; make kill does the long one)
//   ANTIPHON_KILL_SEED=17  repeats the random choices of a run
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { forEachDatabase } from '../lib/databases.mjs';
import { startServer } from '../lib/server.mjs';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';
import { startProvider } from '../provider/provider.mjs';

const kKills = Number(process.env.ANTIPHON_KILLS ?? 4);
const kAnswers = 6;
const seed = Number(process.env.ANTIPHON_KILL_SEED ?? Date.now() % 100_000);

/** mulberry32: a repeatable random number in [0, 1). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Renames a chat again and again until the server is gone; remembers the last title that was acknowledged. */
async function rename(admin, chatId, record) {
  for (let i = 0; ; i += 1) {
    const title = `Title ${i}`;
    record.tried = title;
    try {
      const reply = await admin.post(`/api/v1/chats/${chatId}`, { chat: { title } });
      if (reply.status !== 200) return;
      record.acknowledged = title;
    } catch {
      return;
    }
  }
}

forEachDatabase((db) => {
  describe(`killed ${kKills} times (seed ${seed})`, () => {
    const random = generator(seed);
    let provider;
    let server;
    let admin;
    before(async () => {
      provider = await startProvider();
      server = await startServer({ provider, databaseUrl: await db.create() });
      admin = await server.admin();
    });
    after(async () => {
      await server?.close();
      await provider?.stop();
    });

    /** Starts answers; some may already fail because the server is gone. */
    async function startAnswers(socket) {
      const sends = Array.from({ length: kAnswers }, (_, i) => admin.send(`[[tokens=300 delay=${2 + i}]]`, { socket }));
      const settled = await Promise.allSettled(sends);
      return settled.filter((one) => one.status === 'fulfilled').map((one) => one.value);
    }

    async function checkAnswer(turn) {
      const message = await until(
        async () => {
          const read = await admin.message(turn.chatId, turn.messageId);
          return read?.done && read;
        },
        { ms: 15_000, every: 50, what: 'an acknowledged answer is there and done after the restart' },
      );
      const seen = turn.text ? readTokens(turn.text) : { count: 0 };
      const kept = message.content ? readTokens(message.content) : { count: 0 };
      assert.ok(kept.count >= seen.count, `${kept.count} tokens kept, ${seen.count} were seen`);
      if (seen.count) assert.equal(kept.serial, seen.serial);
      if (kept.count < 300) assert.ok(message.error, 'an answer that broke off says why');
    }

    async function round(edited, record) {
      const socket = await admin.connect({ reconnection: false });
      const [renaming, starting] = [rename(admin, edited, record), startAnswers(socket)];
      await sleep(20 + random() * 900);
      await server.kill();
      const turns = await starting;
      await renaming;
      await server.start();
      for (const turn of turns) await checkAnswer(turn);
      const { title } = await admin.chat(edited);
      assert.ok([record.acknowledged, record.tried].includes(title), `${title}, acknowledged was ${record.acknowledged}`);
      socket.disconnect();
      return turns.length;
    }

    it('loses nothing', { timeout: 60_000 + kKills * 20_000 }, async () => {
      const socket = await admin.connect({ reconnection: false });
      const first = await admin.ask('[[tokens=3]]', { socket });
      let answers = 0;
      for (let i = 0; i < kKills; i += 1) {
        try {
          answers += await round(first.chatId, {});
        } catch (error) {
          throw new Error(`kill ${i + 1} of ${kKills}, seed ${seed}: ${error.message}`, { cause: error });
        }
      }
      assert.ok(answers >= kKills, `only ${answers} answers were accepted in ${kKills} rounds: the kills came too early`);
    });
  });
});

// Answers that stream while the server is killed, and what must be true of each afterwards.
import assert from 'node:assert/strict';
import { readTokens } from '../lib/tokens.mjs';
import { sleep, until } from '../lib/until.mjs';

let counter = 0;

function tokensOf(text, what) {
  if (!text) return { serial: null, count: 0 };
  try {
    return readTokens(text);
  } catch (error) {
    throw new assert.AssertionError({ message: `${what}: ${error.message}` });
  }
}

class Answer {
  constructor(admin, socket, random) {
    counter += 1;
    this.admin = admin;
    this.name = `K${counter}K`;
    this.tokens = random.between(20, 300);
    const reasoning = random.chance(0.2) ? ` reasoning=${random.between(1, 30)}` : '';
    this.content = `${this.name} [[tokens=${this.tokens} delay=${random.between(1, 7)}${reasoning}]]`;
    this.prepared = admin.prepare(this.content, { socket });
    [this.turn] = this.prepared.turns;
    this.accepted = false;
    this.stopping = false; // asked for
    this.stopped = false; // … and acknowledged
  }

  /** Posts the question; a connection that breaks leaves open whether it was accepted. */
  async post() {
    try {
      await this.admin.submit(this.prepared);
      this.accepted = true;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
    }
  }

  async stopAfter(ms) {
    await sleep(ms);
    if (!this.accepted) return;
    this.stopping = true;
    try {
      await this.admin.stop(this.turn.chatId);
      this.stopped = true;
    } catch (error) {
      if (/instead of/.test(error.message)) throw error;
    }
  }

  message() {
    return this.admin.message(this.turn.chatId, this.turn.messageId);
  }

  /**
   * A stop that was acknowledged has ended the answer, whatever happened then. The socket hears of the end beside the
   * acknowledgement, so death may come between the two: then the client has the beginning of what is kept.
   */
  async checkStop() {
    if (!this.stopped) return;
    const { done, content, error } = await this.message();
    assert.equal(done, true, `${this.name} was stopped and is not done`);
    assert.equal(error, undefined, `${this.name} was stopped and has an error`);
    const { text, cancelled, final } = this.turn;
    const known = cancelled || final ? content : content.slice(0, text.length);
    assert.equal(text, known, `${this.name} has other text than when it was stopped`);
  }

  /** Whoever does not know whether a request came through sends it again. */
  async repeat() {
    await this.admin.submit(this.prepared);
    const { history } = (await this.admin.chat(this.turn.chatId)).chat;
    assert.deepEqual(Object.keys(history.messages).sort(), [this.turn.userId, this.turn.messageId].sort(), 'repeated: one question, one answer');
  }

  /** `seen`: the text a client had when the server died. */
  async checkEnd(seen, provider) {
    const message = await until(
      async () => {
        const read = await this.message();
        return read.done && read;
      },
      { ms: 20_000, every: 40, what: `${this.name} is done after the restart` },
    );
    const [had, kept] = [tokensOf(seen, `${this.name} as seen`), tokensOf(message.content, `${this.name} as kept`)];
    assert.ok(kept.count >= had.count, `${this.name}: ${kept.count} tokens kept, ${had.count} were seen`);
    assert.ok(kept.count <= this.tokens, `${this.name}: ${kept.count} tokens kept of ${this.tokens}`);
    if (had.count) assert.equal(kept.serial, had.serial, `${this.name}: text of another call`);
    const calls = provider.answers.filter((call) => call.messages.at(-1).content.includes(this.name));
    if (kept.count) {
      const call = calls.find((one) => one.serial === kept.serial);
      assert.ok(call && kept.count <= call.sent, `${this.name}: ${kept.count} kept, the provider sent ${call?.sent}`);
      assert.equal(call, calls.at(-1), `${this.name}: asked again although there was text`);
    }
    if (kept.count < this.tokens && !this.stopping) assert.ok(message.error?.content, `${this.name} broke off and does not say why`);
    // Death may come between the last token and the end, which the log then does not have: Continue is offered.
    if (kept.count === this.tokens && message.error) assert.match(message.error.content, /Continue/, `${this.name} is whole and has another error`);
    this.kept = kept.count;
    this.calls = calls.length;
    return message;
  }

  /** A client that came back by itself, and was told that nothing is missing, has the same text. */
  async checkClient(message) {
    const { turn } = this;
    await turn.done(5000);
    await until(() => turn.text === message.content, { ms: 2000, what: `${this.name}: the client has the text that is kept` }).catch(() =>
      assert.equal(turn.text, message.content, `${this.name}: the client has other text`),
    );
    if (turn.deltaText) {
      const streamed = tokensOf(turn.deltaText, `${this.name} on the wire, ${turn.types}`);
      assert.equal(streamed.count, this.kept, `${this.name}: tokens on the wire`);
    }
  }

  async checkContinue(socket) {
    const options = { socket, chatId: this.turn.chatId, userId: this.turn.userId, continueId: this.turn.messageId };
    const more = await this.admin.ask(this.content, options);
    more.close();
    const message = await this.message();
    assert.equal(tokensOf(message.content, `${this.name} continued`).count, this.tokens, `${this.name}: continued`);
    assert.equal(message.error, undefined, `${this.name} was continued and still has an error`);
  }
}

/** Answers of one round, on the sockets in turn. */
export function someAnswers(count, admin, sockets, random) {
  return Array.from({ length: count }, (_, i) => new Answer(admin, sockets[i % sockets.length], random));
}

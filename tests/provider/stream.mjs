// Plays the steps of an answer onto a response, on time.

/** Tokens without delay go out in batches of this size, then the event loop gets its turn. */
const kBatch = 64;

/** One playing answer: owns its timer and stops when the client goes away. */
class Player {
  constructor(response, steps, encoder, call) {
    this.response = response;
    this.steps = steps[Symbol.iterator]();
    this.encoder = encoder;
    this.call = call;
    this.delay = call.options.delay;
    this.split = call.options.split;
    this.due = performance.now();
    this.timer = null;
    response.on('close', () => this.stop());
  }

  stop() {
    clearTimeout(this.timer);
    this.steps = null;
  }

  write(text) {
    if (!this.split) return this.response.write(text);
    const bytes = Buffer.from(text);
    let open = true;
    for (let at = 0; at < bytes.length; at += this.split) {
      open = this.response.write(bytes.subarray(at, at + this.split));
    }
    return open;
  }

  /** Plays what is due now; a step with `timed` waits its turn. */
  run() {
    let batch = 0;
    while (this.steps) {
      const { value: step, done } = this.steps.next();
      if (done) return this.end();
      const open = this.play(step);
      if (open === 'halt') return undefined;
      if (!step.timed) continue;
      this.call.sent += 1;
      if (this.delay > 0) {
        this.due += this.delay;
        const wait = this.due - performance.now();
        if (wait > 0) return this.later(wait);
      } else if ((batch += 1) >= kBatch || open === false) {
        return this.afterDrain(open);
      }
    }
    return undefined;
  }

  later(ms) {
    this.timer = setTimeout(() => this.run(), ms);
  }

  afterDrain(open) {
    if (open === false) this.response.once('drain', () => this.run());
    else setImmediate(() => this.run());
  }

  play(step) {
    switch (step.kind) {
      case 'break':
        this.call.closedBy = 'provider';
        // What was written must reach the client before the connection dies.
        this.response.socket.destroySoon();
        this.stop();
        return 'halt';
      case 'stall':
        if (this.call.options.stallms) this.later(this.call.options.stallms);
        this.due = performance.now() + this.call.options.stallms;
        return 'halt';
      case 'error':
        this.write(this.encoder.error(this.call.options.message || 'The provider failed in mid-answer'));
        this.finish('');
        return 'halt';
      case 'cut':
        this.finish('');
        return 'halt';
      case 'malformed':
        return this.write(this.encoder.malformed());
      default:
        return this.write(this.encoder.step(step));
    }
  }

  end() {
    this.finish(this.encoder.end());
  }

  finish(text) {
    this.response.end(text);
    this.stop();
  }
}

export function play(response, steps, encoder, call) {
  new Player(response, steps, encoder, call).run();
}

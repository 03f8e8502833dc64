// A TCP forwarder that breaks connections on demand, and can be turned to another server.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Cutter {
  #pairs = new Set();
  #server;

  /** `target.port`: where new connections go; it may change. */
  constructor(target) {
    this.target = target;
  }

  async start() {
    this.#server = createServer((near) => {
      const far = connect(this.target.port, '127.0.0.1');
      const pair = [near, far];
      this.#pairs.add(pair);
      const end = () => {
        this.#pairs.delete(pair);
        for (const side of pair) side.destroy();
      };
      for (const side of pair) side.on('error', end).on('close', end);
      near.pipe(far);
      far.pipe(near);
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** Without a goodbye. */
  cut() {
    for (const pair of this.#pairs) for (const side of pair) side.resetAndDestroy();
  }

  /** From now on to another server; who is connected is cut off. */
  turn(target) {
    this.target = target;
    this.cut();
  }

  close() {
    this.cut();
    this.#server.close();
  }
}

// Toxiproxy between two parties: delay, a narrow line, cuts. Built by `tools/setup faults`.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.mjs';
import { freePort } from './ports.mjs';

const program = join(resolve(dirname(fileURLToPath(import.meta.url)), '../..'), '.tools/toxiproxy/bin/server');

class Line {
  constructor(control, name, port) {
    Object.assign(this, { control, name, port });
  }

  #call(path, body) {
    return this.control(`/proxies/${this.name}${path}`, body);
  }

  /** Milliseconds more, in each direction. */
  async delay(latency, jitter = 0) {
    for (const stream of ['upstream', 'downstream']) {
      await this.#call('/toxics', { name: `delay_${stream}`, type: 'latency', stream, attributes: { latency, jitter } });
    }
  }

  /** Kilobytes a second, towards who connected. */
  narrow(rate) {
    return this.#call('/toxics', { name: 'narrow', type: 'bandwidth', stream: 'downstream', attributes: { rate } });
  }

  /** Bytes go nowhere, and nobody is told: a cable that is pulled. `ms`: connections are closed after so long, 0 never. */
  async swallow(ms = 0) {
    for (const stream of ['upstream', 'downstream']) {
      await this.#call('/toxics', { name: `swallow_${stream}`, type: 'timeout', stream, attributes: { timeout: ms } });
    }
  }

  /** Connections break, and none can be made until restored. */
  cut() {
    return this.#call('', { enabled: false });
  }

  /** As it was; connections whose bytes were swallowed are cut. */
  async restore() {
    await this.#call('', { enabled: false });
    const { toxics } = await this.control(`/proxies/${this.name}`);
    for (const { name } of toxics) await this.control(`/proxies/${this.name}/toxics/${name}`, undefined, 'DELETE');
    await this.#call('', { enabled: true });
  }
}

/** Gives {line(name, port), stop()}; a line forwards a port of its own to `port`. */
export async function startToxiproxy() {
  if (!existsSync(program)) throw new Error('Toxiproxy is not built: tools/setup faults');
  const port = await freePort();
  const child = new Child(program, ['-host', '127.0.0.1', '-port', String(port)]);
  const control = async (path, body, method = body === undefined ? 'GET' : 'POST') => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`Toxiproxy: ${method} ${path}: ${reply.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  await child.ready(() => fetch(`http://127.0.0.1:${port}/version`).then((reply) => reply.ok, () => false));
  return {
    async line(name, to) {
      const listen = await freePort();
      await control('/proxies', { name, listen: `127.0.0.1:${listen}`, upstream: `127.0.0.1:${to}`, enabled: true });
      return new Line(control, name, listen);
    },
    stop: () => child.stop('SIGKILL'),
  };
}

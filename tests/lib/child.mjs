// A program that serves until it is stopped: its log is kept, and it does not outlive the tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.mjs';

const kMaxLog = 1 << 20;

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  constructor(file, args, options = {}) {
    this.name = file.split('/').at(-1);
    this.log = '';
    this.process = spawn(file, args, { cwd: '/', ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.process);
    this.process.on('exit', () => running.delete(this.process));
    this.process.on('error', (error) => (this.log += error.message));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-kMaxLog)));
    }
  }

  get hasEnded() {
    return this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Until `answers` gives something true; a program that ends before that fails with what it said. */
  async ready(answers) {
    await until(async () => this.hasEnded || (await answers()), { ms: 20_000, what: `${this.name} answers` });
    if (this.hasEnded) throw new Error(`${this.name} ended:\n${this.log.slice(-3000)}`);
    return this;
  }

  signal(name) {
    this.process.kill(name);
  }

  async stop(signal = 'SIGTERM') {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    this.process.kill('SIGCONT');
    await ended;
  }
}

// Machines of their own: a network namespace each, joined to this one by a virtual cable that can be pulled. Needs root.
import { execFileSync, spawnSync } from 'node:child_process';

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });

let counter = 0;
const taken = new Set();
process.on('exit', () => {
  for (const machine of taken) machine.remove();
});

export const canSeparate = process.getuid() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;

class Machine {
  constructor(number) {
    this.name = `ap${process.pid}n${number}`;
    this.cable = `apv${process.pid % 100000}n${number}`;
    // 198.18/15 is set apart for tests of networks (RFC 2544). A packet never leaves this machine: see `make`.
    this.net = `198.18.${process.pid % 250}.${number * 4}`;
    const host = (last) => this.net.replace(/\d+$/, String(number * 4 + last));
    this.here = host(1);
    this.address = host(2);
    /** What runs a program there. */
    this.wrap = ['ip', 'netns', 'exec', this.name];
  }

  make() {
    taken.add(this);
    // Should the cable be gone, packets for the other end go nowhere rather than to a gateway.
    ip('route', 'add', 'blackhole', `${this.net}/30`, 'metric', '4000');
    ip('netns', 'add', this.name);
    ip('link', 'add', this.cable, 'type', 'veth', 'peer', 'name', 'up0', 'netns', this.name);
    ip('addr', 'add', `${this.here}/30`, 'dev', this.cable);
    ip('link', 'set', this.cable, 'up');
    ip('-n', this.name, 'addr', 'add', `${this.address}/30`, 'dev', 'up0');
    for (const device of ['up0', 'lo']) ip('-n', this.name, 'link', 'set', device, 'up');
    return this;
  }

  /** No packet passes, and nobody is told. */
  unplug() {
    ip('-n', this.name, 'link', 'set', 'up0', 'down');
  }

  plug() {
    ip('-n', this.name, 'link', 'set', 'up0', 'up');
  }

  remove() {
    if (!taken.delete(this)) return;
    for (const words of [['link', 'del', this.cable], ['netns', 'del', this.name], ['route', 'del', 'blackhole', `${this.net}/30`, 'metric', '4000']]) {
      spawnSync('ip', words);
    }
  }
}

export function newMachine() {
  counter += 1;
  return new Machine(counter).make();
}

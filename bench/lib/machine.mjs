// What the kernel says about this machine and about a process.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';

/**
 * Processor seconds a process has used so far, all its threads. The process's own clock, which has nanoseconds where /proc has ticks
 * of ten milliseconds; Node cannot read it.
 */
export function cpuSeconds(pid) {
  const clock = 'import sys, time; print(time.clock_gettime_ns((~int(sys.argv[1]) << 3) | 2))'; // CPUCLOCK_SCHED of that pid.
  return Number(execFileSync('python3', ['-c', clock, String(pid)], { encoding: 'utf8' })) / 1e9;
}

/** Resident memory in kB; `own`: without what it shares with other programs (their libraries). */
export function memoryKb(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)[1]);
  return { resident: field('Rss'), own: field('Private_Clean') + field('Private_Dirty') };
}

/** Bytes the process has caused to be written to storage. */
export function bytesWritten(pid) {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1]);
}

const version = (command, ...args) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n')[0];
  } catch {
    return 'not here';
  }
};

export function machine() {
  const [first] = cpus();
  const system = /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  return {
    processor: first.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: version('uname', '-r'),
    system,
    node: process.version,
  };
}

/** How busy the machine is with other things: load average before a figure. */
export const busy = () => Number(loadavg()[0].toFixed(2));

export const commit = () => version('git', 'rev-parse', '--short=12', 'HEAD');

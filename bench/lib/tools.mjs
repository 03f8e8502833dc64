// The programs that make the load.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const load = join(root, 'build/release/bench/load/bench_load');

/** Runs a program to its end and gives what it printed. */
export async function output(command, args, { input = '', ms = 120_000, ...options } = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const code = await new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => settle(status ?? signal));
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${errors.slice(-2000)}${out.slice(-2000)}`);
  if (errors) process.stderr.write(errors);
  return out;
}

/** A bench_load that stays: gives {first, child}: the JSON of its first line, and the process. */
async function staying(args) {
  const child = spawn(load, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const first = await new Promise((settle, reject) => {
    let text = '';
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`bench_load ${args[0]} ended with ${code}`)));
    const listen = (piece) => {
      text += piece;
      if (!text.includes('\n')) return;
      child.stdout.off('data', listen);
      settle(JSON.parse(text));
    };
    child.stdout.setEncoding('utf8').on('data', listen);
  });
  return { first, child };
}

/** The provider: model `n200d5` is 200 tokens, 5 ms apart. */
export async function startProvider() {
  if (!existsSync(load)) throw new Error(`${load} is not there: tools/build release bench_load`);
  const { first, child } = await staying(['provider']);
  return { port: first.port, pid: child.pid, openaiUrl: `http://127.0.0.1:${first.port}/v1`, stop: () => child.kill('SIGKILL') };
}

/** Answers straight from the provider: what it takes without a server in between. */
export async function straight(provider, { model, answers, over = 0, patience = 60 }) {
  return JSON.parse(await output(load, ['straight', provider.port, model, answers, over, patience].map(String)));
}

/**
 * Answers as a browser gets them: a socket a token, a POST an answer. `elsewhere`: another replica, where each user listens too;
 * then delay_elsewhere says how much later each piece came there.
 */
export async function chat(server, tokens, { model, answers, over = 0, patience = 60, elsewhere = null }) {
  const args = ['chat', server.port, model, answers, over, patience, elsewhere?.port ?? 0].map(String);
  return JSON.parse(await output(load, args, { input: tokens.join('\n'), ms: (patience + 60) * 1000 }));
}

/** Opens sockets and holds them until stop(). */
export async function holdSockets(server, count, token) {
  const { first, child } = await staying(['sockets', String(server.port), String(count), token]);
  return { open: first.open, stop: () => child.kill('SIGKILL') };
}

/**
 * Opens `count` sockets at one replica, has `gone()` end it, and gives {back, tries, waited}: how many are signed in at `next`, and
 * the milliseconds from a socket's end until then.
 */
export async function moveSockets(server, next, count, token, gone, patience = 60) {
  const { child } = await staying(['move', server.port, next.port, count, token, patience].map(String));
  let text = '';
  child.stdout.on('data', (piece) => (text += piece));
  const ended = new Promise((settle) => child.on('close', settle));
  await gone();
  await ended;
  return JSON.parse(text);
}

/** {rate, requests}: requests a second and in all, every one answered with 2xx; fails when any was not. */
export async function wrk(url, { token, connections, seconds = 5, threads = 1 }) {
  const headers = token ? ['-H', `Authorization: Bearer ${token}`] : [];
  const out = await output('wrk', [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '--latency', ...headers, url]);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out);
  if (bad) throw new Error(`${url}: ${bad[1]} refusals\n${out}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]);
  if (!rate) throw new Error(`${url}: nothing was answered\n${out}`);
  const timeouts = Number(/Socket errors:.*timeout (\d+)/.exec(out)?.[1] ?? 0);
  const requests = Number(/(\d+) requests in/.exec(out)[1]);
  return { rate, requests, timeouts };
}

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

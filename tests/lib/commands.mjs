// Runs the program's commands beside a server of lib/server.mjs.
import { spawn } from 'node:child_process';

/** Gives {code, signal, out, err}; `kill` ends it so many milliseconds after its start, as kill -9 does. */
export function command(server, words, { program = server.command.at(-1), env = {}, kill } = {}) {
  return new Promise((settle, fail) => {
    const child = spawn(program, words, { env: { ...server.env, ...env }, cwd: server.dataDir, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.on('error', fail);
    const timer = kill === undefined ? null : setTimeout(() => child.kill('SIGKILL'), kill);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      settle({ code, signal, out, err });
    });
  });
}

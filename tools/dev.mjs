// The loop of `make dev`: builds and restarts the server when a source changes, beside Vite's hot web client.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, watch } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const port = process.env.PORT ?? '8080';
const dataDir = process.env.DATA_DIR ?? join(root, 'data');
/** An editor that saves ten files at once makes one build. */
const kSettleMs = 200;

let server = null;
let builder = null;
let building = false;
let ending = false;
let again = false;
let timer = null;

const say = (text) => process.stdout.write(`==> ${text}\n`);

function startServer() {
  server = spawn(join(root, 'build/antiphon'), ['serve'], {
    cwd: root,
    stdio: 'inherit',
    env: { HOST: '127.0.0.1', ...process.env, PORT: port, DATA_DIR: dataDir },
  });
  const started = server;
  server.on('exit', (code, signal) => {
    const how = code || signal;
    if (server === started && how) say(`the server ended with ${how}; it starts again after the next build`);
  });
}

async function stopServer() {
  const old = server;
  server = null;
  if (!old || old.exitCode !== null || old.signalCode !== null) return;
  const ended = new Promise((settle) => old.once('exit', settle));
  old.kill('SIGTERM');
  const hurry = setTimeout(() => old.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(hurry);
}

function build() {
  builder = spawn(join(root, 'tools/build'), ['dev', 'antiphon'], { cwd: root, stdio: 'inherit' });
  return new Promise((settle) => builder.on('exit', (code) => settle(code === 0)));
}

/** A change during a build starts one more build, not several. */
async function rebuild() {
  if (building) {
    again = true;
    return;
  }
  building = true;
  do {
    again = false;
    if ((await build()) && !ending) {
      await stopServer();
      startServer();
    }
  } while (again);
  building = false;
}

function watchSources() {
  watch(join(root, 'src'), { recursive: true }, (_, name) => {
    if (!name || !/\.(cc|h|sql|txt|cmake)$/.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(rebuild, kSettleMs);
  });
}

mkdirSync(dataDir, { recursive: true });
const vite = existsSync(join(root, 'web/package.json'))
  ? // Not by npx, which ends without it.
    spawn(join(root, 'web/node_modules/.bin/vite'), {
      cwd: join(root, 'web'),
      stdio: 'inherit',
      env: { ...process.env, ANTIPHON_URL: `http://127.0.0.1:${port}` },
    })
  : null;

async function end() {
  ending = true;
  vite?.kill('SIGTERM');
  builder?.kill('SIGTERM');
  await stopServer();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
watchSources();
startServer();
say(`server on http://localhost:${port}, web client with hot reload on http://localhost:5173`);

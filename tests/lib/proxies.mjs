// nginx and HAProxy themselves, run with the files of deploy/: only addresses and certificates are put in place.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { until } from './until.mjs';

const deploy = new URL('../../deploy/', import.meta.url);
export const deployFile = (name) => readFileSync(new URL(name, deploy), 'utf8');

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The text with every one of `changes` ([pattern, value, how often it must be there]) made; a file that moved on is no test. */
function put(text, changes) {
  return changes.reduce((all, [pattern, value, times = 1]) => {
    const found = all.match(new RegExp(pattern, 'gm'))?.length ?? 0;
    if (found !== times) throw new Error(`${pattern} is there ${found} times, not ${times}`);
    // A function, for in a text $ would mean something.
    return all.replace(new RegExp(pattern, 'gm'), typeof value === 'string' ? () => value : value);
  }, text);
}

/** A key and a certificate for 127.0.0.1, as one file and as two. */
function makeCertificate(folder) {
  const [cert, key, both] = ['cert.pem', 'key.pem', 'both.pem'].map((name) => join(folder, name));
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...request, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  execFileSync('sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', cert, key, both]);
  return { cert, key, both };
}

const accepts = (port) =>
  new Promise((settle) => {
    const probe = connect(port, '127.0.0.1', () => settle(probe.destroy() && true)).once('error', () => settle(false));
  });

/** `servers` in the order of the file's 10.0.0.11, .12, .13. */
const upstreams = (servers) => {
  let next = 0;
  return ['10\\.0\\.0\\.1[123]:8080', () => `127.0.0.1:${servers[next++]}`, 3];
};

class Proxy {
  constructor({ name, folder, command, port, plainPort }) {
    Object.assign(this, { name, folder, command, port, plainPort, log: '' });
    this.url = `https://127.0.0.1:${port}`;
  }

  /** The program's own opinion of its file; throws with it. */
  check() {
    const [file, ...args] = this.command;
    execFileSync(file, [...args, this.name === 'nginx' ? '-t' : '-c'], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async start() {
    this.check();
    const [file, ...args] = this.command;
    this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => (this.log = (this.log + text).slice(-100_000)));
    await until(() => this.child.exitCode !== null || accepts(this.port), { what: `${this.name} listens` });
    if (this.child.exitCode !== null) throw new Error(`${this.name} does not start: ${this.log}`);
    return this;
  }

  async close() {
    if (this.child?.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((settle) => this.child.once('exit', settle));
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function scratch(name) {
  const folder = await mkdtemp(join(tmpdir(), `antiphon-${name}-`));
  return { folder, port: await freePort(), plainPort: await freePort(), certificate: makeCertificate(folder) };
}

/** How to run nginx with a file that belongs into its conf.d. */
async function nginxCommand(folder, site) {
  await writeFile(join(folder, 'site.conf'), site);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const user = process.getuid() === 0 ? 'user root;' : '';
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; ${user} worker_processes 2; pid ${folder}/pid; error_log stderr warn;
events { worker_connections 1024; }
http { access_log off; ${temp} include ${folder}/site.conf; }
`,
  );
  return ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
}

/** deploy/proxies/nginx.conf before three servers (ports), not started. */
export async function makeNginx(servers) {
  const { folder, port, plainPort, certificate } = await scratch('nginx');
  const site = put(deployFile('proxies/nginx.conf'), [
    upstreams(servers),
    ['listen 80;', `listen 127.0.0.1:${plainPort};`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
    ['/etc/ssl/chat\\.pem', certificate.cert],
    ['/etc/ssl/chat\\.key', certificate.key],
  ]);
  return new Proxy({ name: 'nginx', folder, port, plainPort, command: await nginxCommand(folder, site) });
}

/** deploy/docker/nginx.conf with a DNS at `resolver` and replicas on `port`, not started; it speaks plain HTTP. */
export async function makeDockerNginx({ resolver, port: replicas }) {
  const { folder, port } = await scratch('nginx');
  const site = put(deployFile('docker/nginx.conf'), [
    ['listen 80;', `listen 127.0.0.1:${port};`],
    ['resolver 127\\.0\\.0\\.11 ', `resolver ${resolver} `],
    ['\\$\\{ANTIPHON_REPLICAS\\}', 'replicas.test'],
    ['\\$replicas:8080', `$replicas:${replicas}`, 2],
  ]);
  const proxy = new Proxy({ name: 'nginx', folder, port, command: await nginxCommand(folder, site) });
  proxy.url = `http://127.0.0.1:${port}`;
  return proxy;
}

/** deploy/proxies/haproxy.cfg before three servers (ports), not started. */
export async function makeHaproxy(servers) {
  const { folder, port, plainPort, certificate } = await scratch('haproxy');
  const file = join(folder, 'haproxy.cfg');
  const text = put(deployFile('proxies/haproxy.cfg'), [
    upstreams(servers),
    ['bind :80$', `bind 127.0.0.1:${plainPort}`],
    ['bind :443 ', `bind 127.0.0.1:${port} `],
    ['/etc/haproxy/chat\\.pem', certificate.both],
  ]);
  await writeFile(file, text);
  return new Proxy({ name: 'haproxy', folder, port, plainPort, command: ['haproxy', '-db', '-f', file] });
}

export const proxies = { nginx: makeNginx, haproxy: makeHaproxy };

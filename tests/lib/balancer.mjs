// Load balancers in front of replicas, as operators run them: nginx and HAProxy, each request to the next replica, no affinity.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.mjs';
import { freePort } from './ports.mjs';

/**
 * `idle`: seconds of silence after which it closes a connection. `again`: also requests that a replica may have begun are sent
 * to the next one, which operators are told not to do for POST.
 */
function nginxConfig({ folder, port, ports, idle, again, names }) {
  const servers = ports.map((one) => `server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`).join(' ');
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr error; ${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  access_log off; default_type application/json; client_max_body_size 100m;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream replicas { ${servers} keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Host ${names ? '$http_host' : '127.0.0.1'};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off; proxy_request_buffering on;
      proxy_connect_timeout 1s; proxy_read_timeout ${idle}s; proxy_send_timeout ${idle}s;
      proxy_next_upstream error timeout${again ? ' non_idempotent http_502 http_503' : ''};
    }
  }
}
`;
}

/**
 * It asks /ready twice a second and sends nothing more to a replica that did not say yes `fall` times. `breaks` its connections,
 * too: a request that is under way to one that stops is cut by that.
 */
function haproxyConfig({ port, ports, idle, again, fall = 3, breaks = true }) {
  const servers = ports.map((one, i) => `  server replica${i} 127.0.0.1:${one} check`).join('\n');
  return `global
  maxconn 4000
defaults
  mode http
  timeout connect 1s
  timeout client ${idle}s
  timeout server ${idle}s
  timeout tunnel ${idle}s
  timeout check 1s
  retries 2
  option redispatch 1
${again ? '  retry-on all-retryable-errors\n' : ''}  option forwardfor
frontend everybody
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /ready
  default-server inter 500ms fall ${fall} rise 1${breaks ? ' on-marked-down shutdown-sessions' : ''}
${servers}
`;
}

const kKinds = {
  nginx: { config: nginxConfig, args: (file, folder) => ['-c', file, '-p', folder] },
  haproxy: { config: haproxyConfig, args: (file) => ['-db', '-f', file] },
};

async function listens(url) {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(1000) })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** `kind`: nginx or haproxy; `ports`: the replicas'. Gives {url, port, stop()}. */
export async function startBalancer(kind, ports, { idle = 60, again = false, names = true, fall, breaks } = {}) {
  const { config, args } = kKinds[kind];
  const folder = mkdtempSync(join(tmpdir(), `antiphon-${kind}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const file = join(folder, 'config');
  writeFileSync(file, config({ folder, port, ports, idle, again, names, fall, breaks }));
  const child = new Child(kind, args(file, folder), { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  const url = `http://127.0.0.1:${port}`;
  await child.ready(() => listens(`${url}/health`));
  return {
    kind,
    url,
    port,
    child,
    async stop() {
      await child.stop(kind === 'nginx' ? 'SIGTERM' : 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

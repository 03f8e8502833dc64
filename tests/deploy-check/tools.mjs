// The programs that tools/setup deploy made, and how they are run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const made = `${root}.tools/deploy/`;

/** A command that must be there; gives {status, stdout, stderr}. */
export function run(file, args, { input, env, cwd = root, timeout = 600_000 } = {}) {
  const done = spawnSync(file, args, { encoding: 'utf8', input, cwd, timeout, maxBuffer: 64 << 20, env: { ...process.env, ...env } });
  if (done.error) throw done.error;
  return done;
}

export function tool(name, args, options) {
  if (!existsSync(`${made}bin/${name}`)) throw new Error(`${name} is not there: tools/setup deploy`);
  return run(`${made}bin/${name}`, args, options);
}

/** What kubeconform has against manifests (a text, or files), and how many of them are good; strict. */
export function conform(manifests) {
  const location = `${made}schemas/{{.ResourceKind}}{{.KindSuffix}}.json`;
  const args = ['-strict', '-output', 'json', '-summary', '-schema-location', location];
  const done = typeof manifests === 'string' ? tool('kubeconform', [...args, '-'], { input: manifests }) : tool('kubeconform', [...args, ...manifests]);
  const { resources, summary } = JSON.parse(done.stdout);
  return { complaints: (resources ?? []).map((one) => `${one.kind} ${one.name}: ${one.msg}`), ...summary };
}

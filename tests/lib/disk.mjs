// Disks that fail: a small one that can be filled, and one that is not local. Each lives in a mount namespace of its own, which
// ends with the test.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { until } from './until.mjs';

/** Mounting needs root, or a kernel that lets users have namespaces. */
const flags = process.getuid() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
export const canMount = spawnSync('unshare', [...flags, 'true']).status === 0;

class Mounted {
  constructor(folder, holder) {
    this.folder = folder;
    this.holder = holder;
    const user = process.getuid() === 0 ? [] : ['--user', '--preserve-credentials'];
    /** What runs a program where the mount is. */
    this.wrap = ['nsenter', '--target', String(holder.pid), ...user, '--mount', '--'];
    process.on('exit', () => holder.kill('SIGKILL'));
  }

  /** A path inside, for this process. */
  path(name) {
    return join('/proc', String(this.holder.pid), 'root', this.folder, name);
  }

  /** Takes all the room there is. */
  fill() {
    const file = openSync(this.path('ballast'), 'a');
    for (const size of [1 << 20, 1 << 16, 4096]) {
      const block = Buffer.alloc(size, 1);
      try {
        for (;;) if (writeSync(file, block) < size) break;
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      }
    }
    closeSync(file);
  }

  makeRoom() {
    rmSync(this.path('ballast'), { force: true });
  }

  async stop() {
    this.holder.kill('SIGKILL');
    if (this.holder.exitCode === null && this.holder.signalCode === null) await once(this.holder, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `script` mounts and then runs on; `where`: the folder below `folder` on which it mounts. */
async function mounted(script, folder, where = '') {
  const holder = spawn('unshare', [...flags, 'sh', '-c', script, folder], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  let said = '';
  holder.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const point = ` ${join(folder, where)} `;
  const isThere = () => readFileSync(`/proc/${holder.pid}/mountinfo`, 'utf8').includes(point);
  await until(() => holder.exitCode !== null || isThere(), { what: 'a mount' });
  if (holder.exitCode !== null) throw new Error(`no mount: ${said}`);
  return new Mounted(folder, holder);
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'antiphon-disk-'));

/** An empty disk of so many megabytes, with room for so many files; the folder itself counts as one. */
export const smallDisk = (megabytes, files = 1000) =>
  mounted(`mount -t tmpfs -o size=${megabytes}m,nr_inodes=${files},mode=0755 tmpfs "$0" && exec sleep 3600`, newFolder());

/** A file system served by a program (FUSE), as sshfs, s3fs and many a container's share are. */
export const foreignDisk = () => mounted('mkdir "$0/behind" "$0/data" && exec bindfs -f "$0/behind" "$0/data"', newFolder(), 'data');

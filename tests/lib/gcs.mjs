// An emulator of Google Cloud Storage, built by `tools/setup storage`, with one bucket. It asks nobody for a token.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator, hasTool } from './emulator.mjs';

const kProgram = 'gcs/bin/fake-gcs-server';
const kBucket = 'files';
export const hasGcs = hasTool(kProgram);

class Gcs extends Emulator {
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What a server is told. */
  get env() {
    return { STORAGE_PROVIDER: 'gcs', GCS_BUCKET_NAME: kBucket, STORAGE_EMULATOR_HOST: this.url };
  }

  async isUp() {
    return (await fetch(`${this.url}/storage/v1/b/${kBucket}`)).ok;
  }
}

export const startGcs = () =>
  Gcs.start(kProgram, (folder, port) => {
    mkdirSync(join(folder, kBucket)); // A folder is a bucket to it.
    return ['-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`, '-public-host', `127.0.0.1:${port}`, '-backend', 'filesystem', '-filesystem-root', folder];
  });

// The description of the API that is kept beside the code is the one the program prints: `make api` writes it anew.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { binary } from '../lib/server.mjs';

const root = join(import.meta.dirname, '../..');

it('docs/openapi.json says what the routes say', () => {
  const printed = JSON.parse(execFileSync(binary, ['openapi'], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'ignore'] }));
  const kept = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'));
  assert.deepEqual(Object.keys(kept.paths).sort(), Object.keys(printed.paths).sort(), 'make api');
  assert.deepEqual(kept, printed, 'make api');
});

// The program as it is shipped: stripped, with the web client inside.
import { mkdtemp, rm } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from '../../tests/lib/server.mjs';
import { output } from '../lib/tools.mjs';

export const title = 'Size';

export async function run(servers) {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-bench-size-'));
  const stripped = join(folder, 'antiphon');
  await output('strip', ['-o', stripped, binary]);
  const bytes = statSync(stripped).size;
  await rm(folder, { recursive: true, force: true });
  const antiphon = await servers.antiphon();
  const page = await fetch(antiphon.url, { headers: { Accept: 'text/html' } });
  const hasClient = page.ok && (await page.text()).includes('<script');
  await servers.closeAntiphon(antiphon);
  return {
    rows: [
      {
        figure: 'the stripped program, web client included',
        goal: '≤ 40 MB',
        measured: `${(bytes / 1e6).toFixed(1)} MB${hasClient ? '' : ', but the web client is not in it'}`,
        ok: bytes <= 40e6 && hasClient,
      },
    ],
    raw: { bytes, hasClient },
  };
}

// Runs a command beside a PostgreSQL cluster of its own: node tests/with-postgres.mjs ctest --test-dir …
// The command finds it in TEST_DATABASE_URL: an empty database, whose user may create schemas and databases.
import { spawn } from 'node:child_process';
import { startPostgres } from './lib/postgres.mjs';

const cluster = await startPostgres();
const [command, ...args] = process.argv.slice(2);
const env = { ...process.env, TEST_DATABASE_URL: cluster.createDatabase() };
const child = spawn(command, args, { env, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  cluster.stop();
  process.exit(code ?? 1);
});

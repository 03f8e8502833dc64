// The same tests on both databases.
import { describe } from 'node:test';
import { sharedPostgres } from './postgres.mjs';

const kAll = {
  sqlite: { name: 'sqlite', title: 'on SQLite', create: async () => '' },
  postgres: { name: 'postgres', title: 'on PostgreSQL', create: async () => (await sharedPostgres()).createDatabase() },
};

/** Which ones: ANTIPHON_TEST_DATABASES=sqlite,postgres (both by default). */
const chosen = (process.env.ANTIPHON_TEST_DATABASES ?? 'sqlite,postgres').split(',').map((name) => kAll[name.trim()]);

/** Calls `define({name, create})` inside a describe per database; `await db.create()` gives a DATABASE_URL ('' = SQLite). */
export function forEachDatabase(define) {
  for (const db of chosen) describe(db.title, () => define(db));
}

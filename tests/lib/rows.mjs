// Reads a running server's database from outside, to check what no route shows.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const kMaxOutput = 64 << 20;

const kSqlite = `
import json, sqlite3, sys
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(sys.argv[2])]))
`;

const kChange = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
db.executescript(sys.argv[2])
db.commit()
`;

function psql() {
  const newest = readdirSync('/usr/lib/postgresql').map(Number).filter(Boolean).sort((a, b) => b - a)[0];
  return join('/usr/lib/postgresql', String(newest), 'bin/psql');
}

/** The rows of one SELECT that both engines understand, as objects. `server`: of lib/server.mjs. */
export async function rows(server, select) {
  const url = server.env.DATABASE_URL;
  const [file, args] = url
    ? [psql(), [url, '-AtqX', '-v', 'ON_ERROR_STOP=1', '-c', `SELECT coalesce(json_agg(t), '[]') FROM (${select}) t`]]
    : ['python3', ['-c', kSqlite, join(server.dataDir, 'antiphon.db'), select]];
  const { stdout } = await run(file, args, { encoding: 'utf8', cwd: '/', maxBuffer: kMaxOutput });
  return JSON.parse(stdout);
}

/** Changes rows from outside; on SQLite of a server that does not run. */
export async function change(server, sql) {
  const url = server.env.DATABASE_URL;
  if (url) await run(psql(), [url, '-AtqX', '-v', 'ON_ERROR_STOP=1', '-c', sql], { cwd: '/' });
  else await run('python3', ['-c', kChange, join(server.dataDir, 'antiphon.db'), sql], { cwd: '/' });
}

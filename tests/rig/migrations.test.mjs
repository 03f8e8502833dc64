// What tools/check_migrations.py refuses, and what it lets through.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const tool = resolve(dirname(fileURLToPath(import.meta.url)), '../../tools/check_migrations.py');
const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** Checks files {name: text}; gives {code, said}. */
function check(files) {
  const folder = mkdtempSync(join(tmpdir(), 'antiphon-migrations-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.sql`), text);
  const { status, stdout, stderr } = spawnSync('python3', [tool, folder], { encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

const expand = (sql) => check({ '20270101_0900_sample': `-- expand\n${sql}\n` });
const kBefore = { '20270101_0800_before': '-- expand\nCREATE TABLE before (id TEXT PRIMARY KEY);\n' };

describe('check_migrations', () => {
  it('is content with what has landed', () => {
    const { status, stdout } = spawnSync('python3', [tool], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  for (const sql of [
    'DROP TABLE chat;',
    'DROP INDEX chat_pinned;',
    'drop trigger chat_of_user on chat;',
    'TRUNCATE chat;',
    'ALTER TABLE chat DROP COLUMN title;',
    'ALTER TABLE chat DROP title;',
    'ALTER TABLE chat ADD COLUMN note TEXT, DROP COLUMN title;',
    'ALTER TABLE chat DROP CONSTRAINT chat_of_user;',
    'ALTER TABLE chat RENAME TO talk;',
    'ALTER TABLE chat RENAME COLUMN title TO name;',
    'ALTER TABLE chat ALTER COLUMN folder_id SET NOT NULL;',
    'ALTER TABLE chat ALTER COLUMN title TYPE VARCHAR(80);',
    'ALTER TABLE chat ALTER title SET DATA TYPE VARCHAR(80);',
    'ALTER TABLE chat ALTER COLUMN title DROP DEFAULT;',
    'ALTER TABLE chat ADD COLUMN note TEXT NOT NULL;',
    'ALTER TABLE chat ADD COLUMN at BIGINT DEFAULT random();',
    'ALTER TABLE chat ADD COLUMN words TSVECTOR GENERATED ALWAYS AS (to_tsvector(title)) STORED;',
    'ALTER TABLE chat ADD COLUMN note TEXT UNIQUE;',
    'ALTER TABLE chat ADD COLUMN other TEXT REFERENCES chat (id);',
    'ALTER TABLE chat ADD CONSTRAINT named CHECK (title <> \'\');',
    'ALTER TABLE chat ADD UNIQUE (title);',
    'ALTER TABLE chat ENABLE ROW LEVEL SECURITY;',
    'CREATE UNIQUE INDEX chat_title ON chat (title);',
    'CREATE INDEX chat_title ON chat (title);',
    'CREATE INDEX CONCURRENTLY chat_title ON chat (title);',
    'CREATE TRIGGER t BEFORE INSERT ON chat BEGIN SELECT 1; SELECT 2; END;',
    'UPDATE chat SET title = \'\';',
    'DELETE FROM chat;',
    'INSERT INTO chat (id) VALUES (1);',
    'LOCK TABLE chat;',
    'REINDEX TABLE chat;',
    'CREATE OR REPLACE FUNCTION grant_to_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;',
    '-- a comment in front\nDROP TABLE chat;',
    '--@postgres\nDROP TABLE chat;\n--@end',
    '--@sqlite\nDROP TABLE chat;\n--@end',
  ])
    it(`refuses in an expansion: ${sql.replaceAll('\n', ' ')}`, () => {
      const { code, said } = expand(sql);
      assert.equal(code, 1, said);
      assert.match(said, /20270101_0900_sample\.sql: (sqlite|postgres): /);
    });

  for (const sql of [
    'CREATE TABLE note (id TEXT PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chat (id));\nCREATE UNIQUE INDEX note_of ON note (chat_id);\nINSERT INTO note (id) VALUES (1);',
    'CREATE TABLE "group2" (id TEXT);\nCREATE INDEX g ON "group2" (id);\nALTER TABLE "group2" ADD CONSTRAINT c CHECK (id <> \'\');',
    'CREATE TABLE note (id TEXT);\nCREATE TRIGGER t BEFORE INSERT ON note BEGIN SELECT 1; DELETE FROM note; END;',
    'ALTER TABLE chat ADD COLUMN note TEXT;',
    'ALTER TABLE chat ADD COLUMN note TEXT NOT NULL DEFAULT \'it; said -- DROP TABLE\';',
    'ALTER TABLE chat ADD COLUMN a NUMERIC(10, 2), ADD COLUMN b BOOLEAN NOT NULL DEFAULT FALSE;',
    '-- DROP TABLE chat;\nALTER TABLE chat ADD COLUMN note TEXT;   -- RENAME',
    '--@sqlite\nCREATE INDEX chat_title ON chat (title);\n--@end',
    'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM chat; DROP TABLE chat; END $$;',
  ])
    it(`allows in an expansion: ${sql.replaceAll('\n', ' ')}`, () => {
      const { code, said } = expand(sql);
      assert.equal(code, 0, said);
    });

  it('wants an index of a full table by itself, and concurrently', () => {
    const concurrently = (sql) => check({ '20270101_0900_sample': `-- expand concurrently\n${sql}\n` });
    const good = '--@sqlite\nCREATE INDEX a ON chat (title);\n--@postgres\nCREATE INDEX CONCURRENTLY a ON chat (title);\n--@end';
    assert.equal(concurrently(good).code, 0);
    for (const bad of [good.replace('--@end', 'CREATE INDEX CONCURRENTLY b ON chat (id);\n--@end'), good.replace('CONCURRENTLY ', ''), good.replace('CREATE INDEX C', 'CREATE UNIQUE INDEX C')])
      assert.equal(concurrently(bad).code, 1, bad);
  });

  it('lets a backfill change rows, and nothing else', () => {
    const backfill = (sql) => check({ '20270101_0900_sample': `-- backfill\n${sql}\n` }).code;
    assert.equal(backfill('UPDATE chat SET note = title WHERE note IS NULL;'), 0);
    assert.equal(backfill('ALTER TABLE chat ADD COLUMN note TEXT;'), 1);
    assert.equal(backfill('DROP TABLE chat;'), 1);
  });

  it('wants a contract to say for which version, and after which expansion', () => {
    const contract = (head) => check({ ...kBefore, '20270101_0900_sample': `${head}\nDROP TABLE before;\n` });
    assert.equal(contract('-- contract from 0.1.0 after 20270101_0800_before').code, 0);
    assert.match(contract('-- contract').said, /first line/);
    assert.match(contract('-- contract from 0.1.0').said, /first line/);
    assert.match(contract('-- contract from 0.1.0 after 20270101_0700_other').said, /no expansion before it/);
    assert.match(contract('-- contract from 0.1.0 after 20270101_0900_sample').said, /no expansion before it/);
    assert.match(contract('-- contract from 99.0.0 after 20270101_0800_before').said, /nobody could apply it/);
  });

  it('refuses names and first lines of no known kind', () => {
    assert.match(check({ '2027_sample': '-- expand\n' }).said, /YYYYMMDD_HHMM_name/);
    assert.match(check({ '20270101_0900_sample': '-- change\n' }).said, /first line/);
    assert.match(check({ '20270101_0900_sample': 'DROP TABLE chat;\n' }).said, /first line/);
  });
});

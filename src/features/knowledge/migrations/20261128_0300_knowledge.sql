-- expand
-- Knowledge bases: files in folders, which their owner shares.
CREATE TABLE knowledge (
  id          TEXT   PRIMARY KEY,
  user_id     TEXT   NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  name        TEXT   NOT NULL,
  description TEXT   NOT NULL,
  meta        TEXT,              -- JSON
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);
CREATE INDEX knowledge_of_user ON knowledge (user_id);

CREATE TABLE knowledge_directory (
  id           TEXT   PRIMARY KEY,
  knowledge_id TEXT   NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
  parent_id    TEXT   REFERENCES knowledge_directory (id) ON DELETE CASCADE,
  name         TEXT   NOT NULL,
  user_id      TEXT   NOT NULL,  -- Who made it; he may be gone.
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX knowledge_directory_by_name ON knowledge_directory (knowledge_id, COALESCE(parent_id, ''), name);
CREATE INDEX knowledge_directory_in ON knowledge_directory (parent_id);

CREATE TABLE knowledge_file (
  knowledge_id TEXT   NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
  file_id      TEXT   NOT NULL REFERENCES file (id) ON DELETE CASCADE,
  directory_id TEXT   REFERENCES knowledge_directory (id) ON DELETE SET NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (knowledge_id, file_id)
);
CREATE INDEX knowledge_file_of_file ON knowledge_file (file_id);
CREATE INDEX knowledge_file_in ON knowledge_file (directory_id);

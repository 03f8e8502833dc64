-- expand
-- Files of users. The bytes are a blob, which any number of rows may share; it comes before the row, and the sweeper looks here.
CREATE TABLE file (
  id           TEXT   PRIMARY KEY,
  user_id      TEXT   NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  filename     TEXT   NOT NULL,   -- For people; nothing on a disk is called so.
  blob_id      TEXT   NOT NULL,   -- SHA-256 of the bytes.
  size         BIGINT NOT NULL,
  content_type TEXT   NOT NULL,   -- As the sender says.
  metadata     TEXT   NOT NULL,   -- JSON: what the sender says beside the file.
  status       TEXT   NOT NULL,   -- Of the text: completed when there is nothing to be done for it.
  content      TEXT,              -- The file's text.
  hash         TEXT,              -- SHA-256 of content.
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL
);
CREATE INDEX file_of_user ON file (user_id, created_at DESC, id);
CREATE INDEX file_by_time ON file (created_at DESC, id);
CREATE INDEX file_by_blob ON file (blob_id);

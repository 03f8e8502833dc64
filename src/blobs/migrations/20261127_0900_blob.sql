-- expand
-- Every blob, whatever holds its bytes: the row comes before the bytes and goes after them, so that none is without a row.
CREATE TABLE blob (
  id         TEXT   PRIMARY KEY,   -- SHA-256 of its bytes, in hexadecimal.
  size       BIGINT NOT NULL,
  state      BIGINT NOT NULL,      -- 0 arriving, 1 stored, 2 being removed.
  touched_at BIGINT NOT NULL,      -- Unix seconds, by the database's clock: when it was last asked to be kept.
  created_at BIGINT NOT NULL
);
CREATE INDEX blob_by_time ON blob (touched_at);

-- The bytes, where the database is what holds them.
CREATE TABLE blob_chunk (
  blob_id TEXT   NOT NULL,
  number  BIGINT NOT NULL,
  size    BIGINT NOT NULL,
--@sqlite
  bytes   TEXT   NOT NULL,         -- Base64.
--@postgres
  bytes   BYTEA  NOT NULL,
--@end
  PRIMARY KEY (blob_id, number)
);

-- Where each process keeps bytes; table node tells which of them live.
CREATE TABLE blob_node (
  node_id  TEXT   PRIMARY KEY,
  place    TEXT   NOT NULL,
  seen_at  BIGINT NOT NULL
);

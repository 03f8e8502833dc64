-- expand
-- What retrieval searches. A collection has one live index, and at times the next one, which is built beside it.
CREATE TABLE vector_index (
  id         TEXT   PRIMARY KEY,
  collection TEXT   NOT NULL,
  embedder   TEXT   NOT NULL,          -- Who made the vectors; nobody else's are compared with them.
  dimension  BIGINT NOT NULL,
  version    BIGINT NOT NULL,          -- Rises with every change of its chunks.
  removed    BIGINT NOT NULL,          -- The version at which chunks were last removed.
  live       BIGINT NOT NULL,          -- 1 what is searched, 0 what is being built.
  UNIQUE (collection, live)
);
CREATE TABLE vector_chunk (
  index_id TEXT   NOT NULL REFERENCES vector_index(id) ON DELETE CASCADE,
  file     TEXT   NOT NULL,
  position BIGINT NOT NULL,            -- Of the chunk in its file, from 0.
  hash     TEXT   NOT NULL,            -- Of its content.
  text     TEXT   NOT NULL,
  data     TEXT   NOT NULL,            -- JSON: page, headings and the like.
  vector   TEXT   NOT NULL,            -- Base64 of little-endian float32.
  version  BIGINT NOT NULL,            -- The index's when it was written.
  PRIMARY KEY (index_id, file, position)
);
CREATE INDEX vector_chunk_by_version ON vector_chunk (index_id, version);

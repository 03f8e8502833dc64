-- expand
-- The answer log (docs/adr/0004-answer-log.md): who writes an answer, and every piece of it.
CREATE TABLE node (
  node_id     TEXT    PRIMARY KEY,
  name        TEXT    NOT NULL,
  version     TEXT    NOT NULL,
  lease_until BIGINT  NOT NULL,   -- Milliseconds, by the database's clock.
  started_at  BIGINT  NOT NULL
);

CREATE TABLE run (
  run_id           TEXT    PRIMARY KEY,   -- Open WebUI's task id.
  chat_id          TEXT    NOT NULL,
  message_id       TEXT    NOT NULL,      -- The assistant's message.
  user_id          TEXT    NOT NULL,
  idem             TEXT,
  state            BIGINT  NOT NULL,      -- runs::State.
  owner            TEXT    NOT NULL,
  epoch            BIGINT  NOT NULL,
  cancel_requested BOOLEAN NOT NULL,
  attempts         BIGINT  NOT NULL,
  request          TEXT    NOT NULL,      -- What is needed to ask the provider again.
  created_at       BIGINT  NOT NULL,
  updated_at       BIGINT  NOT NULL
);
CREATE UNIQUE INDEX run_idempotent ON run (user_id, idem) WHERE idem IS NOT NULL;
-- One live run for a message: a repeated request cannot ask a provider twice.
CREATE UNIQUE INDEX run_live_message ON run (chat_id, message_id) WHERE state < 10;
CREATE INDEX run_live_owner ON run (owner) WHERE state < 10;
CREATE INDEX run_by_user ON run (user_id, created_at);
CREATE INDEX run_ended ON run (updated_at) WHERE state >= 10;

-- The primary key is the fence: seq is contiguous, so a writer that lost its run meets a duplicate
-- key or another epoch.
--@sqlite
CREATE TABLE run_event (
  run_id  TEXT    NOT NULL,
  seq     BIGINT  NOT NULL,
  epoch   BIGINT  NOT NULL,
  payload TEXT    NOT NULL,               -- JSON array of the events of one interval.
  PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
--@postgres
CREATE TABLE run_event (
  run_id  TEXT    NOT NULL,
  seq     BIGINT  NOT NULL,
  epoch   BIGINT  NOT NULL,
  payload TEXT    NOT NULL,
  PRIMARY KEY (run_id, seq)
);
--@end

-- expand
-- Work that must happen although the process that owes it may die (titles, tags, webhooks …).
CREATE TABLE job (
  id          TEXT   PRIMARY KEY,
  kind        TEXT   NOT NULL,
  key         TEXT   NOT NULL UNIQUE,   -- The same job is not queued twice.
  state       BIGINT NOT NULL,          -- 0 waiting, 1 running, 2 done, 3 failed.
  owner       TEXT   NOT NULL,
  lease_until BIGINT NOT NULL,          -- Unix seconds; a running job past it is taken up again.
  attempts    BIGINT NOT NULL,
  run_at      BIGINT NOT NULL,
  payload     TEXT   NOT NULL,
  error       TEXT,
  created_at  BIGINT NOT NULL
);
CREATE INDEX job_due ON job (run_at) WHERE state < 2;
CREATE INDEX job_ended ON job (created_at) WHERE state >= 2;

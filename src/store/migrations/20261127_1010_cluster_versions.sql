-- expand
-- Which versions may serve this database, and which one pages are told of (docs/adr/0014-upgrades.md).
ALTER TABLE cluster ADD COLUMN min_compatible TEXT;   -- The oldest that may serve; null is any. Set by contract steps only.
-- What is announced changes at `since`, by the database's clock: for all replicas in the same moment. The newest two.
CREATE TABLE announced (
  since   BIGINT PRIMARY KEY,   -- Milliseconds.
  version TEXT   NOT NULL,
  api     TEXT   NOT NULL       -- Open WebUI's, as its clients read it.
);

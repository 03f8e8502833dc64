-- expand
-- What all replicas must agree on. In `cluster`: fingerprints of the secret keys there have been, as JSON.
ALTER TABLE cluster ADD COLUMN secret_keys TEXT NOT NULL DEFAULT '[]';

-- What each says of itself; empty until it has joined, and of older versions.
ALTER TABLE node ADD COLUMN advertise   TEXT   NOT NULL DEFAULT '';
ALTER TABLE node ADD COLUMN state       TEXT   NOT NULL DEFAULT '';
ALTER TABLE node ADD COLUMN connections BIGINT NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN skew_ms     BIGINT NOT NULL DEFAULT 0;    -- How far its clock is ahead of the database's.
ALTER TABLE node ADD COLUMN secret_keys TEXT   NOT NULL DEFAULT '';   -- Fingerprints, the preferred one first.
ALTER TABLE node ADD COLUMN settings    TEXT   NOT NULL DEFAULT '';   -- Hashes of what its environment sets.

-- expand
-- The advisory lock that a replica holds as long as its database session stands: gone, and it is dead or cut off, long before
-- its lease runs out.
ALTER TABLE node ADD COLUMN session_key BIGINT;

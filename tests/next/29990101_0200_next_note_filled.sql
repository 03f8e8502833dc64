-- backfill
-- Long enough to be killed in the middle of.
INSERT INTO next_note (id, text)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
SELECT n, 'A note of some length, so that there is something to write' FROM numbers;
UPDATE chat SET next_note = title WHERE next_note IS NULL;

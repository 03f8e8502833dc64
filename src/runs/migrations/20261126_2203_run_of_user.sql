-- expand
-- No run without its user: one that a request was still making while he was deleted stayed behind.
-- SQLite adds no foreign key to a table that is there; with its one writer a trigger is as good.
DELETE FROM run WHERE NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = run.user_id);
DELETE FROM run_event WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = run_event.run_id);
--@sqlite
CREATE TRIGGER run_of_user BEFORE INSERT ON run WHEN NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.user_id) BEGIN
  SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed');
END;
--@postgres
ALTER TABLE run ADD CONSTRAINT run_of_user FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
--@end

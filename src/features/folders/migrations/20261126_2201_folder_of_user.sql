-- expand
-- No folder without its user: one that a request was still making while he was deleted stayed behind.
-- SQLite adds no foreign key to a table that is there; with its one writer a trigger is as good.
DELETE FROM folder WHERE NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = folder.user_id);
--@sqlite
CREATE TRIGGER folder_of_user BEFORE INSERT ON folder WHEN NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.user_id) BEGIN
  SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed');
END;
--@postgres
ALTER TABLE folder ADD CONSTRAINT folder_of_user FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
--@end

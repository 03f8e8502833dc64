-- expand
-- No feedback without its user: one that a request was still making while he was deleted stayed behind.
-- SQLite adds no foreign key to a table that is there; with its one writer a trigger is as good.
DELETE FROM feedback WHERE NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = feedback.user_id);
--@sqlite
CREATE TRIGGER feedback_of_user BEFORE INSERT ON feedback WHEN NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.user_id) BEGIN
  SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed');
END;
--@postgres
ALTER TABLE feedback ADD CONSTRAINT feedback_of_user FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
--@end

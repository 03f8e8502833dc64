-- expand
-- No chat and no tag without its user: one that a request was still making while he was deleted stayed behind.
-- SQLite adds no foreign key to a table that is there; with its one writer a trigger is as good.
DELETE FROM chat WHERE NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = chat.user_id);
DELETE FROM tag WHERE NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = tag.user_id);
--@sqlite
CREATE TRIGGER chat_of_user BEFORE INSERT ON chat WHEN NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.user_id) BEGIN
  SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed');
END;
CREATE TRIGGER tag_of_user BEFORE INSERT ON tag WHEN NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.user_id) BEGIN
  SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed');
END;
--@postgres
ALTER TABLE chat ADD CONSTRAINT chat_of_user FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
ALTER TABLE tag ADD CONSTRAINT tag_of_user FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
CREATE INDEX tag_by_user ON tag (user_id);
--@end

-- expand
-- No grant to a user who is not there: one that a request was still giving while he was deleted stayed behind. It is left
-- out without a word, as the others of the same list are none the worse for it. Whoever gives one waits for a deletion that
-- is under way (accounts.hold), and is waited for.
DELETE FROM access_grant
 WHERE principal_type = 'user' AND principal_id <> '*' AND NOT EXISTS (SELECT 1 FROM "user" WHERE "user".id = access_grant.principal_id);
--@sqlite
CREATE TRIGGER grant_to_user BEFORE INSERT ON access_grant
WHEN new.principal_type = 'user' AND new.principal_id <> '*' AND NOT EXISTS (SELECT 1 FROM "user" WHERE id = new.principal_id) BEGIN
  SELECT RAISE(IGNORE);
END;
--@postgres
CREATE FUNCTION grant_to_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM "user" WHERE id = new.principal_id FOR KEY SHARE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN new;
END $$;
CREATE TRIGGER grant_to_user BEFORE INSERT ON access_grant FOR EACH ROW
  WHEN (new.principal_type = 'user' AND new.principal_id <> '*') EXECUTE FUNCTION grant_to_user();
--@end

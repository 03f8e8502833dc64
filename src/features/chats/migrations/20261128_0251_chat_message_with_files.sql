-- expand concurrently
-- Messages of one user that name files. SQLite keeps the names in the index, since in the row they stand behind the message's text;
-- PostgreSQL's entries must be small.
--@sqlite
CREATE INDEX chat_message_with_files ON chat_message (user_id, file_ids, chat_id) WHERE file_ids IS NOT NULL;
--@postgres
CREATE INDEX CONCURRENTLY chat_message_with_files ON chat_message (user_id) WHERE file_ids IS NOT NULL;
--@end

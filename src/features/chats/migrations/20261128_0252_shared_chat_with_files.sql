-- expand concurrently
--@sqlite
CREATE INDEX shared_chat_with_files ON shared_chat (user_id) WHERE file_ids IS NOT NULL;
--@postgres
CREATE INDEX CONCURRENTLY shared_chat_with_files ON shared_chat (user_id) WHERE file_ids IS NOT NULL;
--@end

-- expand concurrently
--@sqlite
CREATE INDEX chat_by_next_note ON chat (next_note);
--@postgres
CREATE INDEX CONCURRENTLY chat_by_next_note ON chat (next_note);
--@end

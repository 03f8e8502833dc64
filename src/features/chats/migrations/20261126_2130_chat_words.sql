-- contract
-- PostgreSQL finds words by an index of the text itself; the words are no longer stored beside the text, which wrote them twice.
--@postgres
CREATE INDEX chat_message_words ON chat_message USING gin (to_tsvector('simple', text));
ALTER TABLE chat_message DROP COLUMN search;
--@end

-- expand
-- Every turn moves its chat to the top, in each index that orders chats by time: only chats in folders and pinned ones are in these now.
DROP INDEX chat_by_folder;
DROP INDEX chat_pinned;
CREATE INDEX chat_pinned ON chat (user_id, updated_at DESC, id) WHERE pinned;
-- Messages come in order of time, so a summary of each few pages finds a span of it, and costs a message nothing.
--@postgres
DROP INDEX chat_message_by_time;
CREATE INDEX chat_message_by_time ON chat_message USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
--@end

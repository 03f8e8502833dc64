-- expand
-- Which files a message and a link's copy name, " id id ": who may read the chat may read those its owner put there. Null for what an
-- earlier version wrote; those files stay their owner's.
ALTER TABLE chat_message ADD COLUMN file_ids TEXT;
ALTER TABLE shared_chat ADD COLUMN file_ids TEXT;

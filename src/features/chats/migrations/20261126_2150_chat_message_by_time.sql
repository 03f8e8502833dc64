-- expand
-- A span of time, which is what features/analytics counts in. The time alone: every message pays for the index, and only administrators read it.
CREATE INDEX chat_message_by_time ON chat_message (created_at);

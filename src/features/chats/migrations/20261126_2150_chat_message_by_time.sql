-- expand
-- What features/analytics counts, without a look at the messages themselves.
CREATE INDEX chat_message_by_time ON chat_message (created_at, role, model_id, user_id, chat_id);

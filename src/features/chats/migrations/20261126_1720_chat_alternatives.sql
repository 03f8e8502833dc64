-- expand
-- Messages in place of one another: the same parent, the same role, the same column (`modelIdx`, a number). What Chats::beside() walks.
-- The column is found by its pattern: SQLite trusts no JSON function in a schema, and PostgreSQL's fail on texts with \u0000.
--@sqlite
CREATE INDEX chat_message_alternatives ON chat_message
  (chat_id, COALESCE(parent_id, ''), role,
   COALESCE(CAST(substr(extra, NULLIF(instr(extra, '"modelIdx":'), 0) + 11, 9) AS INTEGER), 0), position, id);
--@postgres
CREATE INDEX chat_message_alternatives ON chat_message
  (chat_id, COALESCE(parent_id, ''), role,
   COALESCE(substring(extra FROM '"modelIdx":([0-9]{1,9})')::int, 0), position, id);
--@end

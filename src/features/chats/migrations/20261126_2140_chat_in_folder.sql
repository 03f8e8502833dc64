-- expand
-- A folder that several people see: its chats, whoever's they are. What Sidebar::shared_in_folder() walks.
CREATE INDEX chat_in_folder ON chat (folder_id, updated_at DESC, id) WHERE folder_id IS NOT NULL;

-- expand
-- A chat's messages are rows; the JSON that Open WebUI's clients read is assembled from them.
CREATE TABLE chat (
  id                 TEXT    PRIMARY KEY,
  user_id            TEXT    NOT NULL,
  title              TEXT    NOT NULL,
  title_folded       TEXT    NOT NULL,   -- What search compares: without case and marks.
  created_at         BIGINT  NOT NULL,
  updated_at         BIGINT  NOT NULL,
  archived           BOOLEAN NOT NULL,
  pinned             BOOLEAN NOT NULL,
  folder_id          TEXT,
  share_id           TEXT,
  last_read_at       BIGINT,
  current_message_id TEXT,
  meta               TEXT    NOT NULL,   -- {"tags": [id, …], …}
  data               TEXT    NOT NULL,   -- The chat JSON without its history and title: models, params, files …
  variables          TEXT,
  tasks              TEXT,
  summary            TEXT
);
CREATE INDEX chat_sidebar ON chat (user_id, archived, updated_at DESC, id);
CREATE INDEX chat_by_folder ON chat (user_id, folder_id, updated_at DESC, id);
CREATE INDEX chat_pinned ON chat (user_id, pinned, updated_at DESC, id);
CREATE UNIQUE INDEX chat_shared ON chat (share_id) WHERE share_id IS NOT NULL;

CREATE TABLE chat_message (
--@sqlite
  row             INTEGER PRIMARY KEY,   -- What the search index points at; stays through VACUUM.
--@end
  chat_id         TEXT    NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
  id              TEXT    NOT NULL,
  parent_id       TEXT,
  user_id         TEXT    NOT NULL,
  role            TEXT    NOT NULL,
  content         TEXT    NOT NULL,      -- JSON: a string, or a list of parts.
  text            TEXT    NOT NULL,      -- What search finds: the folded words of content.
  output          TEXT,
  model_id        TEXT,
  done            BOOLEAN NOT NULL,
  files           TEXT,
  sources         TEXT,
  embeds          TEXT,
  status_history  TEXT,
  error           TEXT,
  usage           TEXT,
  context_summary TEXT,
  meta            TEXT,
  extra           TEXT,                  -- Members of the message JSON that have no column.
  position        BIGINT  NOT NULL,      -- Order among siblings.
  created_at      BIGINT  NOT NULL,
  updated_at      BIGINT  NOT NULL,
--@postgres
  search          TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED,
--@end
  UNIQUE (chat_id, id)
);
--@sqlite
CREATE VIRTUAL TABLE chat_search USING fts5 (text, content='chat_message', content_rowid='row', tokenize='unicode61');
CREATE TRIGGER chat_search_insert AFTER INSERT ON chat_message WHEN new.text <> '' BEGIN
  INSERT INTO chat_search (rowid, text) VALUES (new.row, new.text);
END;
CREATE TRIGGER chat_search_delete AFTER DELETE ON chat_message WHEN old.text <> '' BEGIN
  INSERT INTO chat_search (chat_search, rowid, text) VALUES ('delete', old.row, old.text);
END;
CREATE TRIGGER chat_search_forget AFTER UPDATE OF text ON chat_message WHEN old.text <> '' BEGIN
  INSERT INTO chat_search (chat_search, rowid, text) VALUES ('delete', old.row, old.text);
END;
CREATE TRIGGER chat_search_update AFTER UPDATE OF text ON chat_message WHEN new.text <> '' BEGIN
  INSERT INTO chat_search (rowid, text) VALUES (new.row, new.text);
END;
--@postgres
CREATE INDEX chat_message_search ON chat_message USING gin (search);
--@end
CREATE INDEX chat_message_children ON chat_message (chat_id, parent_id, position);
CREATE INDEX chat_message_by_user ON chat_message (user_id, created_at);
CREATE INDEX chat_message_open ON chat_message (chat_id) WHERE NOT done;

CREATE TABLE tag (
  id      TEXT NOT NULL,
  name    TEXT NOT NULL,
  user_id TEXT NOT NULL,
  meta    TEXT,
  PRIMARY KEY (id, user_id)
);
CREATE TABLE chat_tag (
  user_id TEXT NOT NULL,
  tag_id  TEXT NOT NULL,
  chat_id TEXT NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, tag_id, chat_id)
);
CREATE INDEX chat_tag_by_chat ON chat_tag (chat_id);

CREATE TABLE shared_chat (
  id         TEXT   PRIMARY KEY,
  chat_id    TEXT   NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
  user_id    TEXT   NOT NULL,
  title      TEXT   NOT NULL,
  chat       TEXT   NOT NULL,            -- A snapshot; later messages are not shared.
  share_mode TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX shared_chat_of ON shared_chat (chat_id);

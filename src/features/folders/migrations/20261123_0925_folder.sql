-- expand
CREATE TABLE folder (
  id          TEXT    PRIMARY KEY,
  user_id     TEXT    NOT NULL,
  parent_id   TEXT    REFERENCES folder (id) ON DELETE CASCADE,
  name        TEXT    NOT NULL,
  data        TEXT,                    -- {"system_prompt": …}
  meta        TEXT,
  is_expanded BOOLEAN NOT NULL,
  created_at  BIGINT  NOT NULL,
  updated_at  BIGINT  NOT NULL
);
CREATE INDEX folder_of_user ON folder (user_id, parent_id);

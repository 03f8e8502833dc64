-- expand
-- What is said of models: overrides of base models (base_model_id null) and presets.
CREATE TABLE model (
  id            TEXT    PRIMARY KEY,
  user_id       TEXT    NOT NULL,
  base_model_id TEXT,
  name          TEXT    NOT NULL,
  params        TEXT    NOT NULL,
  meta          TEXT    NOT NULL,
  updated_at    BIGINT  NOT NULL,
  created_at    BIGINT  NOT NULL,
  is_active     BOOLEAN NOT NULL DEFAULT TRUE,
  version_id    TEXT
);
CREATE INDEX model_by_base ON model (base_model_id);

-- Every saved state of a model, as JSON.
CREATE TABLE model_history (
  id             TEXT   PRIMARY KEY,
  model_id       TEXT   NOT NULL,
  parent_id      TEXT,
  snapshot       TEXT   NOT NULL,
  user_id        TEXT   NOT NULL,
  commit_message TEXT,
  created_at     BIGINT NOT NULL
);
CREATE INDEX model_history_by_model ON model_history (model_id, created_at);

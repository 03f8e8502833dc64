-- expand
CREATE TABLE feedback (
  id         TEXT   PRIMARY KEY,
  user_id    TEXT   NOT NULL,
  version    BIGINT NOT NULL,
  type       TEXT   NOT NULL,
  model_id   TEXT   NOT NULL,            -- data.model_id, so that lists can ask for it.
  data       TEXT,
  meta       TEXT,
  snapshot   TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX feedback_by_user ON feedback (user_id, created_at);
CREATE INDEX feedback_by_time ON feedback (created_at, id);
CREATE INDEX feedback_by_model ON feedback (model_id, created_at);

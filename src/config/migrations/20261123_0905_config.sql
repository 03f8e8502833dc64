-- expand
-- The settings somebody has changed, in Open WebUI's own shape; values are JSON.
CREATE TABLE config (
  key        TEXT   PRIMARY KEY,
  value      TEXT   NOT NULL,
  updated_at BIGINT NOT NULL
);

-- One row: rises with every change, so that replicas notice.
CREATE TABLE config_version (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  version BIGINT  NOT NULL
);
INSERT INTO config_version (id, version) VALUES (1, 1);

-- expand
-- One row: what all replicas of this database share.
CREATE TABLE cluster (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  deployment_id TEXT    NOT NULL,
  secret        TEXT,
  primary_admin TEXT,
  auth_version  BIGINT  NOT NULL DEFAULT 0,
  created_at    BIGINT  NOT NULL
);
--@sqlite
INSERT INTO cluster (id, deployment_id, created_at)
VALUES (1, lower(hex(randomblob(16))), CAST(strftime('%s', 'now') AS INTEGER));
--@postgres
INSERT INTO cluster (id, deployment_id, created_at)
VALUES (1, replace(gen_random_uuid()::text, '-', ''), extract(epoch FROM clock_timestamp())::bigint);
--@end

CREATE TABLE "user" (
  id                       TEXT   PRIMARY KEY,
  name                     TEXT   NOT NULL,
  email                    TEXT   NOT NULL,
  role                     TEXT   NOT NULL,
  profile_image_url        TEXT   NOT NULL,
  last_active_at           BIGINT NOT NULL,
  updated_at               BIGINT NOT NULL,
  created_at               BIGINT NOT NULL,
  username                 TEXT,
  bio                      TEXT,
  gender                   TEXT,
  date_of_birth            TEXT,
  profile_banner_image_url TEXT,
  timezone                 TEXT,
  presence_state           TEXT,
  status_emoji             TEXT,
  status_message           TEXT,
  status_expires_at        BIGINT,
  oauth                    TEXT,
  info                     TEXT,
  settings                 TEXT,
  scim                     TEXT,
  variables                TEXT
);
CREATE UNIQUE INDEX uq_user_email_lower ON "user" (lower(email));
CREATE INDEX user_by_age ON "user" (created_at, id);

CREATE TABLE auth (
  id            TEXT    PRIMARY KEY REFERENCES "user" (id) ON DELETE CASCADE,
  email         TEXT    NOT NULL,
  password      TEXT    NOT NULL,
  active        BOOLEAN NOT NULL,
  mfa           TEXT,
  session_stamp TEXT
);

-- `key` holds a hash, never the key itself (U14).
CREATE TABLE api_key (
  id           TEXT   PRIMARY KEY,
  user_id      TEXT   NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  key          TEXT   NOT NULL UNIQUE,
  data         TEXT,
  expires_at   BIGINT,
  last_used_at BIGINT,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  name         TEXT   NOT NULL DEFAULT '',
  hint         TEXT   NOT NULL DEFAULT '',
  scopes       TEXT   NOT NULL DEFAULT '[]'
);
CREATE INDEX api_key_by_user ON api_key (user_id);

-- Sessions signed out before they end.
CREATE TABLE revoked (
  jti     TEXT   PRIMARY KEY,
  user_id TEXT   NOT NULL,
  exp     BIGINT NOT NULL
);
CREATE INDEX revoked_by_end ON revoked (exp);

-- What other replicas must forget, in the order it was committed; kept for an hour.
CREATE TABLE auth_change (
  version BIGINT PRIMARY KEY,
  kind    TEXT   NOT NULL,
  user_id TEXT   NOT NULL,
  jti     TEXT   NOT NULL,
  exp     BIGINT NOT NULL,
  at      BIGINT NOT NULL
);

-- Failed sign-ins, counted here so that replicas agree.
CREATE TABLE sign_in_failure (
  id      TEXT   PRIMARY KEY,
  address TEXT   NOT NULL,
  account TEXT   NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX sign_in_failure_by_address ON sign_in_failure (address, at);
CREATE INDEX sign_in_failure_by_account ON sign_in_failure (account, at);
CREATE INDEX sign_in_failure_by_time ON sign_in_failure (at);

CREATE TABLE "group" (
  id              TEXT   PRIMARY KEY,
  user_id         TEXT   NOT NULL,
  name            TEXT   NOT NULL,
  description     TEXT   NOT NULL,
  data            TEXT,
  meta            TEXT,
  permissions     TEXT,
  created_at      BIGINT NOT NULL,
  updated_at      BIGINT NOT NULL,
  parent_group_id TEXT REFERENCES "group" (id) ON DELETE SET NULL
);
CREATE INDEX group_by_parent ON "group" (parent_group_id);

CREATE TABLE group_member (
  id         TEXT PRIMARY KEY,
  group_id   TEXT NOT NULL REFERENCES "group" (id) ON DELETE CASCADE,
  user_id    TEXT NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  created_at BIGINT,
  updated_at BIGINT,
  UNIQUE (group_id, user_id)
);
CREATE INDEX group_member_by_user ON group_member (user_id, group_id);

CREATE TABLE access_grant (
  id             TEXT   PRIMARY KEY,
  resource_type  TEXT   NOT NULL,
  resource_id    TEXT   NOT NULL,
  principal_type TEXT   NOT NULL,
  principal_id   TEXT   NOT NULL,
  permission     TEXT   NOT NULL,
  created_at     BIGINT NOT NULL,
  UNIQUE (resource_type, resource_id, principal_type, principal_id, permission)
);
CREATE INDEX access_grant_by_principal ON access_grant (principal_type, principal_id, resource_type);

-- expand
-- What lets a client that was cut off go on elsewhere, or after a restart, as if nothing had been.

-- Events that are not part of an answer, for ten minutes. Ids grow with time: microseconds since 1970,
-- or one more than the last.
CREATE TABLE outbox (
  id       BIGINT PRIMARY KEY,
  room     TEXT   NOT NULL,
  name     TEXT   NOT NULL,   -- Of the Socket.IO event.
  payload  TEXT   NOT NULL,   -- Its one argument, JSON.
  skip_sid TEXT   NOT NULL,   -- The one socket that does not get it; '' is none.
  at       BIGINT NOT NULL
);
CREATE INDEX outbox_by_room ON outbox (room, id);

CREATE TABLE realtime_session (
  pid_hash   TEXT   PRIMARY KEY,   -- SHA-256 of what the client presents.
  sid        TEXT   NOT NULL,
  user_id    TEXT   NOT NULL,
  token_id   TEXT   NOT NULL,      -- The session of the user it is bound to.
  rooms      TEXT   NOT NULL,      -- JSON array; asked again before they are entered.
  start_pos  TEXT   NOT NULL,      -- Where a client without an offset goes on.
  node       TEXT   NOT NULL,      -- The process that renews expires_at while the socket lives.
  expires_at BIGINT NOT NULL
);
CREATE INDEX realtime_session_expiry ON realtime_session (expires_at);

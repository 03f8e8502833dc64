-- expand
-- What one replica says to another and is too long for a message; taken by whoever it is for, and forgotten after ten minutes.
CREATE TABLE realtime_letter (
  id   TEXT   PRIMARY KEY,
  body TEXT   NOT NULL,   -- JSON.
  at   BIGINT NOT NULL
);

-- expand
CREATE TABLE next_note (
  id   BIGINT PRIMARY KEY,
  text TEXT   NOT NULL
);
ALTER TABLE chat ADD COLUMN next_note TEXT;

-- expand
-- Characters of a file's text, so that lists know what fits without reading the texts. Null beside a text that an earlier version set.
ALTER TABLE file ADD COLUMN content_size BIGINT;

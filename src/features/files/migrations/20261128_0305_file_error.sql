-- expand
-- Why a file has no text, where status is failed.
ALTER TABLE file ADD COLUMN error TEXT;

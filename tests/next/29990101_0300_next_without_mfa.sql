-- contract from 0.2.0 after 29990101_0000_next_note
ALTER TABLE auth DROP COLUMN mfa;

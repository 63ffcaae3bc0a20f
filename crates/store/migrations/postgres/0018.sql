-- As `sqlite/0018.sql`.
ALTER TABLE blob DROP CONSTRAINT blob_digest_key;

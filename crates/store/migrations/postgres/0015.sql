-- As `sqlite/0015.sql`.
ALTER TABLE release_item ADD COLUMN communities BYTEA;
-- 0014 kept bytes as text, written as `\x…`: what stands apart was for nobody of a community.
ALTER TABLE held_object ALTER COLUMN communities TYPE BYTEA USING communities::BYTEA;

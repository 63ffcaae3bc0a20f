-- As `sqlite/0014.sql`.
ALTER TABLE held_object ADD COLUMN communities TEXT COLLATE "C";

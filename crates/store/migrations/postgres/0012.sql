-- As `sqlite/0012.sql`.
ALTER TABLE quarantine ADD COLUMN receipt TEXT COLLATE "C";

-- As `sqlite/0010.sql`.
ALTER TABLE marking ADD COLUMN restricts BIGINT NOT NULL DEFAULT 0;
UPDATE marking SET restricts = 1 WHERE tlp IS NULL AND NOT EXISTS
  (SELECT 1 FROM entry e JOIN blob b ON b.row = e.row
   WHERE e.id = marking.id AND position('"statement"'::bytea in b.body) > 0);

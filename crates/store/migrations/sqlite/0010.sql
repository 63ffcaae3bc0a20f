-- restricts: a marking of another scheme than TLP keeps what bears it to those who belong to it; a
-- statement restricts nothing. Entries that are here keep their class.
ALTER TABLE marking ADD COLUMN restricts INTEGER NOT NULL DEFAULT 0;
UPDATE marking SET restricts = 1 WHERE tlp IS NULL AND NOT EXISTS
  (SELECT 1 FROM entry e JOIN blob b ON b.row = e.row WHERE e.id_hash = id_hash(marking.id)
   AND e.id = marking.id AND instr(b.body, CAST('"statement"' AS BLOB)) > 0);

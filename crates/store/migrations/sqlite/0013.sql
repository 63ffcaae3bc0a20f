-- Entries of before 0007, which waited for no marking definition, and of before 0010, which kept
-- objects to no community, are read again: up to which date they were, and until which they are.
CREATE TABLE reread (
  collection INTEGER PRIMARY KEY, read_to INTEGER NOT NULL, until INTEGER NOT NULL);
INSERT INTO reread SELECT t.place, -1, t.until FROM
  (SELECT c.row AS place, (SELECT max(e.date_added) FROM entry e WHERE e.collection = c.row) AS until
   FROM collection c WHERE c.flow <> 'aggregate') AS t WHERE t.until IS NOT NULL;

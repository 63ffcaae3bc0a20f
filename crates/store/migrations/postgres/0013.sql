-- As `sqlite/0013.sql`.
CREATE TABLE reread (
  collection BIGINT PRIMARY KEY, read_to BIGINT NOT NULL, until BIGINT NOT NULL);
INSERT INTO reread SELECT t.place, -1, t.until FROM
  (SELECT c.row AS place, (SELECT max(e.date_added) FROM entry e WHERE e.collection = c.row) AS until
   FROM collection c WHERE c.flow <> 'aggregate') AS t WHERE t.until IS NOT NULL;

-- Statuses are only ever added at the end: of the table as of its index, in both of which a row
-- between others would move its neighbours. The oldest go from the other end.
CREATE TABLE status_2 (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, account TEXT NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL);
INSERT INTO status_2 (id, root, account, body, at)
  SELECT id, root, account, body, at FROM status ORDER BY at, id;
DROP TABLE status;
ALTER TABLE status_2 RENAME TO status;

-- Bodies are let go of through the entries that hold them, as they are found (0018): an index by body
-- was written with each new entry. What else holds some is looked up only when an object goes.
DROP INDEX entry_blob;
CREATE INDEX release_item_body ON release_item (row);
CREATE INDEX conflict_body ON conflict (row);

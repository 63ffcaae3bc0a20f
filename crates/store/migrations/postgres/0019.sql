-- The oldest statuses are found by the order in which they came, as on SQLite.
CREATE TABLE status_2 (
  row BIGINT GENERATED ALWAYS AS IDENTITY, id TEXT COLLATE "C" NOT NULL,
  root TEXT COLLATE "C" NOT NULL, account BYTEA NOT NULL, body BYTEA NOT NULL, at BIGINT NOT NULL);
INSERT INTO status_2 (id, root, account, body, at)
  SELECT id, root, account, body, at FROM status ORDER BY at, id;
DROP TABLE status;
ALTER TABLE status_2 RENAME TO status;
ALTER TABLE status ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX status_row ON status (row);

-- Bodies are let go of through the entries that hold them, as they are found (0018): an index by body
-- was written with each new entry. What else holds some is looked up only when an object goes.
DROP INDEX entry_blob;
CREATE INDEX release_item_body ON release_item (row);
CREATE INDEX conflict_body ON conflict (row);

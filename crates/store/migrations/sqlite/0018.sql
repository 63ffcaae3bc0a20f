-- Bodies are found through the entries that hold them: an index by digest cost each new one a page.
CREATE TABLE blob_2 (row INTEGER PRIMARY KEY, digest BLOB NOT NULL, body BLOB NOT NULL);
INSERT INTO blob_2 SELECT row, digest, body FROM blob ORDER BY row;
DROP TABLE blob;
ALTER TABLE blob_2 RENAME TO blob;

-- Entries for pages that cost the same at any size. `id_hash` is a function of the program: the
-- first 8 bytes of SHA-256 as a signed number.

-- Who may see an object follows from its class: edition, label (-1: none), communities in order.
CREATE TABLE class (
  id INTEGER PRIMARY KEY, spec TEXT NOT NULL, tlp INTEGER NOT NULL, communities TEXT NOT NULL,
  UNIQUE (spec, tlp, communities));
INSERT INTO class (spec, tlp, communities)
  SELECT spec, coalesce(tlp, -1), '' FROM entry GROUP BY 1, 2 ORDER BY min(date_added);

-- state: 1 first, 2 last of the object's versions within its class, 4 another class holds some too.
CREATE TABLE entry_2 (
  collection INTEGER, date_added INTEGER, row INTEGER NOT NULL, size INTEGER NOT NULL,
  id TEXT NOT NULL, id_hash INTEGER NOT NULL, version TEXT, version_key TEXT NOT NULL,
  type TEXT NOT NULL, class INTEGER NOT NULL, state INTEGER NOT NULL, findings TEXT,
  PRIMARY KEY (collection, date_added)) WITHOUT ROWID;
INSERT INTO entry_2
  SELECT e.collection, e.date_added, e.row, length(b.body), e.id, id_hash(e.id), e.version,
    e.version_key, e.type, c.id,
    (row_number() OVER (PARTITION BY e.collection, e.id, c.id ORDER BY e.version_key) = 1) * 1
    + (row_number() OVER (PARTITION BY e.collection, e.id, c.id ORDER BY e.version_key DESC) = 1) * 2
    + (min(c.id) OVER (PARTITION BY e.collection, e.id)
       <> max(c.id) OVER (PARTITION BY e.collection, e.id)) * 4,
    e.findings
  FROM entry e JOIN blob b ON b.row = e.row
  JOIN class c ON c.spec = e.spec AND c.tlp = coalesce(e.tlp, -1);
DROP TABLE entry;
ALTER TABLE entry_2 RENAME TO entry;
CREATE INDEX entry_object ON entry (id_hash, collection, version_key);
CREATE INDEX entry_class ON entry (collection, class, state, date_added);
CREATE INDEX entry_type ON entry (collection, type, class, state, date_added);
CREATE INDEX entry_version ON entry (collection, version_key, class, date_added);
CREATE INDEX entry_blob ON entry (row);

-- What was deleted, by whom and why; `leaf` is its place in the ledger.
CREATE TABLE tombstone (
  collection INTEGER, date_added INTEGER, id TEXT NOT NULL, version_key TEXT NOT NULL,
  account TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, leaf INTEGER NOT NULL,
  PRIMARY KEY (collection, date_added)) WITHOUT ROWID;
CREATE INDEX status_time ON status (at);

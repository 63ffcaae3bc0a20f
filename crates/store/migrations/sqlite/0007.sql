-- Retention by collection, aggregates fed from other collections, and objects whose marking is not
-- known yet.

-- Days that an object stays; for good where nothing stands.
ALTER TABLE collection ADD COLUMN retention_days INTEGER;

-- In an aggregate, who may see an entry follows also from where it came from, and from who does not
-- see another entry of the same version there: `source` is a collection (0: no aggregate), `unless`
-- the classes of those entries.
CREATE TABLE class_2 (
  id INTEGER PRIMARY KEY, spec TEXT NOT NULL, tlp INTEGER NOT NULL, communities TEXT NOT NULL,
  source INTEGER NOT NULL, unless TEXT NOT NULL, UNIQUE (spec, tlp, communities, source, unless));
INSERT INTO class_2 SELECT id, spec, tlp, communities, 0, '' FROM class;
DROP TABLE class;
ALTER TABLE class_2 RENAME TO class;

-- What an aggregate is fed from, and the date of the last entry that was looked at. One that ends
-- gives its entries up first.
CREATE TABLE feed (
  collection INTEGER, source INTEGER, fed_to INTEGER NOT NULL, ends INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (collection, source)) WITHOUT ROWID;
CREATE INDEX feed_source ON feed (source);

-- Entries that count as the strictest until a marking definition says what they bear.
CREATE TABLE awaiting (
  marking TEXT, collection INTEGER, date_added INTEGER,
  PRIMARY KEY (marking, collection, date_added)) WITHOUT ROWID;
CREATE INDEX awaiting_entry ON awaiting (collection, date_added);
-- Entries that were dated anew, and since when they are here: retention counts from there.
CREATE TABLE redated (
  collection INTEGER, date_added INTEGER, since INTEGER NOT NULL,
  PRIMARY KEY (collection, date_added)) WITHOUT ROWID;
CREATE INDEX redated_since ON redated (collection, since);
CREATE INDEX received_entry ON received_item (collection, date_added);

-- An object whose marking becomes known later has an entry for those who could see it before, at its
-- old date, and one for those who only now may see it, at a new one. Of the first it is kept here among
-- whom else its class is seen: up to a label (-1: any), of which communities.
CREATE TABLE class_3 (
  id INTEGER PRIMARY KEY, spec TEXT NOT NULL, tlp INTEGER NOT NULL, communities TEXT NOT NULL,
  source INTEGER NOT NULL, unless TEXT NOT NULL,
  among_tlp INTEGER NOT NULL DEFAULT -1, among_communities TEXT NOT NULL DEFAULT '',
  UNIQUE (spec, tlp, communities, source, unless, among_tlp, among_communities));
INSERT INTO class_3 SELECT id, spec, tlp, communities, source, unless, -1, '' FROM class;
DROP TABLE class;
ALTER TABLE class_3 RENAME TO class;

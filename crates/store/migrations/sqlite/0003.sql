-- Where an account may use its roles; collection 0 is every one, present and to come.
CREATE TABLE access (
  account TEXT, collection INTEGER, can_read INTEGER NOT NULL, can_write INTEGER NOT NULL,
  PRIMARY KEY (account, collection)) WITHOUT ROWID;
INSERT INTO access SELECT name, 0, 1, 1 FROM account;
-- What an account may see, where that is not everything: rank of the strictest label, and its
-- communities, one a line.
CREATE TABLE sight (
  account TEXT PRIMARY KEY, ceiling INTEGER NOT NULL, communities TEXT NOT NULL) WITHOUT ROWID;
-- Keys of client certificates.
CREATE TABLE certificate (
  pin BLOB PRIMARY KEY, account TEXT NOT NULL, label TEXT NOT NULL,
  created INTEGER NOT NULL) WITHOUT ROWID;
-- Requests that are kept whole until their objects are.
CREATE TABLE submission (
  status TEXT PRIMARY KEY, collection INTEGER NOT NULL, root TEXT NOT NULL, account TEXT NOT NULL,
  body BLOB NOT NULL, total INTEGER NOT NULL, at INTEGER NOT NULL);

-- Where an account may use its roles; collection 0 is every one, present and to come.
CREATE TABLE access (
  account BYTEA, collection BIGINT, can_read BIGINT NOT NULL, can_write BIGINT NOT NULL,
  PRIMARY KEY (account, collection));
INSERT INTO access SELECT name, 0, 1, 1 FROM account;
-- What an account may see, where that is not everything: rank of the strictest label, and its
-- communities, one a line.
CREATE TABLE sight (
  account BYTEA PRIMARY KEY, ceiling BIGINT NOT NULL, communities BYTEA NOT NULL);
-- Keys of client certificates.
CREATE TABLE certificate (
  pin BYTEA PRIMARY KEY, account BYTEA NOT NULL, label BYTEA NOT NULL, created BIGINT NOT NULL);
-- Requests that are kept whole until their objects are.
CREATE TABLE submission (
  status TEXT COLLATE "C" PRIMARY KEY, collection BIGINT NOT NULL, root TEXT COLLATE "C" NOT NULL,
  account BYTEA NOT NULL, body BYTEA NOT NULL, total BIGINT NOT NULL, at BIGINT NOT NULL);
ALTER TABLE submission ALTER COLUMN body SET STORAGE EXTERNAL;

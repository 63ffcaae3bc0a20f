-- As `sqlite/0007.sql`.
ALTER TABLE collection ADD COLUMN retention_days BIGINT;
ALTER TABLE class ADD COLUMN source BIGINT NOT NULL DEFAULT 0;
ALTER TABLE class ADD COLUMN unless TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE class DROP CONSTRAINT class_spec_tlp_communities_key;
ALTER TABLE class ADD UNIQUE (spec, tlp, communities, source, unless);
CREATE TABLE feed (
  collection BIGINT, source BIGINT, fed_to BIGINT NOT NULL, ends BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (collection, source));
CREATE INDEX feed_source ON feed (source);
CREATE TABLE awaiting (
  marking BYTEA, collection BIGINT, date_added BIGINT,
  PRIMARY KEY (marking, collection, date_added));
CREATE INDEX awaiting_entry ON awaiting (collection, date_added);
CREATE TABLE redated (
  collection BIGINT, date_added BIGINT, since BIGINT NOT NULL,
  PRIMARY KEY (collection, date_added));
CREATE INDEX redated_since ON redated (collection, since);
CREATE INDEX received_entry ON received_item (collection, date_added);

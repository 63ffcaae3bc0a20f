-- As `sqlite/0008.sql`.
ALTER TABLE partner ADD COLUMN policy TEXT COLLATE "C";
UPDATE partner SET policy = '{"error":"quarantine","warning":"quarantine","note":"quarantine"}'
  WHERE findings = 'quarantine';
ALTER TABLE partner DROP COLUMN findings;
ALTER TABLE collection ADD COLUMN policy TEXT COLLATE "C";
CREATE TABLE held_object (
  source TEXT COLLATE "C", place BIGINT, collection BIGINT NOT NULL, account TEXT COLLATE "C",
  id BYTEA NOT NULL, version BYTEA, type BYTEA NOT NULL, tlp BIGINT, findings BYTEA,
  body BYTEA, at BIGINT NOT NULL, PRIMARY KEY (source, place));
CREATE INDEX held_object_time ON held_object (at, source, place);
-- What waits already stood apart whole, and is told by index alone.
INSERT INTO held_object
  SELECT q.statement, n.place, c.row, NULL, '', NULL, '', NULL, NULL, NULL, q.at FROM quarantine q
  JOIN statement s ON s.id = q.statement
  JOIN collection c ON c.agreement = q.agreement AND c.topic = q.topic AND c.flow = 'incoming'
  JOIN generate_series(0, 100000) AS n(place) ON n.place < length(s.commitments) / 32
  WHERE q.decision IS NULL;

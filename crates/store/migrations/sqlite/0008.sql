-- Dirty data. policy: in what a partner's, or a collection's, differs from the node's own, as JSON.
ALTER TABLE partner ADD COLUMN policy TEXT;
UPDATE partner SET policy = '{"error":"quarantine","warning":"quarantine","note":"quarantine"}'
  WHERE findings = 'quarantine';
ALTER TABLE partner DROP COLUMN findings;
ALTER TABLE collection ADD COLUMN policy TEXT;
-- Objects that stand apart until a person decides. source: the statement they came in, whose
-- envelope is kept sealed (no body here), or the TAXII status of the request that brought them.
CREATE TABLE held_object (
  source TEXT, place INTEGER, collection INTEGER NOT NULL, account TEXT, id TEXT NOT NULL,
  version TEXT, type TEXT NOT NULL, tlp INTEGER, findings TEXT, body BLOB,
  at INTEGER NOT NULL, PRIMARY KEY (source, place)) WITHOUT ROWID;
CREATE INDEX held_object_time ON held_object (at, source, place);
-- What waits already stood apart whole, and is told by index alone.
INSERT INTO held_object
  WITH RECURSIVE n(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM n WHERE place < 100000)
  SELECT q.statement, n.place, c.row, NULL, '', NULL, '', NULL, NULL, NULL, q.at FROM quarantine q
  JOIN statement s ON s.id = q.statement
  JOIN collection c ON c.agreement = q.agreement AND c.topic = q.topic AND c.flow = 'incoming'
  JOIN n ON n.place < length(s.commitments) / 32 WHERE q.decision IS NULL;

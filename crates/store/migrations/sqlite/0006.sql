-- Standing of agreements, revoked keys, quarantine, and an answer to a recall from each recipient.
-- What is done with a partner's objects that have findings: keep or quarantine.
ALTER TABLE partner ADD COLUMN findings TEXT NOT NULL DEFAULT 'keep';
ALTER TABLE agreement ADD COLUMN superseded_at INTEGER;
CREATE TABLE standing (
  agreement TEXT, node TEXT, state TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (agreement, node)) WITHOUT ROWID;
-- size: entries of the node's ledger below it were still made by its owner.
CREATE TABLE revocation (
  node TEXT, epoch INTEGER, size INTEGER NOT NULL, note BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (node, epoch)) WITHOUT ROWID;
CREATE TABLE quarantine (
  statement TEXT PRIMARY KEY, partner TEXT NOT NULL, agreement TEXT NOT NULL, topic TEXT NOT NULL,
  envelope BLOB NOT NULL, findings INTEGER NOT NULL, at INTEGER NOT NULL, decision TEXT,
  decided_by TEXT, decided_at INTEGER) WITHOUT ROWID;
CREATE TABLE recall_answer (
  recall TEXT, partner TEXT, answer TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (recall, partner)) WITHOUT ROWID;

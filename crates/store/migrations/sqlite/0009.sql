-- Who at a partner has seen a statement of ours, as the partner's signed acknowledgement says.
CREATE TABLE acknowledged (
  statement TEXT, partner TEXT, officer TEXT NOT NULL, at INTEGER NOT NULL, told TEXT NOT NULL,
  PRIMARY KEY (statement, partner)) WITHOUT ROWID;

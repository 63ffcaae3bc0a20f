-- What people look for: the way of one release or statement, the numbers of a day, and what a
-- person has acknowledged.
CREATE INDEX journal_release ON journal (release, seq) WHERE release IS NOT NULL;
CREATE INDEX journal_statement ON journal (statement, seq) WHERE statement IS NOT NULL;
CREATE INDEX statement_day ON statement (at, out, outcome);
CREATE INDEX statement_loud ON statement (precedence, at) WHERE out = 0 AND precedence < 2;
CREATE INDEX leaf_statement ON leaf (statement) WHERE statement IS NOT NULL;
CREATE TABLE acknowledgement (
  statement TEXT PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;

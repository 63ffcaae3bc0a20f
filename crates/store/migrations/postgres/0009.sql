-- Who at a partner has seen a statement of ours, as the partner's signed acknowledgement says.
CREATE TABLE acknowledged (
  statement TEXT COLLATE "C", partner TEXT COLLATE "C", officer TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL, told TEXT COLLATE "C" NOT NULL, PRIMARY KEY (statement, partner));

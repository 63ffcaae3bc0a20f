-- As `sqlite/0006.sql`.
ALTER TABLE partner ADD COLUMN findings TEXT COLLATE "C" NOT NULL DEFAULT 'keep';
ALTER TABLE agreement ADD COLUMN superseded_at BIGINT;
CREATE TABLE standing (
  agreement TEXT COLLATE "C", node TEXT COLLATE "C", state TEXT COLLATE "C" NOT NULL,
  reason BYTEA NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (agreement, node));
CREATE TABLE revocation (
  node TEXT COLLATE "C", epoch BIGINT, size BIGINT NOT NULL, note BYTEA NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (node, epoch));
CREATE TABLE quarantine (
  statement TEXT COLLATE "C" PRIMARY KEY, partner TEXT COLLATE "C" NOT NULL,
  agreement TEXT COLLATE "C" NOT NULL, topic TEXT COLLATE "C" NOT NULL, envelope BYTEA NOT NULL,
  findings BIGINT NOT NULL, at BIGINT NOT NULL, decision TEXT COLLATE "C", decided_by BYTEA,
  decided_at BIGINT);
CREATE TABLE recall_answer (
  recall TEXT COLLATE "C", partner TEXT COLLATE "C", answer TEXT COLLATE "C" NOT NULL,
  detail BYTEA NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (recall, partner));

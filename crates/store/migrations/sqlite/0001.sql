-- Everything a node keeps. Times are milliseconds since 1970 unless a name says otherwise; ids of
-- statements and agreements are lower-case hex; bodies are bytes, as received.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL,
  event TEXT NOT NULL, partner TEXT, statement TEXT, release TEXT, detail TEXT NOT NULL);

CREATE TABLE partner (
  name TEXT PRIMARY KEY, url TEXT, state TEXT NOT NULL, fingerprint BLOB NOT NULL,
  added INTEGER NOT NULL, last_contact INTEGER, last_error TEXT) WITHOUT ROWID;
CREATE TABLE key_statement (
  node TEXT, epoch INTEGER, note BLOB NOT NULL, PRIMARY KEY (node, epoch)) WITHOUT ROWID;
CREATE TABLE seen_checkpoint (
  node TEXT, size INTEGER, root BLOB NOT NULL, note BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (node, size)) WITHOUT ROWID;

CREATE TABLE agreement (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, text BLOB NOT NULL, state TEXT NOT NULL,
  parties TEXT NOT NULL, created INTEGER NOT NULL, in_force_since INTEGER) WITHOUT ROWID;
CREATE TABLE agreement_signature (
  agreement TEXT, node TEXT, statement TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (agreement, node)) WITHOUT ROWID;

CREATE TABLE collection (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, alias TEXT NOT NULL,
  title TEXT NOT NULL, description TEXT NOT NULL, agreement TEXT, topic TEXT, flow TEXT NOT NULL,
  created INTEGER NOT NULL, UNIQUE (root, alias));
CREATE TABLE blob (row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
-- date_added: microseconds since 1970, unique in the store, rising in the order of commits.
CREATE TABLE entry (
  collection INTEGER, date_added INTEGER, row INTEGER NOT NULL, id TEXT NOT NULL, version TEXT,
  version_key TEXT NOT NULL, type TEXT NOT NULL, spec TEXT NOT NULL, tlp INTEGER, findings TEXT,
  first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (collection, date_added)) WITHOUT ROWID;
CREATE INDEX entry_object ON entry (id, collection, version_key);
CREATE INDEX entry_last ON entry (collection, date_added) WHERE last = 1;
CREATE INDEX entry_blob ON entry (row);
CREATE TABLE conflict (
  collection INTEGER, id TEXT, version_key TEXT, row INTEGER, at INTEGER NOT NULL,
  PRIMARY KEY (collection, id, version_key, row)) WITHOUT ROWID;
CREATE TABLE marking (id TEXT PRIMARY KEY, tlp INTEGER) WITHOUT ROWID;
CREATE TABLE status (
  id TEXT PRIMARY KEY, root TEXT NOT NULL, account TEXT NOT NULL, body TEXT NOT NULL,
  at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE release (
  id TEXT PRIMARY KEY, agreement TEXT NOT NULL, topic TEXT NOT NULL, state TEXT NOT NULL,
  precedence INTEGER NOT NULL, status TEXT NOT NULL, drafted_by TEXT NOT NULL, released_by TEXT,
  created INTEGER NOT NULL, changed INTEGER NOT NULL, statement TEXT, rule TEXT, message TEXT,
  items INTEGER NOT NULL, bytes INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
CREATE INDEX release_state ON release (state, precedence, created);
CREATE INDEX release_time ON release (created, id);
CREATE TABLE release_item (
  release TEXT, idx INTEGER, row INTEGER NOT NULL, id TEXT NOT NULL, version TEXT,
  version_key TEXT NOT NULL, type TEXT NOT NULL, tlp INTEGER, recalled INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (release, idx)) WITHOUT ROWID;

CREATE TABLE statement (
  id TEXT PRIMARY KEY, out INTEGER NOT NULL, partner TEXT, agreement TEXT NOT NULL, type TEXT,
  topic TEXT, precedence INTEGER NOT NULL, manifest BLOB NOT NULL, header BLOB NOT NULL, seed BLOB,
  commitments BLOB NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL, outcome TEXT, code TEXT,
  release TEXT, re TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX statement_time ON statement (at, id);
CREATE TABLE payload (statement TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
-- One row for each recipient: its number, its slip, and how far it came. Waiting rows are the outbox.
CREATE TABLE delivery (
  statement TEXT, partner TEXT, agreement TEXT NOT NULL, number INTEGER NOT NULL,
  slip BLOB NOT NULL, precedence INTEGER NOT NULL, type TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL, due INTEGER NOT NULL, last_error TEXT, outcome TEXT, code TEXT,
  receipt TEXT, delivered INTEGER, PRIMARY KEY (statement, partner)) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (precedence, due) WHERE state = 'waiting';
CREATE INDEX delivery_open ON delivery (partner, number) WHERE state <> 'receipted';
CREATE TABLE pair (
  partner TEXT, agreement TEXT, out INTEGER, number INTEGER, statement TEXT NOT NULL,
  PRIMARY KEY (partner, agreement, out, number)) WITHOUT ROWID;
CREATE TABLE equivocation (
  partner TEXT, agreement TEXT, number INTEGER, statement TEXT, other TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (partner, agreement, number, statement)) WITHOUT ROWID;

CREATE TABLE inbox (
  id TEXT PRIMARY KEY, partner TEXT NOT NULL, envelope BLOB NOT NULL, size INTEGER NOT NULL,
  arrived INTEGER NOT NULL, route TEXT NOT NULL);
CREATE TABLE received_item (
  statement TEXT, idx INTEGER, collection INTEGER NOT NULL, id TEXT NOT NULL,
  version_key TEXT NOT NULL, date_added INTEGER, PRIMARY KEY (statement, idx)) WITHOUT ROWID;

CREATE TABLE recall (
  id TEXT PRIMARY KEY, release TEXT NOT NULL, target TEXT NOT NULL, agreement TEXT NOT NULL,
  reason TEXT NOT NULL, items TEXT, state TEXT NOT NULL, issued_by TEXT NOT NULL,
  at INTEGER NOT NULL, statement TEXT, answer TEXT, detail TEXT) WITHOUT ROWID;
-- idx -1: every item of the target.
CREATE TABLE recalled_target (
  target TEXT, idx INTEGER, recall TEXT NOT NULL, partner TEXT NOT NULL,
  PRIMARY KEY (target, idx)) WITHOUT ROWID;
CREATE TABLE recalled_object (
  id TEXT, version_key TEXT, partner TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (id, version_key)) WITHOUT ROWID;
CREATE TABLE recall_task (
  recall TEXT PRIMARY KEY, partner TEXT NOT NULL, agreement TEXT NOT NULL, target TEXT NOT NULL,
  deleted INTEGER NOT NULL, kept TEXT NOT NULL, held INTEGER NOT NULL, answer TEXT,
  at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE leaf (
  idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, entry BLOB NOT NULL, statement TEXT);
CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY, root BLOB NOT NULL, note BLOB NOT NULL, at INTEGER NOT NULL);

CREATE TABLE account (
  name TEXT PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, roles TEXT NOT NULL,
  password_hash TEXT, disabled INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE token (
  digest BLOB PRIMARY KEY, account TEXT NOT NULL, label TEXT NOT NULL, created INTEGER NOT NULL,
  expires INTEGER) WITHOUT ROWID;
CREATE TABLE session (
  digest BLOB PRIMARY KEY, account TEXT NOT NULL, csrf TEXT NOT NULL, created INTEGER NOT NULL,
  seen INTEGER NOT NULL, confirmed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE login_link (
  digest BLOB PRIMARY KEY, account TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;

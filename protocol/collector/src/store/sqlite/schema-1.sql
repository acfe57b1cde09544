-- Schema 1. Times are microseconds since 1970. Words of closed lists are their places on the list. `sum` is a digest
-- over the other columns of its row (rules::sums), so that a damaged row is seen when it is read; the counts in
-- `device`, `stream` and `state` make a lost row visible.
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
-- One row, written by every transaction: what the witness file repeats.
CREATE TABLE state(
  one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL, digest BLOB NOT NULL,
  newest INTEGER NOT NULL,                    -- the latest time of a transaction
  devices INTEGER NOT NULL, bundles INTEGER NOT NULL, audits INTEGER NOT NULL, audit_chain BLOB NOT NULL) STRICT;
CREATE TABLE token(
  hash BLOB PRIMARY KEY, made INTEGER NOT NULL, until INTEGER NOT NULL, used INTEGER, label TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE device(
  no INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL,
  enrolled INTEGER NOT NULL, not_after INTEGER NOT NULL,
  standing INTEGER NOT NULL, retired INTEGER,         -- 1 active 2 revoked 3 retired; when its owner retired it
  lines INTEGER NOT NULL, requests INTEGER NOT NULL, streams INTEGER NOT NULL,
  head_index INTEGER, head BLOB,
  seen INTEGER NOT NULL, agent TEXT NOT NULL,         -- written by every batch, also by one that is held
  bytes INTEGER NOT NULL, day INTEGER NOT NULL, day_requests INTEGER NOT NULL, day_lines INTEGER NOT NULL,
  sum BLOB NOT NULL) STRICT;
CREATE TABLE label(device INTEGER PRIMARY KEY, text TEXT NOT NULL, sum BLOB NOT NULL) STRICT;
-- Ledger entries, numbered from 0 in the order they came; the lines themselves are apart, so that the rules read little.
CREATE TABLE ledger(
  device INTEGER NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL, idx INTEGER NOT NULL, purpose INTEGER NOT NULL,
  kase TEXT, kind INTEGER NOT NULL, class INTEGER NOT NULL, ended INTEGER NOT NULL, received INTEGER NOT NULL,
  sum BLOB NOT NULL, PRIMARY KEY(device, n)) STRICT, WITHOUT ROWID;
CREATE TABLE line(
  device INTEGER NOT NULL, n INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(device, n)) STRICT, WITHOUT ROWID;
-- One row for each epoch of a purpose. `base`: up to where its envelopes were erased.
CREATE TABLE stream(
  device INTEGER NOT NULL, purpose INTEGER NOT NULL, epoch BLOB NOT NULL, n INTEGER NOT NULL, chain BLOB NOT NULL,
  base_n INTEGER NOT NULL, base_chain BLOB NOT NULL, spans INTEGER NOT NULL, gaps INTEGER NOT NULL,
  received INTEGER NOT NULL, sum BLOB NOT NULL, PRIMARY KEY(device, purpose, epoch)) STRICT, WITHOUT ROWID;
-- Numbers that came. They outlive the records: what was erased is never stored again.
CREATE TABLE held(
  device INTEGER NOT NULL, purpose INTEGER NOT NULL, epoch BLOB NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,
  sum BLOB NOT NULL, PRIMARY KEY(device, purpose, epoch, lo)) STRICT, WITHOUT ROWID;
-- Numbers that will never come, as the device declared.
CREATE TABLE gap(
  device INTEGER NOT NULL, purpose INTEGER NOT NULL, epoch BLOB NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,
  reason INTEGER NOT NULL, sum BLOB NOT NULL, PRIMARY KEY(device, purpose, epoch, lo)) STRICT, WITHOUT ROWID;
-- `digest`: SHA-256 of `body` as it is stored. `seal`: the key that `body` is sealed with, NULL: none.
-- `chain`: over `chain` of the envelope before in the stream and every other column but `body`.
CREATE TABLE envelope(
  place INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, purpose INTEGER NOT NULL, epoch BLOB NOT NULL,
  n INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, fresh TEXT NOT NULL, received INTEGER NOT NULL,
  consent BLOB NOT NULL, class INTEGER NOT NULL, digest BLOB NOT NULL, content BLOB NOT NULL, seal INTEGER,
  chain BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX envelope_stream ON envelope(device, purpose, epoch, lo);
CREATE INDEX envelope_age ON envelope(class, received);
-- Envelopes that were erased from the middle of a stream: their links of the chain.
CREATE TABLE gone(
  device INTEGER NOT NULL, purpose INTEGER NOT NULL, epoch BLOB NOT NULL, n INTEGER NOT NULL, chain BLOB NOT NULL,
  PRIMARY KEY(device, purpose, epoch, n)) STRICT, WITHOUT ROWID;
-- Versions of a device's components, one row for each change; `place`: of the last envelope that said it.
CREATE TABLE version(
  device INTEGER NOT NULL, component TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  version TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY(device, component, first)) STRICT, WITHOUT ROWID;
CREATE INDEX version_place ON version(place);
-- Privacy requests, numbered from 0.
CREATE TABLE request(
  device INTEGER NOT NULL, n INTEGER NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL, body TEXT NOT NULL,
  received INTEGER NOT NULL, done INTEGER, sum BLOB NOT NULL, PRIMARY KEY(device, n)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX request_id ON request(device, id);
-- Support bundles that the vendor asks for.
CREATE TABLE invitation(
  device INTEGER NOT NULL, kase TEXT NOT NULL, reason INTEGER NOT NULL, asked INTEGER NOT NULL, sum BLOB NOT NULL,
  PRIMARY KEY(device, kase)) STRICT, WITHOUT ROWID;
-- Announced bundles; their bytes are a file until they are whole.
CREATE TABLE upload(
  device INTEGER NOT NULL, sha256 BLOB NOT NULL, announcement TEXT NOT NULL, touched INTEGER NOT NULL,
  sum BLOB NOT NULL, PRIMARY KEY(device, sha256)) STRICT, WITHOUT ROWID;
CREATE TABLE bundle(
  sha256 BLOB PRIMARY KEY, device INTEGER, kase TEXT, manifest BLOB, size INTEGER NOT NULL, received INTEGER NOT NULL,
  sum BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX bundle_device ON bundle(device);
CREATE TABLE audit(place INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL) STRICT;
-- Losses that were seen once and can't be seen again.
CREATE TABLE finding(place INTEGER PRIMARY KEY AUTOINCREMENT, found INTEGER NOT NULL, what TEXT NOT NULL) STRICT;

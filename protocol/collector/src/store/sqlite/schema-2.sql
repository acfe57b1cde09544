-- Schema 2. What became of a privacy request beside its end; `n`: of the request. `hold` is JSON, times are microseconds.
-- A certificate stands as it is signed; `signature` is NULL until one of the vendor's keys signed it.
CREATE TABLE answer(
  device INTEGER NOT NULL, n INTEGER NOT NULL, extended INTEGER, hold TEXT, revoked INTEGER, certificate TEXT,
  signature TEXT, sum BLOB NOT NULL, PRIMARY KEY(device, n)) STRICT, WITHOUT ROWID;

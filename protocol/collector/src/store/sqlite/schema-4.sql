-- Schema 4. The answer of the vendor to a privacy request; `n`: of the request. `refused` is the place of a reason; `made`,
-- `size` and `digest` are of a sealed answer, whose parts are in `part` until it is fetched or too old. Times are microseconds.
CREATE TABLE response(
  device INTEGER NOT NULL, n INTEGER NOT NULL, refused INTEGER, made INTEGER, size INTEGER, digest TEXT,
  sum BLOB NOT NULL, PRIMARY KEY(device, n)) STRICT, WITHOUT ROWID;
CREATE TABLE part(
  device INTEGER NOT NULL, n INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, sum BLOB NOT NULL,
  PRIMARY KEY(device, n, part)) STRICT;

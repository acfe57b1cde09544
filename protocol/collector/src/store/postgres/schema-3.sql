-- Schema 3: what `sqlite/schema-4.sql` says.
CREATE TABLE response(
  device BIGINT NOT NULL, n BIGINT NOT NULL, refused BIGINT, made BIGINT, size BIGINT, digest TEXT,
  sum BYTEA NOT NULL, PRIMARY KEY(device, n));
CREATE TABLE part(
  device BIGINT NOT NULL, n BIGINT NOT NULL, part BIGINT NOT NULL, bytes BYTEA NOT NULL, sum BYTEA NOT NULL,
  PRIMARY KEY(device, n, part));

-- Schema 2, as schema 3 of SQLite.
CREATE TABLE reached(
  device BIGINT PRIMARY KEY, receipts BIGINT NOT NULL, notices TEXT NOT NULL, at BIGINT NOT NULL, sum BYTEA NOT NULL);

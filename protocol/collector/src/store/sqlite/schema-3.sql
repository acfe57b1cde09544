-- Schema 3. What a device confirmed that it holds: its newest use receipt and the numbers of its notices, divided by commas.
CREATE TABLE reached(
  device INTEGER PRIMARY KEY, receipts INTEGER NOT NULL, notices TEXT NOT NULL, at INTEGER NOT NULL,
  sum BLOB NOT NULL) STRICT;

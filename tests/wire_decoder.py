#!/usr/bin/env python3
"""An independent reader of batch envelopes, written from protocol/WIRE.md; standard library only.

    python3 wire_decoder.py FILE.bin...     one JSON object a batch, on standard output
    wire_decoder.decode(bytes) -> dict      raises wire_decoder.NotABatch
"""

import json
import sys
import zlib

MAX_RECORDS = 1000
MAX_WIRE = 1 << 20
MAX_UNPACKED = 8 << 20
MAX_ATTRIBUTES = 16
MAX_BUCKETS = 32
MAX_GAPS = 256
MAX_AGENT = 32
MAX_COLUMNS = MAX_RECORDS * (MAX_ATTRIBUTES + MAX_BUCKETS)

PURPOSES = ["usage_statistics", "support_case", "support_scan_data"]
RETENTIONS = ["usage_24m", "support_decom_10y", "analytics_14m", "contact_2y", "period"]
REASONS = [
    "no_consent", "before_grant", "not_utf8", "not_json", "too_long", "unknown_event", "unknown_attribute",
    "missing_attribute", "repeated_attribute", "bad_type", "out_of_range", "bad_time", "not_a_file", "quota",
    "expired", "withdrawn", "damaged", "rejected", "ended",
]
PLAIN, COUNT, BUCKETS = range(3)


class NotABatch(Exception):
    """The bytes are not a batch; says why, without content."""


def ensure(kept, why):
    if not kept:
        raise NotABatch(why)


class Reader:
    """A body, read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        ensure(count <= len(self.data) - self.at, "the body ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def unsigned(self, bits):
        first = self.take(1)[0]
        if first < 251:
            return first
        width = {251: 16, 252: 32, 253: 64}.get(first)
        ensure(width is not None and width <= bits, "a number is wider than its type")
        return int.from_bytes(self.take(width // 8), "little")

    def signed(self):
        zigzag = self.unsigned(64)
        return zigzag >> 1 if zigzag % 2 == 0 else -(zigzag >> 1) - 1

    def word(self, words):
        index = self.unsigned(32)
        ensure(index < len(words), "a word that is not on its list")
        return words[index]

    def many(self, most, read):
        count = self.unsigned(64)
        ensure(count <= most, "a list is longer than its limit")
        return [read() for _ in range(count)]


def unpack(envelope):
    """The body of an envelope."""
    ensure(len(envelope) <= MAX_WIRE, "the envelope is too long")
    ensure(len(envelope) >= 4 and envelope[:2] == b"KT", "not an envelope")
    version, flags, body = envelope[2], envelope[3], envelope[4:]
    ensure(version == 1, "an envelope of another version")
    ensure(flags in (0, 1), "an unknown flag")
    if flags == 0:
        return body
    inflater = zlib.decompressobj(wbits=-15)
    try:
        plain = inflater.decompress(body, MAX_UNPACKED + 1)
    except zlib.error:
        raise NotABatch("not a deflate stream") from None
    whole = inflater.eof and not inflater.unused_data
    ensure(whole and len(plain) <= MAX_UNPACKED, "not one deflate stream within the limit")
    return plain


def read_table(reader):
    entry, attributes, shape = reader.unsigned(16), reader.unsigned(32), reader.unsigned(32)
    ensure(attributes <= MAX_ATTRIBUTES and shape <= BUCKETS, "a table over its limits")
    added = {PLAIN: 0, COUNT: 1}.get(shape)
    if added is None:
        added = reader.unsigned(32)
        ensure(1 <= added <= MAX_BUCKETS, "a table over its limits")
    return {"entry": entry, "attributes": attributes, "shape": shape, "columns": attributes + added}


def take(cells, count):
    ensure(len(cells) >= count, "fewer cells than the tables have")
    taken = cells[:count]
    del cells[:count]
    return taken


def read_column(order, distinct, steps, index):
    (count,) = take(distinct, 1)
    ensure(1 <= count <= len(order), "a column without values")
    values, before = [], 0
    for step in take(steps, count):
        before += step
        ensure(before < 1 << 64, "a value overflows")
        values.append(before)
    cells = take(index, len(order))
    ensure(all(cell < count for cell in cells), "a cell refers to no value")
    column = [0] * len(order)
    for row, cell in zip(order, cells):
        column[row] = values[cell]
    order.sort(key=column.__getitem__)
    return column


def read_rows(table, rows, at, distinct, steps, index):
    ensure(rows > 0, "a table without records")
    times, before = [], 0
    for step in take(at, rows):
        before += step
        ensure(0 <= before < 1 << 32, "a time out of range")
        times.append(before)
    order = list(range(rows))
    columns = [read_column(order, distinct, steps, index) for _ in range(table["columns"])]
    split = table["attributes"]
    for row, time in enumerate(times):
        cells = [column[row] for column in columns]
        value = {PLAIN: None, COUNT: cells[split] if cells[split:] else None, BUCKETS: cells[split:]}
        yield {
            "entry": table["entry"], "at": time, "attributes": cells[:split], "value": value[table["shape"]],
        }


def decode(envelope):
    """The batch in an envelope."""
    reader = Reader(unpack(envelope))
    hex_of = lambda count: reader.take(count).hex()  # noqa: E731
    purpose = reader.word(PURPOSES)
    agent = reader.take(min(reader.unsigned(64), MAX_UNPACKED))
    ensure(len(agent) <= MAX_AGENT and all(0x21 <= byte <= 0x7E for byte in agent), "not a version")
    header = {
        "purpose": purpose, "agent": agent.decode("ascii"), "catalog": hex_of(32), "consent": hex_of(32),
        "retention": reader.word(RETENTIONS),
    }
    epoch, lo = hex_of(16), reader.unsigned(64)
    gaps = reader.many(MAX_GAPS, lambda: {
        "epoch": hex_of(16), "lo": reader.unsigned(64), "hi": reader.unsigned(64),
        "reason": reader.word(REASONS),
    })
    order = reader.many(MAX_RECORDS, lambda: reader.unsigned(32))
    tables = reader.many(MAX_RECORDS, lambda: read_table(reader))
    at = reader.many(MAX_RECORDS, reader.signed)
    distinct = reader.many(MAX_COLUMNS, lambda: reader.unsigned(32))
    steps = reader.many(MAX_COLUMNS, lambda: reader.unsigned(64))
    index = reader.many(MAX_COLUMNS, lambda: reader.unsigned(32))
    ensure(reader.at == len(reader.data), "bytes after the body")
    ensure(order and lo + len(order) < 1 << 64, "no record, or numbers that overflow")
    ensure(all(gap["lo"] <= gap["hi"] for gap in gaps), "a gap ends before it begins")
    rows = [
        read_rows(table, order.count(number), at, distinct, steps, index) for number, table in enumerate(tables)
    ]
    rows = [iter(list(table)) for table in rows]
    ensure(not (at or distinct or steps or index), "more cells than the tables have")
    ensure(all(table < len(rows) for table in order), "a record of a table that is not there")
    records = [next(rows[table]) for table in order]
    hi = lo + len(records) - 1
    return {"header": header, "epoch": epoch, "lo": lo, "hi": hi, "records": records, "gaps": gaps}


def main(paths):
    for path in paths:
        with open(path, "rb") as file:
            try:
                print(json.dumps(decode(file.read())))
            except NotABatch as error:
                print(f"{path}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

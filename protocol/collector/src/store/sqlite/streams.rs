//! State of a stream: its row, ranges and gaps.

use crate::store::engine::{Connection, Fetched, OptionalRow, Row};
use protocol::{Digest, Epoch, Purpose, Reason};

use super::rows::{self, Word};
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::rules::ranges::Ranges;
use crate::store::rules::sums::{Column, START, sum};

/// An epoch of a purpose of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    /// Number of the device.
    pub(crate) device: i64,
    pub(crate) purpose: Purpose,
    pub(crate) epoch: Epoch,
}

impl Name {
    /// The stream that the first three columns of a row name.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, Failure> {
        let purpose: i64 = row.get(1)?;
        Ok(Self {
            device: row.get(0)?,
            purpose: Purpose::at(purpose)?,
            epoch: Epoch::from_bytes(row.get(2)?),
        })
    }
}

/// The row of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Envelopes that were ever stored.
    pub(crate) n: i64,
    /// The link of the last of them.
    pub(crate) chain: Digest,
    /// How many of the first are erased.
    pub(crate) base_n: i64,
    /// The link of the last of those.
    pub(crate) base_chain: Digest,
    /// Held ranges.
    pub(crate) spans: i64,
    /// Declared gaps.
    pub(crate) gaps: i64,
    /// When the last envelope came.
    pub(crate) received: i64,
}

impl Stream {
    /// Before its first envelope.
    pub(crate) const NEW: Self =
        Self { n: 0, chain: START, base_n: 0, base_chain: START, spans: 0, gaps: 0, received: 0 };

    fn sum(&self, name: Name) -> Digest {
        sum(
            "stream",
            &[
                Column::Int(name.device),
                Column::Int(name.purpose.place()),
                Column::Bytes(&name.epoch.to_bytes()),
                Column::Int(self.n),
                Column::Bytes(&self.chain.to_bytes()),
                Column::Int(self.base_n),
                Column::Bytes(&self.base_chain.to_bytes()),
                Column::Int(self.spans),
                Column::Int(self.gaps),
                Column::Int(self.received),
            ],
        )
    }
}

/// The row of a stream; `None` if nothing of it ever came.
pub(crate) fn find(sql: &Connection, name: Name) -> Result<Option<Stream>, Failure> {
    let statement = "SELECT n, chain, base_n, base_chain, spans, gaps, received, sum FROM stream \
                     WHERE device = ?1 AND purpose = ?2 AND epoch = ?3";
    let params = (name.device, name.purpose.place(), name.epoch.to_bytes());
    let found = sql.prepare_cached(statement)?.query_row(params, |row| read(row, 0)).optional()?;
    found.map(|(stream, stored)| check(name, stream, stored)).transpose()
}

/// The columns `n` to `sum`, from the column `first` on.
pub(crate) fn read(row: &Row<'_>, first: usize) -> Fetched<(Stream, [u8; 32])> {
    let stream = Stream {
        n: row.get(first)?,
        chain: Digest::from_bytes(row.get(first + 1)?),
        base_n: row.get(first + 2)?,
        base_chain: Digest::from_bytes(row.get(first + 3)?),
        spans: row.get(first + 4)?,
        gaps: row.get(first + 5)?,
        received: row.get(first + 6)?,
    };
    Ok((stream, row.get(first + 7)?))
}

/// The stream, if it has the sum that was stored with it.
pub(crate) fn check(name: Name, stream: Stream, stored: [u8; 32]) -> Result<Stream, Failure> {
    rows::check(stored, stream.sum(name), || what(name))?;
    Ok(stream)
}

fn what(name: Name) -> String {
    format!("stream {} {} of device number {}", name.purpose, name.epoch, name.device)
}

/// Writes the row of a stream.
pub(crate) fn save(tx: &Tx<'_>, name: Name, stream: &Stream) -> Result<(), Failure> {
    let sum = stream.sum(name);
    let params = (
        name.device,
        name.purpose.place(),
        name.epoch.to_bytes(),
        stream.n,
        stream.chain.to_bytes(),
        stream.base_n,
        stream.base_chain.to_bytes(),
        stream.spans,
        stream.gaps,
        stream.received,
        sum.to_bytes(),
    );
    tx.put("REPLACE INTO stream VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", params, sum)
}

/// The held ranges that share a number with `lo..=hi` or touch it.
pub(crate) fn held(sql: &Connection, name: Name, lo: u64, hi: u64) -> Result<Ranges, Failure> {
    let statement = "SELECT lo, hi, sum FROM held WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 \
                     AND lo <= ?4 ORDER BY lo DESC";
    let (from, to) = (rows::number(lo.saturating_sub(1)), rows::number(hi.saturating_add(1)));
    let params = (name.device, name.purpose.place(), name.epoch.to_bytes(), to);
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query(params)?;
    let mut out = Ranges::default();
    while let Some(row) = found.next()? {
        let (lo, hi): (i64, i64) = (row.get(0)?, row.get(1)?);
        rows::check(row.get(2)?, held_sum(name, lo, hi), || what(name))?;
        // Ranges do not overlap, so none further down reaches this far.
        if hi < from {
            break;
        }
        out.insert(rows::seq(lo), rows::seq(hi));
    }
    Ok(out)
}

/// The sum of a held range.
pub(crate) fn held_sum(name: Name, lo: i64, hi: i64) -> Digest {
    let epoch = name.epoch.to_bytes();
    let columns = [Column::Int(name.device), Column::Int(name.purpose.place()), Column::Bytes(&epoch)];
    let [device, purpose, epoch] = columns;
    sum("held", &[device, purpose, epoch, Column::Int(lo), Column::Int(hi)])
}

/// Puts a held range in the place of those that it swallows.
pub(crate) fn hold(tx: &Tx<'_>, name: Name, swallowed: &[u64], (lo, hi): (u64, u64)) -> Result<(), Failure> {
    let (device, purpose, epoch) = (name.device, name.purpose.place(), name.epoch.to_bytes());
    for &gone in swallowed {
        let statement = "DELETE FROM held WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 AND lo = ?4";
        tx.remove_one(statement, (device, purpose, epoch, rows::number(gone)))?;
    }
    let (lo, hi) = (rows::number(lo), rows::number(hi));
    let sum = held_sum(name, lo, hi);
    let params = (device, purpose, epoch, lo, hi, sum.to_bytes());
    tx.put("INSERT INTO held VALUES(?1, ?2, ?3, ?4, ?5, ?6)", params, sum)
}

/// The declared gaps that share a number with `from..=to`.
pub(crate) fn declared(sql: &Connection, name: Name, from: u64, to: u64) -> Result<Ranges, Failure> {
    let statement = "SELECT lo, hi, reason, sum FROM gap WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 \
                     AND lo <= ?4 ORDER BY lo DESC";
    let params = (name.device, name.purpose.place(), name.epoch.to_bytes(), rows::number(to));
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query(params)?;
    let mut into = Ranges::default();
    while let Some(row) = found.next()? {
        let (lo, hi, reason): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        rows::check(row.get(3)?, gap_sum(name, lo, hi, reason), || what(name))?;
        if hi < rows::number(from) {
            break;
        }
        into.insert(rows::seq(lo), rows::seq(hi));
    }
    Ok(into)
}

/// The sum of a gap.
pub(crate) fn gap_sum(name: Name, lo: i64, hi: i64, reason: i64) -> Digest {
    let epoch = name.epoch.to_bytes();
    let columns = [
        Column::Int(name.device),
        Column::Int(name.purpose.place()),
        Column::Bytes(&epoch),
        Column::Int(lo),
        Column::Int(hi),
        Column::Int(reason),
    ];
    sum("gap", &columns)
}

/// Keeps a gap.
pub(crate) fn declare(tx: &Tx<'_>, name: Name, lo: u64, hi: u64, reason: Reason) -> Result<(), Failure> {
    let (lo, hi, reason) = (rows::number(lo), rows::number(hi), reason.place());
    let sum = gap_sum(name, lo, hi, reason);
    let params = (name.device, name.purpose.place(), name.epoch.to_bytes(), lo, hi, reason, sum.to_bytes());
    tx.put("INSERT INTO gap VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", params, sum)
}

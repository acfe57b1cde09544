//! What a batch of records says, independent of its bytes (those are `envelope`'s).

use crate::identity::{Digest, Epoch, Purpose, Reason, Retention};

/// What is said once for all records of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The purpose, and so the stream.
    pub purpose: Purpose,
    /// Version of the agent that took the records in.
    pub agent: String,
    /// SHA-256 of the catalog that the records' numbers refer to.
    pub catalog: Digest,
    /// SHA-256 of the ledger entry that allowed the collection.
    pub consent: Digest,
    /// How long the vendor may keep the records.
    pub retention: Retention,
}

/// A closed range of one epoch of one stream. The record at index `i` has sequence number `lo + i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Said once for all.
    pub header: Header,
    /// The run of the store that numbered them.
    pub epoch: Epoch,
    /// Sequence number of the first record.
    pub lo: u64,
    /// At least one, at most [`crate::envelope::MAX_RECORDS`].
    pub records: Vec<Record>,
    /// What was numbered and will never come.
    pub gaps: Vec<Gap>,
}

impl Batch {
    /// Sequence number of the last record.
    pub fn hi(&self) -> u64 {
        self.lo + (self.records.len() as u64).saturating_sub(1)
    }

    /// The batch's name in its route: `{epoch-hex}-{lo}-{hi}`.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.epoch, self.lo, self.hi())
    }
}

/// One statement of the catalog, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The catalog entry's number.
    pub entry: u16,
    /// Civil hours, days, ISO weeks or months since 1970-01-01 (weeks: since Monday 1969-12-29), as the
    /// entry's granularity says, at the clock and offset that Kathea wrote.
    pub at: u32,
    /// In the catalog's order: an integer as itself, an enumeration as its index, a version as
    /// four 16-bit fields.
    pub attributes: Vec<u64>,
    /// What the entry's kind adds.
    pub value: Value,
}

/// What a record says beyond its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An event or a state: the attributes say it all.
    Plain,
    /// A counter's increase over its period.
    Count(u64),
    /// A distribution's observations per bucket; one more than the entry has upper bounds.
    Buckets(Vec<u64>),
}

/// Numbered records that will never come, and why (inclusive range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The run of the store that numbered them.
    pub epoch: Epoch,
    /// First sequence number.
    pub lo: u64,
    /// Last sequence number.
    pub hi: u64,
    /// Why.
    pub reason: Reason,
}

//! Size of a queue and of a generation, kept in memory so that asking does not read the disk.

use crate::limits;

/// What a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Records: exact.
    pub records: u64,
    /// Sealed bytes; taken in proportion where a generation is settled in part.
    pub bytes: u64,
}

/// What was put in a generation, settled or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    pub(super) items: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    /// It was merged: nothing is added to it any more, and a second merge finds nothing to do.
    pub(super) merged: bool,
}

impl Content {
    /// One more sealed record, with what it counts for.
    pub(super) fn add(&mut self, records: u32, bytes: usize) {
        self.items += 1;
        self.records += u64::from(records);
        self.bytes += bytes as u64;
    }

    /// Whether merging would leave fewer sealed records: most are below the limits of bytes and records.
    pub(super) fn is_small(&self) -> bool {
        !self.merged
            && self.bytes < self.items.saturating_mul(limits::MERGE_BELOW)
            && self.records < self.items.saturating_mul(limits::MERGE_BELOW_RECORDS)
    }
}

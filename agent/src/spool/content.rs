//! How much is in a tray and in a generation: kept in memory, so that asking costs no look at the disk.

/// What waits in a tray.
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
    pub(super) merged: bool,
}

impl Content {
    /// One more sealed record, with what it counts for.
    pub(super) fn add(&mut self, records: u32, bytes: usize) {
        self.items += 1;
        self.records += u64::from(records);
        self.bytes += bytes as u64;
    }
}

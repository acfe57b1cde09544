//! What a file system says of a program's file, by which a change of the file shows without reading it.

use std::fs::Metadata;

use serde::{Deserialize, Serialize};

/// Length, place and times of a file when it was read. The time of its last change cannot be set by anybody, so a file with
/// the same stamp has the same content, unless both came within one tick of the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    length: u64,
    place: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Seconds behind its last change from which on a further one shows.
    const TICK: i64 = 2;

    /// The stamp of a file; Windows tells no time that nobody can set, so that each file is read there.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            length: metadata.len(),
            place: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// The stamp of a file; Windows tells no time that nobody can set, so that each file is read there.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// Whether a change after `now`, in seconds since 1970, shows in another stamp.
    pub(super) fn is_settled(&self, now: i64) -> bool {
        self.changed.0.saturating_add(Self::TICK) <= now
    }
}

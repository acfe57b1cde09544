//! Where intake stands between two turns: the files that it listed, and the one that it is in.

use crate::collect::outbox::{Files, Lines, Source};

/// What is left of the last look into the outbox.
#[derive(Debug, Default)]
pub(super) struct Taking {
    pub(super) waiting: Option<Files>,
    pub(super) reading: Option<Reading>,
}

impl Taking {
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.as_ref().is_some_and(|files| !files.is_empty())
    }
}

/// A file that is being read, and from which line on each of the four still wants it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) source: Source,
    pub(super) lines: Lines,
    pub(super) usage: u64,
    pub(super) open: u64,
    pub(super) counters: u64,
    pub(super) history: u64,
}

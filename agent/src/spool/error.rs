//! Errors of a queue, and what the caller does about each.

use std::fmt;
use std::io;

use crate::presence::Why;

/// Why the spool did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolError {
    /// A record does not stand at [`position`](super::Spool::position), or has no records in it. Nothing was
    /// done: seal it again at the position and put it again.
    Misplaced,
    /// A record is longer than [`limits::SEALED`](crate::limits::SEALED) bytes. Nothing was done.
    TooLarge,
    /// The disk is full. The queue can still be drained; nothing new is accepted until space is free.
    Full,
    /// Another process has the store open: another agent runs on the same `data_dir`.
    Locked,
    /// What is on disk is not what was written: call [`recover`](super::Spool::recover).
    Damaged,
    /// An earlier call failed and its outcome is open: call [`recover`](super::Spool::recover).
    Unsettled,
    /// Something that waits was not found, though it is there: the disk did not answer. The files were put back as they
    /// were: call [`recover`](super::Spool::recover).
    NotNow,
    /// A thread of sled has panicked and sled is unusable in this process: end it and start again.
    Poisoned,
    /// The operating system refused; nothing on disk is taken to be damaged.
    Io(io::ErrorKind),
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misplaced => f.write_str("a record's number is not the queue's next one: seal it again"),
            Self::TooLarge => f.write_str("a sealed record is too long for the queue: split it"),
            Self::Full => f.write_str("the disk of data_dir is full: free some space"),
            Self::Locked => f.write_str("the spool is in use by another process: stop the other agent"),
            Self::Damaged => f.write_str("the spool is damaged on disk: what can be found is recovered"),
            Self::Unsettled => f.write_str("the spool has to look at its files again after an error"),
            Self::NotNow => f.write_str(
                "the disk did not give all of the spool's files: nothing is given up, and they are read again",
            ),
            Self::Poisoned => f.write_str("the store cannot go on in this process: start the agent again"),
            Self::Io(kind) => write!(
                f,
                "the spool's files cannot be used now ({}): nothing is given up; check the disk and the rights of \
                 data_dir, and try again",
                Why(*kind)
            ),
        }
    }
}

impl std::error::Error for SpoolError {}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Io(kind),
        }
    }
}

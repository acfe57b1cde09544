//! Errors of a queue, and what the caller does about each.

use std::io;

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

crate::texts! { SpoolError {
    Self::Misplaced =>
        "a record's number is not the queue's next one: seal it again",
        "en posts nummer er ikke køens næste: forsegl den igen";
    Self::TooLarge =>
        "a sealed record is too long for the queue: split it",
        "en forseglet post er for lang til køen: del den";
    Self::Full => "the disk of data_dir is full: free some space", "disken med data_dir er fuld: frigør plads";
    Self::Locked =>
        "the spool is in use by another process: stop the other agent",
        "køen bruges af en anden proces: stop den anden agent";
    Self::Damaged =>
        "the spool is damaged on disk: what can be found is recovered",
        "køen er beskadiget på disken: det, der kan findes, genskabes";
    Self::Unsettled =>
        "the spool has to look at its files again after an error",
        "køens filer skal læses igen efter en fejl";
    Self::NotNow =>
        "the disk did not give all of the spool's files: nothing is given up, and they are read again",
        "disken afleverede ikke alle køens filer: intet opgives, og de læses igen";
    Self::Poisoned =>
        "the store cannot go on in this process: start the agent again",
        "lageret kan ikke fortsætte i denne proces: start agenten igen";
    Self::Io(why) =>
        "the spool's files cannot be used now ({why}): nothing is given up; check the disk and the rights of \
         data_dir, and try again",
        "køens filer kan ikke bruges nu ({why}): intet opgives; kontrollér disken og rettighederne til data_dir, og \
         prøv igen", why;
} }

impl std::error::Error for SpoolError {}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Io(kind),
        }
    }
}

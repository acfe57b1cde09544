//! Errors of commands and requests: one sentence each, never content.

use std::fmt;
use std::io;
use std::path::Path;

/// What happened and what to do, for a person who runs the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    sentence: String,
    cause: Cause,
}

/// What a caller tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The disk is full.
    Full,
    /// Something that is stored is not what was stored.
    Damaged,
    /// Done in part; the rest was listed.
    Partial,
    /// All others.
    Other,
}

impl Failure {
    /// A sentence of its own.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), cause: Cause::Other }
    }

    /// For `map_err`: the file or directory that an operation was about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::full(),
            _ => Self::new(format!("{}: {error}", path.display())),
        }
    }

    /// A file whose content is not what this program writes.
    pub(crate) fn unreadable(path: &Path) -> Self {
        Self::damaged(format!("{} is damaged; restore it from a backup", path.display()))
    }

    /// Something that is stored is not what was stored.
    pub(crate) fn damaged(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), cause: Cause::Damaged }
    }

    /// The disk is full.
    pub(crate) fn full() -> Self {
        Self {
            sentence: "the disk is full; nothing is stored until you free some space".to_owned(),
            cause: Cause::Full,
        }
    }

    /// Done in part; the rest was listed.
    pub(crate) fn partial(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), cause: Cause::Partial }
    }

    /// What a caller tells apart.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

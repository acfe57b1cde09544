//! Why a command or a request could not be carried out: one sentence, never content.

use std::fmt;
use std::io;
use std::path::Path;

/// What happened and what to do, for a person who runs the collector.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A sentence of its own.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// For `map_err`: the file or directory that an operation was about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{}: {error}", path.display()))
    }

    /// A file whose content is not what this program writes.
    pub(crate) fn unreadable(path: &Path) -> Self {
        Self(format!("{} is damaged; restore it from a backup", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

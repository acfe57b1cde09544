//! Why there is no summary: one sentence, never content.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// What happened, to which thing, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// The bundle or a file cannot be used.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 1 }
    }

    /// Something else was to be typed.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 2 }
    }

    /// The clinic's consent does not cover it.
    pub(crate) fn not_allowed(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 4 }
    }

    /// For `map_err`: what an operation was about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            let what = match error.kind() {
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                io::ErrorKind::PermissionDenied => "may not be read or written by this account".to_owned(),
                io::ErrorKind::StorageFull => "cannot be written: the disk is full".to_owned(),
                io::ErrorKind::AlreadyExists => "exists already: name a new folder with -o".to_owned(),
                kind => format!("cannot be used ({kind})"),
            };
            Self::new(format!("{} {what}", path.display()))
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

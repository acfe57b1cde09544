//! The exit codes, and failures in one or two sentences: what happened, what to do.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use agent::api::{PERSONAL, Reply};

use crate::texts::refusal::{Refusal, Word};
use crate::texts::{language, say};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// It went wrong.
    Failed = 1,
    /// What was typed, or the configuration, makes no sense.
    Usage = 2,
    /// Done in part; the rest is listed.
    Part = 3,
    /// Not allowed by consent, policy or rights.
    NotAllowed = 4,
    /// The agent is not running, or can't now.
    Busy = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command was not carried out. Never carries content.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    what: String,
    /// Whether it is about a patient's name or number in what was typed.
    pub(crate) is_personal: bool,
}

impl Failure {
    /// It went wrong.
    pub(crate) fn failed(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, what: what.to_string(), is_personal: false }
    }

    /// What was typed, or the configuration, makes no sense.
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, what: what.to_string(), is_personal: false }
    }

    /// A patient's name or number seems to be in what was typed.
    pub(crate) fn personal(what: impl fmt::Display) -> Self {
        Self { is_personal: true, ..Self::usage(what) }
    }

    /// The agent can't now.
    pub(crate) fn busy(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Busy, what: what.to_string(), is_personal: false }
    }

    /// The agent said no.
    pub(crate) fn refused(reply: &Reply) -> Self {
        let exit = match reply.exit_code() {
            2 => Exit::Usage,
            4 => Exit::NotAllowed,
            5 => Exit::Busy,
            _ => Exit::Failed,
        };
        let is_personal = reply.error() == PERSONAL;
        Self {
            exit,
            what: format!("{}: {}", say(Word::of(reply.error())), reply.what_in(language())),
            is_personal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Why a file or folder that somebody named is of no use, and what to do.
pub(crate) fn unreadable(path: &Path, kind: ErrorKind) -> String {
    let path = path.to_owned();
    say(match kind {
        ErrorKind::NotFound => Refusal::Missing { path },
        ErrorKind::PermissionDenied => Refusal::Forbidden { path },
        ErrorKind::IsADirectory => Refusal::Folder { path },
        ErrorKind::NotADirectory => Refusal::BelowNoFolder { path },
        why => Refusal::Unreadable { path, why },
    })
}

/// Why a file that was named for output cannot be written, and what to do.
pub(crate) fn unwritable(path: &Path, kind: ErrorKind) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    say(match (kind, folder) {
        (ErrorKind::NotFound, Some(folder)) => Refusal::NoFolder { path: folder.to_owned() },
        (why, _) => Refusal::Unwritable { path: path.to_owned(), why },
    })
}

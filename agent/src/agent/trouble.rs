//! The agent's internal errors; each message says what happened and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::consent::{ConsentError, PolicyError};
use crate::harmless;
use crate::presence::Why;
use crate::spool::SpoolError;
use crate::support::record::RecordError;
use crate::vault::SealError;
use crate::vault::VaultError;

/// Why the agent does not start.
#[derive(Debug)]
pub enum OpenError {
    /// Another agent works in this directory.
    Locked,
    /// The directory is not this account's to use.
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::ErrorKind,
    },
    /// A file is there, or may be, and the disk does not give it now. Nothing was changed.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::ErrorKind,
    },
    /// The device was taken out of use here.
    Decommissioned,
    /// A later version wrote the store.
    Newer {
        /// Its format.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// The system gives no randomness.
    Random,
    /// The policy is no policy.
    Policy(PolicyError),
    /// The keys can't be used.
    Vault(VaultError),
    /// The store can't be used.
    Spool(SpoolError),
    /// Something that a crash cut could not be finished.
    Unfinished(Trouble),
}

impl OpenError {
    /// For an error of the file system under `path`.
    pub(super) fn data_dir(path: &Path, e: &io::Error) -> Self {
        Self::DataDir { path: path.to_owned(), why: e.kind() }
    }

    /// For a file below `data_dir` that the disk does not give now.
    pub(super) fn unreadable(path: &Path, e: &io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), why: e.kind() }
    }

    /// Whether the agent runs elsewhere, or this account may not look (exit code 5).
    pub fn is_busy(&self) -> bool {
        matches!(
            self,
            Self::Locked
                | Self::DataDir { why: io::ErrorKind::PermissionDenied, .. }
                | Self::Vault(VaultError::OtherAccount)
        )
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str(
                "another agent process uses this data directory and does not answer: wait for it, or stop it",
            ),
            Self::DataDir { path, why } => write!(
                f,
                "the data directory {} cannot be used ({}): run as the agent's account, or set data_dir",
                harmless::path(path),
                Why(*why)
            ),
            Self::Unreadable { path, why } => write!(
                f,
                "{} cannot be read now ({}): nothing was changed; check the disk and the rights, and try again",
                harmless::path(path),
                Why(*why)
            ),
            Self::Decommissioned => f.write_str(
                "this device was taken out of use: the certificate is `decommissioned` in data_dir; to begin anew, \
                 move that directory away",
            ),
            Self::Newer { found, known } => write!(
                f,
                "a later version wrote data_dir (format {found}, this one knows {known}): nothing was touched; install \
                 that version again"
            ),
            Self::Random => {
                f.write_str("the system provides no random numbers, so nothing can be encrypted: the agent does not start")
            }
            Self::Policy(e) => e.fmt(f),
            Self::Vault(e) => e.fmt(f),
            Self::Spool(e) => e.fmt(f),
            Self::Unfinished(trouble) => trouble.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why something was not done now. It is tried again.
#[derive(Debug)]
pub enum Trouble {
    /// The clinic no longer says yes.
    NoPermit,
    /// A file could not be read or written.
    Io(io::ErrorKind),
    /// A record could not be sealed.
    Seal(SealError),
    /// The store refused.
    Spool(SpoolError),
    /// The consent ledger could not be written.
    Consent(ConsentError),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermit => f.write_str("there is no active consent for this purpose"),
            Self::Io(kind) => write!(
                f,
                "a file cannot be read or written now ({}): check the disk, its space and rights, and try again",
                Why(*kind)
            ),
            Self::Seal(e) => e.fmt(f),
            Self::Spool(e) => e.fmt(f),
            Self::Consent(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Trouble {}

macro_rules! from {
    ($to:ident: $($source:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$source> for $to {
            fn from(e: $source) -> Self {
                Self::$variant(e)
            }
        })+
    };
}

from!(OpenError: PolicyError => Policy, VaultError => Vault, SpoolError => Spool, Trouble => Unfinished);
from!(Trouble: SealError => Seal, SpoolError => Spool, ConsentError => Consent);

impl From<RecordError> for Trouble {
    fn from(e: RecordError) -> Self {
        match e {
            RecordError::Seal(e) => Self::Seal(e),
            RecordError::Io(kind) => Self::Io(kind),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        Self::Io(e.kind())
    }
}

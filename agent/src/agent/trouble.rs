//! The agent's internal errors; each message says what happened and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::consent::{ConsentError, PolicyError};
use crate::history::Unsaved;
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

crate::texts! { OpenError {
    Self::Locked =>
        "another agent process uses this data directory and does not answer: wait for it, or stop it",
        "en anden agentproces bruger datamappen og svarer ikke: vent på den, eller stop den";
    Self::DataDir { path, why } =>
        "the data directory {path} cannot be used ({why}): run as the agent's account, or set data_dir",
        "datamappen {path} kan ikke bruges ({why}): kør kommandoen fra agentens konto, eller angiv data_dir", path, why;
    Self::Unreadable { path, why } =>
        "{path} cannot be read now ({why}): nothing was changed; check the disk and the rights, and try again",
        "{path} kan ikke læses nu ({why}): intet er ændret; kontrollér disken og rettighederne, og prøv igen", path, why;
    Self::Decommissioned =>
        "this device was taken out of use: the certificate is `decommissioned` in data_dir; to begin anew, \
         move that directory away",
        "enheden er taget ud af brug: attesten er `decommissioned` i data_dir; flyt mappen væk for at begynde forfra";
    Self::Newer { found, known } =>
        "a later version wrote data_dir (format {found}, this one knows {known}): nothing was touched; install \
         that version again",
        "en senere version har skrevet data_dir (format {found}, denne kender {known}): intet er rørt; installér den \
         version igen", found, known;
    Self::Random =>
        "the system provides no random numbers, so nothing can be encrypted: the agent does not start",
        "systemet leverer ingen tilfældige tal, så intet kan krypteres: agenten starter ikke";
    Self::Policy(why) => "{why}", "{why}", why;
    Self::Vault(why) => "{why}", "{why}", why;
    Self::Spool(why) => "{why}", "{why}", why;
    Self::Unfinished(why) => "{why}", "{why}", why;
} }

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
    /// The clinic's own history could not be saved.
    History(Unsaved),
}

crate::texts! { Trouble {
    Self::NoPermit => "there is no active consent for this purpose", "der er intet gældende samtykke til dette formål";
    Self::Io(why) =>
        "a file cannot be read or written now ({why}): check the disk, its space and rights, and try again",
        "en fil kan ikke læses eller skrives nu ({why}): kontrollér disken, dens plads og rettigheder, og prøv igen", why;
    Self::Seal(why) => "{why}", "{why}", why;
    Self::Spool(why) => "{why}", "{why}", why;
    Self::Consent(why) => "{why}", "{why}", why;
    Self::History(why) => "{why}", "{why}", why;
} }

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
from!(Trouble: SealError => Seal, SpoolError => Spool, ConsentError => Consent, Unsaved => History);

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

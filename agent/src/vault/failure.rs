//! What can be wrong with keys: errors at the start, and losses that it survives.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::data_key::KeyId;
use super::stored;
use crate::harmless;
use crate::presence::Why;

/// Why the keys can't be opened. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// `auto` found nothing that the operating system protects.
    NoProtector,
    /// `systemd` without a credentials directory.
    NoCredential,
    /// `dpapi` elsewhere than on Windows, or refused there.
    NoDpapi,
    /// Windows data protection of another account: mostly that of the service.
    OtherAccount,
    /// The systemd credential is not there or not 32 bytes long.
    BadCredential(PathBuf),
    /// A file is there but can't be read.
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why, in the system's words.
        why: io::ErrorKind,
    },
    /// A file can't be written.
    Unwritable {
        /// Which one.
        path: PathBuf,
        /// Why, in the system's words.
        why: io::ErrorKind,
    },
    /// The system gave no randomness.
    Crypto,
}

impl VaultError {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), why: error.kind() }
    }

    pub(super) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::Unwritable { path: path.to_owned(), why: error.kind() }
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProtector => f.write_str(
                "the operating system offers nothing here that protects the keys: install the package, or \
                 accept a plain key file with `protector = \"file\"` under [keys] in the configuration",
            ),
            Self::NoCredential => f.write_str(
                "systemd gave this process no credentials: start the installed service, or choose another \
                 protector under [keys] in the configuration",
            ),
            Self::NoDpapi => f.write_str(
                "Windows data protection is not to be had here: run the agent on Windows, under an account with a \
                 profile, or set `protector = \"auto\"` under [keys] in the configuration",
            ),
            Self::OtherAccount => f.write_str(
                "the keys belong to another account, mostly that of the service: start the service",
            ),
            Self::BadCredential(path) => write!(
                f,
                "the systemd credential {} is not a key of 32 bytes: install the package again",
                harmless::path(path)
            ),
            Self::Unreadable { path, why } => write!(
                f,
                "the key {} cannot be read now ({}): nothing was changed; check the disk and the agent's right to \
                 read it, and try again",
                harmless::path(path),
                Why(*why)
            ),
            Self::Unwritable { path, why } => write!(
                f,
                "the key {} cannot be written ({}): check the rights and the space of data_dir",
                harmless::path(path),
                Why(*why)
            ),
            Self::Crypto => f.write_str("the system provided no random numbers: start the agent again"),
        }
    }
}

impl std::error::Error for VaultError {}

/// Keys that were lost, and with them what was sealed under them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The root key or the device's identity is lost: all keys are, and this is a new device.
    Everything,
    /// One data key.
    Key {
        /// Whose it was.
        compartment: String,
        /// Which one.
        id: KeyId,
    },
}

impl Loss {
    pub(super) fn key(path: &Path) -> Self {
        match stored::name_of(path) {
            Some((compartment, id)) => Self::Key { compartment: compartment.to_owned(), id },
            None => Self::Everything,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str(
                "the root key or the device's identity was lost or damaged: new keys were made, and the device must be \
                 enrolled and asked for consent again; what was waiting is kept, and cannot be read until the old \
                 files, keys/quarantine-*, are good again",
            ),
            Self::Key { compartment, id } => write!(
                f,
                "the data key {id} of {compartment} was damaged: what was sealed under it is kept and cannot be read; \
                 the file is keys/{}{compartment}-{id}.key",
                stored::QUARANTINE
            ),
        }
    }
}

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// There is no data key for it: shredded, or never made.
    NoKey,
    /// The system gave no randomness, or refused the key.
    Crypto,
    /// The tag does not verify: damaged, moved, or of another device.
    Refused,
    /// The tag verifies but the content is of another version.
    Version,
    /// More than 255 cursors or 4 GiB.
    TooLarge,
    /// The data key could not be kept on disk.
    KeyFile,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "no data key for this record: it was shredded or never made",
            Self::Crypto => "the system's random numbers or the cipher refused to work",
            Self::Refused => "a sealed record does not verify: it is damaged or from another device",
            Self::Version => "a sealed record has a version that this program cannot read",
            Self::TooLarge => "a record is too large to seal",
            Self::KeyFile => "the data key cannot be written: check the rights and the space of data_dir",
        })
    }
}

impl std::error::Error for SealError {}

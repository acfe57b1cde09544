//! What can be wrong with keys: errors at the start, and losses that it survives.

use std::io;
use std::path::{Path, PathBuf};

use super::data_key::KeyId;
use super::stored;

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

crate::texts! { VaultError {
    Self::NoProtector =>
        "the operating system offers no protection for the keys here: install the package, or \
         accept a plain key file with `protector = \"file\"` under [keys] in the configuration",
        "operativsystemet tilbyder intet her, der beskytter nøglerne: installér pakken, eller acceptér en ubeskyttet \
         nøglefil med `protector = \"file\"` under [keys] i konfigurationen";
    Self::NoCredential =>
        "systemd gave this process no credentials: start the installed service, or choose another \
         protector under [keys] in the configuration",
        "systemd gav ikke processen nogen nøgle: start den installerede tjeneste, eller vælg en anden beskyttelse under \
         [keys] i konfigurationen";
    Self::NoDpapi =>
        "Windows data protection is not available here: run the agent on Windows, under an account with a \
         profile, or set `protector = \"auto\"` under [keys] in the configuration",
        "Windows' databeskyttelse findes ikke her: kør agenten på Windows under en konto med en profil, eller sæt \
         `protector = \"auto\"` under [keys] i konfigurationen";
    Self::OtherAccount =>
        "the keys belong to another account, usually that of the service: start the service",
        "nøglerne tilhører en anden konto, som regel tjenestens: start tjenesten";
    Self::BadCredential(path) =>
        "the systemd credential {path} is not a key of 32 bytes: install the package again",
        "systemd-nøglen {path} er ikke på 32 byte: installér pakken igen", path;
    Self::Unreadable { path, why } =>
        "the key {path} cannot be read now ({why}): nothing was changed; check the disk and the agent's right to \
         read it, and try again",
        "nøglen {path} kan ikke læses nu ({why}): intet er ændret; kontrollér disken og agentens ret til at læse den, \
         og prøv igen", path, why;
    Self::Unwritable { path, why } =>
        "the key {path} cannot be written ({why}): check the rights and the space of data_dir",
        "nøglen {path} kan ikke skrives ({why}): kontrollér rettigheder og plads i data_dir", path, why;
    Self::Crypto =>
        "the system provided no random numbers: start the agent again",
        "systemet leverede ingen tilfældige tal: start agenten igen";
} }

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

crate::texts! { Loss {
    Self::Everything =>
        "the root key or the device's identity was lost or damaged: new keys were made, and the device must be \
         enrolled and asked for consent again; what was waiting is kept, but cannot be read until the old \
         files, keys/quarantine-*, are restored",
        "rodnøglen eller enhedens identitet er gået tabt eller beskadiget: der er lavet nye nøgler, og enheden skal \
         tilmeldes og spørges om samtykke igen; det, der ventede, bevares og kan først læses, når de gamle filer, \
         keys/quarantine-*, er i orden igen";
    Self::Key { compartment, id } =>
        "the data key {id} of {compartment} was damaged: what was sealed under it is kept and cannot be read; \
         the file is keys/quarantine-{compartment}-{id}.key",
        "datanøglen {id} til {compartment} var beskadiget: det, der er forseglet under den, bevares og kan ikke læses; \
         filen er keys/quarantine-{compartment}-{id}.key", compartment, id;
} }

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

crate::texts! { SealError {
    Self::NoKey =>
        "no data key for this record: it was shredded or never made",
        "posten har ingen datanøgle: den er slettet eller aldrig lavet";
    Self::Crypto =>
        "the system's random numbers or the cipher failed",
        "systemets tilfældige tal eller krypteringen virker ikke";
    Self::Refused =>
        "a sealed record does not verify: it is damaged or from another device",
        "en forseglet post kan ikke bekræftes: den er beskadiget eller fra en anden enhed";
    Self::Version =>
        "a sealed record has a version that this program cannot read",
        "en forseglet post har en version, som programmet ikke kan læse";
    Self::TooLarge => "a record is too large to seal", "en post er for stor til at forsegle";
    Self::KeyFile =>
        "the data key cannot be written: check the rights and the space of data_dir",
        "datanøglen kan ikke skrives: kontrollér rettigheder og plads i data_dir";
} }

impl std::error::Error for SealError {}

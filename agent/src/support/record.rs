//! What is known of a sealed bundle, kept beside it under the key of its case.
//!
//! ```text
//! magic "KBDL" | version u8 = 1 | key id [8] | nonce [12] | sealed JSON | tag [16]
//! ```
//!
//! The head, the bundle's name and the device are authenticated: a record under another name does not open. With
//! the case's key it becomes unreadable, and so does the key from which the case's pseudonyms follow.

use std::fmt;
use std::io;
use std::path::Path;

use protocol::{CaseId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use super::bundle::SealedFile;
use super::draft::{Draft, ScanFile};
use super::pseudonyms::Pseudonyms;
use crate::consent::Flag;
use crate::durable;
use crate::limits;
use crate::vault::SealError;
use crate::vault::Vault;
use crate::vault::data_key::KeyId;

const MAGIC: &[u8; 5] = b"KBDL\x01";
const KEY_AT: usize = MAGIC.len();
const NONCE_AT: usize = KEY_AT + 8;
const TEXT_AT: usize = NONCE_AT + 12;

/// How far a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits.
    Queued,
    /// A part of it is at the collector.
    Sending,
    /// The collector has it and said so.
    Sent,
    /// Refused for good; a person may send it again.
    Failed,
}

impl State {
    /// In `status --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// A sealed bundle.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Eight hexadecimal digits, the draft's that it was.
    pub id: String,
    /// Its case.
    pub case: CaseId,
    /// What it needs a yes to, all of them.
    pub purposes: Vec<Purpose>,
    /// The ledger entries that said it, in the order of the purposes.
    pub consents: Vec<Digest>,
    /// When it was sealed, in seconds since 1970.
    pub sealed_at: i64,
    /// Bytes of the sealed file.
    pub size: u64,
    /// SHA-256 of the sealed file.
    pub sha256: Digest,
    /// SHA-256 of `manifest.json`, what was said yes to.
    pub manifest: Digest,
    /// How far it is.
    pub state: State,
    /// Bytes that the collector is known to have.
    pub offset: u64,
    /// Where it is sent to, once the collector named a place.
    pub url: Option<String>,
    /// What the collector answered when it had all of it.
    pub receipt: Option<String>,
    /// What the pseudonyms of the case follow from, so that its next bundle uses the same.
    pub(crate) pseudonyms: Pseudonyms,
    /// What the names of its scans stand for; only here.
    #[serde(default)]
    pub(crate) scans: Vec<ScanFile>,
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle({}, {}, {} of {} bytes)", self.id, self.state.as_str(), self.offset, self.size)
    }
}

/// Why a record could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// There is no key for it, or no randomness.
    Seal(SealError),
    /// The disk refused.
    Io(io::ErrorKind),
}

crate::texts! { RecordError {
    Self::Seal(why) => "{why}", "{why}", why;
    Self::Io(why) =>
        "the record of a bundle cannot be saved ({why}): check the space and rights of data_dir",
        "en pakkes oplysninger kan ikke gemmes ({why}): kontrollér plads og rettigheder i data_dir", why;
} }

impl std::error::Error for RecordError {}

impl From<SealError> for RecordError {
    fn from(e: SealError) -> Self {
        Self::Seal(e)
    }
}

impl From<io::Error> for RecordError {
    fn from(e: io::Error) -> Self {
        Self::Io(e.kind())
    }
}

impl Bundle {
    /// What the names of its scans stand for.
    pub fn scans(&self) -> &[ScanFile] {
        &self.scans
    }

    /// The bundle that was sealed of `draft`, before any of it was sent.
    pub fn queued(
        draft: &Draft,
        purposes: Vec<Purpose>,
        consents: Vec<Digest>,
        sealed: SealedFile,
        now: i64,
    ) -> Self {
        Self {
            id: draft.id().to_owned(),
            case: draft.case().clone(),
            purposes,
            consents,
            sealed_at: now,
            size: sealed.size,
            sha256: sealed.sha256,
            manifest: draft.digest(),
            state: State::Queued,
            offset: 0,
            url: None,
            receipt: None,
            pseudonyms: draft.pseudonyms().clone(),
            scans: draft.scans().to_vec(),
        }
    }

    /// Writes it to `path`, sealed.
    pub(super) fn keep(&self, path: &Path, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
        let device = vault.device();
        let mut text = serde_json::to_vec(self).map_err(|_| SealError::TooLarge)?;
        let (key, random) = vault.sealing_key(&Flag::SupportCase(self.case.clone()).compartment(), now)?;
        let head = [MAGIC.as_slice(), &key.id().0].concat();
        let aad = [head.as_slice(), &device.to_bytes(), self.id.as_bytes()].concat();
        let nonce = key.seal(&aad, &mut text, random).map_err(|_| SealError::Crypto)?;
        Ok(durable::replace(path, &[head.as_slice(), &nonce, &text].concat())?)
    }

    /// The key that a record says it was sealed under, if the stored `bytes` have the shape of one.
    pub(super) fn key_of(bytes: &[u8]) -> Option<KeyId> {
        let head = bytes.get(..NONCE_AT).filter(|head| head.starts_with(MAGIC))?;
        Some(KeyId(head.get(KEY_AT..)?.try_into().ok()?))
    }

    /// The record of bundle `id` in the stored `bytes`; `None` if no key that is there opens it.
    pub(super) fn open(id: &str, bytes: &[u8], vault: &Vault) -> Option<Self> {
        // One that was cut while it was read is not decrypted in vain.
        if bytes.len() as u64 > limits::SMALL_FILE {
            return None;
        }
        let (head, sealed) = bytes.split_at_checked(TEXT_AT)?;
        let (key, nonce) = (head.get(KEY_AT..NONCE_AT)?, head.get(NONCE_AT..)?);
        let head = head.get(..NONCE_AT).filter(|head| head.starts_with(MAGIC))?;
        let aad = [head, &vault.device().to_bytes(), id.as_bytes()].concat();
        let key = vault.any_key(KeyId(key.try_into().ok()?))?;
        let text = key.open(nonce.try_into().ok()?, &aad, sealed).ok()?;
        serde_json::from_slice::<Self>(&text).ok().filter(|bundle| bundle.id == id)
    }
}

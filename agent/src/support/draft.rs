//! A draft: what was gathered and cleaned, kept sealed until the clinic has seen it.
//!
//! ```text
//! magic "KDFT" | version u8 = 1 | frames of every file, one file after the other | frames of the index
//! | index's start u64
//! frame: nonce [12] | text of 64 KiB, the last of a file shorter | tag [16]
//! ```
//!
//! Integers are little-endian. A frame is authenticated with the draft's name, its file's number, its own, and
//! whether it is the last: none can be moved, repeated or cut off. The key is random and the draft's alone; with it
//! goes the draft.

mod frames;
mod writer;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use protocol::{CaseId, Digest};
use ring::digest::Context;
use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::manifest::{BadManifest, Manifest};
use super::pseudonyms::Pseudonyms;
use crate::limits;
use crate::vault::data_key::DataKey;
use frames::Frames;
pub use writer::Writer;

const MAGIC: &[u8; 5] = b"KDFT\x01";
const NONCE: usize = 12;
/// The file number under which the index is sealed.
const INDEX: u32 = u32::MAX;

/// The ending of a draft's file.
pub const ENDING: &str = "draft";

/// Where a file lies in a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    number: u32,
    start: u64,
    /// Bytes of the text.
    pub bytes: u64,
    /// SHA-256 of the text.
    pub sha256: Digest,
}

/// A file that was left out because what came of it would have named somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The file, as this workstation calls it.
    pub input: String,
    /// The rule, and the line or the attribute; never the value.
    pub finding: String,
}

/// A file of a chosen scan, and its neutral name in the bundle. It names a file of this workstation, so it leaves by no way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFile {
    /// In the bundle: `scans/scan-0003.json`.
    pub name: String,
    /// The file, as this workstation calls it.
    pub path: String,
    /// When it was written, in seconds since 1970.
    pub at: i64,
}

impl fmt::Debug for ScanFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanFile({})", self.name)
    }
}

#[derive(Serialize, Deserialize)]
struct Index {
    case: CaseId,
    made_at: i64,
    pseudonyms: Pseudonyms,
    manifest: Span,
    files: Vec<Span>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
    #[serde(default)]
    scans: Vec<ScanFile>,
}

/// A finished draft: readable here by whoever has its key, and nothing that leaves.
///
/// It becomes a bundle by the clinic's yes alone; nothing else takes one:
///
/// ```
/// use agent::support::draft::Draft;
/// use agent::support::queue::Queue;
/// use agent::support::record::{Bundle, RecordError};
/// use agent::vault::Vault;
///
/// fn keep(queue: &mut Queue, _: &Draft, bundle: Bundle, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
///     queue.add(bundle, vault, now)
/// }
/// ```
///
/// ```compile_fail,E0308
/// use agent::support::draft::Draft;
/// use agent::support::queue::Queue;
/// use agent::support::record::{Bundle, RecordError};
/// use agent::vault::Vault;
///
/// fn keep(queue: &mut Queue, draft: Draft, _: Bundle, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
///     queue.add(draft, vault, now)
/// }
/// ```
pub struct Draft {
    id: String,
    path: PathBuf,
    key: DataKey,
    index: Index,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({}, {} files)", self.id, self.index.files.len())
    }
}

impl Draft {
    /// Opens the draft `id` below `data_dir` with its key.
    ///
    /// # Errors
    /// Of the disk; [`Cause::Damaged`] if it is damaged or of another key.
    pub fn open(data_dir: &Path, id: &str, key: DataKey) -> io::Result<Self> {
        let path = path(data_dir, id);
        let mut file = File::open(&path)?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(damaged());
        }
        let end = file.seek(SeekFrom::End(-8))?;
        let mut start = [0; 8];
        file.read_exact(&mut start)?;
        let start = u64::from_le_bytes(start);
        let bytes =
            end.checked_sub(start).filter(|bytes| *bytes <= limits::DRAFT_INDEX).ok_or_else(damaged)?;
        // The length is the sealed one: only the last frame says how much the frames hold.
        let span = Span { number: INDEX, start, bytes, sha256: Digest::from_bytes([0; 32]) };
        let mut text = Vec::new();
        Frames::open(&path, id, &key, span)?.read_to_end(&mut text)?;
        let index = serde_json::from_slice(&text).map_err(|_| damaged())?;
        Ok(Self { id: id.to_owned(), path, key, index })
    }

    /// Likewise; none if there is no such draft, or it was read and is damaged or of another key.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn open_whole(data_dir: &Path, id: &str, key: DataKey) -> io::Result<Option<Self>> {
        use io::ErrorKind::{InvalidInput, NotFound, UnexpectedEof};
        match Self::open(data_dir, id, key) {
            Ok(draft) => Ok(Some(draft)),
            // What was read makes no sense, or ends before its time; a seek before the start is one into damage too.
            Err(e) if Cause::of(&e) == Some(Cause::Damaged) => Ok(None),
            Err(e) if matches!(e.kind(), InvalidInput | NotFound | UnexpectedEof) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Its name: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The case that it was made for.
    pub fn case(&self) -> &CaseId {
        &self.index.case
    }

    /// When it was made, in seconds since 1970.
    pub fn made_at(&self) -> i64 {
        self.index.made_at
    }

    /// What the clinic says yes to.
    pub fn digest(&self) -> Digest {
        self.index.manifest.sha256
    }

    /// What the case's pseudonyms follow from.
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.index.pseudonyms
    }

    /// The stored bytes of `manifest.json`.
    ///
    /// # Errors
    /// Of the disk.
    pub fn stored_manifest(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(self.index.manifest)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The manifest.
    ///
    /// # Errors
    /// Of the disk; [`Cause::Damaged`] if this version does not read it.
    pub fn manifest(&self) -> io::Result<Manifest> {
        let stored = self.stored_manifest()?;
        Manifest::parse(&stored).map_err(|BadManifest| damaged())
    }

    /// Where `manifest.json` lies.
    pub fn manifest_span(&self) -> Span {
        self.index.manifest
    }

    /// Where the files lie, in the manifest's order.
    pub fn files(&self) -> &[Span] {
        &self.index.files
    }

    /// Files left out because their output would still have named a person. Only the clinic sees this list.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.index.left_out
    }

    /// What the names of the chosen scans stand for. Only this workstation has this list.
    pub fn scans(&self) -> &[ScanFile] {
        &self.index.scans
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Of the disk; reading gives [`Cause::Damaged`] where the draft is damaged.
    pub fn read(&self, span: Span) -> io::Result<impl Read + use<>> {
        Frames::open(&self.path, &self.id, &self.key, span)
    }

    /// Up to `length` bytes of the text of a file from `offset` on.
    ///
    /// # Errors
    /// Likewise.
    pub fn piece(&self, span: Span, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut frames = Frames::open(&self.path, &self.id, &self.key, span)?;
        let skipped = offset / limits::DRAFT_FRAME as u64;
        frames.skip(skipped)?;
        let within = offset - skipped * limits::DRAFT_FRAME as u64;
        io::copy(&mut frames.by_ref().take(within), &mut io::sink())?;
        let mut piece = Vec::new();
        frames.take(length as u64).read_to_end(&mut piece)?;
        Ok(piece)
    }
}

/// Where the draft `id` lies.
pub fn path(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join("drafts").join(id).with_extension(ENDING)
}

/// The digest of all that `hash` has seen.
pub(super) fn digest(hash: Context) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    Digest::from_bytes(bytes)
}

fn damaged() -> io::Error {
    Cause::Damaged.into()
}

fn refused() -> io::Error {
    io::Error::other("the system's random numbers or the cipher failed")
}

#[cfg(test)]
mod tests;

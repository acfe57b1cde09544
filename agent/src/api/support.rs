//! Replies about support cases.

use data_encoding::BASE64;
use protocol::{CaseId, DeviceId, Digest};
use serde::{Deserialize, Serialize};

use crate::support::draft::LeftOut;

use super::status::{Policy, Status};
use crate::support::gather::Scan;
use crate::support::pseudonyms::Pseudonyms;
use crate::support::record::State;

/// The answer to what begins long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Always true.
    pub working: bool,
}

/// The answer to `progress`: how far the work is, or what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Work<T> {
    /// It goes on.
    Running(Progress),
    /// It is done.
    Done(T),
}

/// How far long work is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Always true.
    pub working: bool,
    /// What is being done.
    pub stage: String,
    /// So much of it is done,
    pub done: u64,
    /// of so much; 0 where nobody knows.
    pub total: u64,
    /// It waits while a scan runs.
    pub held: bool,
}

/// What came of `scans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scans {
    /// The newest, newest first.
    pub scans: Vec<Scan>,
}

/// What came of `preview` and `adopt`; the body of `support preview --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafted {
    /// Its case.
    pub case: CaseId,
    /// Its name.
    pub draft: String,
    /// SHA-256 of its `manifest.json`, which a yes repeats.
    pub digest: Digest,
    /// Files, the manifest aside.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Persons whose names and numbers were searched for.
    pub persons_learned: u64,
    /// Files that are not in it, because something of a patient would have stayed in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What came of `create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundled {
    /// Its case.
    pub case: CaseId,
    /// Its name.
    pub bundle: String,
    /// Bytes of the sealed file.
    pub size: u64,
    /// SHA-256 of the sealed file.
    pub sha256: Digest,
    /// SHA-256 of its `manifest.json`.
    pub digest: Digest,
}

/// The answer to `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The drafts.
    pub drafts: Vec<DraftRow>,
    /// The bundles.
    pub bundles: Vec<BundleRow>,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRow {
    /// Its name.
    pub draft: String,
    /// Its case.
    pub case: CaseId,
    /// SHA-256 of its `manifest.json`, which a yes repeats.
    pub digest: Digest,
    /// Files, the manifest aside.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it was made, RFC 3339, UTC.
    pub made: String,
    /// When it is erased, RFC 3339, UTC.
    pub ends: String,
}

/// A sealed bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRow {
    /// Its name.
    pub id: String,
    /// Its case.
    pub case: CaseId,
    /// How far it is.
    pub state: State,
    /// Bytes of the sealed file.
    pub size: u64,
    /// Bytes that the collector has.
    pub offset: u64,
    /// SHA-256 of the sealed file.
    pub sha256: Digest,
    /// When it was sealed, RFC 3339, UTC.
    pub sealed: String,
    /// SHA-256 of its `manifest.json`.
    pub digest: Digest,
    /// What the collector answered when it had all of it.
    pub receipt: Option<String>,
}

/// The answer to `find`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The files of that name, one for each draft and bundle that has it.
    pub scans: Vec<FoundScan>,
}

/// What the name of a scan stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundScan {
    /// The draft or bundle.
    pub id: String,
    /// Its case.
    pub case: CaseId,
    /// The name in it.
    pub name: String,
    /// The file on this workstation.
    pub path: String,
    /// When that was written, RFC 3339, UTC.
    pub at: String,
}

/// The answer to `show` and `export`: a piece of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The piece, base64.
    pub data: String,
    /// Where it begins.
    pub offset: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// With the first piece of a sealed bundle: the text of the file that goes beside it on a stick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
}

impl Piece {
    /// `piece`, which begins at `offset` of a file of `bytes`.
    pub fn of(piece: &[u8], offset: u64, bytes: u64) -> Self {
        Self { data: BASE64.encode(piece), offset, bytes, consent: None }
    }

    /// The bytes of the piece, if they are base64.
    pub fn decoded(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.data.as_bytes()).ok()
    }
}

/// The answer to `send`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The bundle.
    pub bundle: String,
    /// How far it is.
    pub state: State,
}

/// The answer to `discard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// Drafts that were erased.
    pub drafts: u64,
    /// Bundles that were erased.
    pub bundles: u64,
}

/// The answer to `begin`: what a command line needs to gather as its own caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The draft's name.
    pub draft: String,
    /// This workstation.
    pub device: DeviceId,
    /// Under which the clinic is asked.
    pub policy: Policy,
    /// As `status` says it.
    pub status: Status,
    /// Of an earlier bundle of the case.
    pub pseudonyms: Option<Pseudonyms>,
}

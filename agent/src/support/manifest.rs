//! What a support bundle says of itself: what is in it, what was taken out, for what it may leave.
//!
//! `manifest.json` is the first file of a bundle. Its stored bytes name every other file's SHA-256, so the digest of
//! these bytes stands for the whole bundle, and is what the clinic says yes to. `protocol/manifest.schema.json`
//! describes the format for readers in other languages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use protocol::{CaseId, CaseReason, DeviceId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use crate::checks::Check;
use deidentify::files::Format;

/// Its name in a bundle.
pub const FILE: &str = "manifest.json";

/// A bundle's contents and origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The support case, as the vendor named it.
    pub case: CaseId,
    /// Why it was opened.
    pub reason: CaseReason,
    /// Whom to answer, as a person typed it.
    pub contact: Option<String>,
    /// What happened, as a person typed it.
    #[serde(default)]
    pub description: Option<String>,
    /// When the files were gathered, or the end of the window where that is a week and more before: RFC 3339, UTC, to
    /// the second, moved as all dates of the case are.
    pub made: String,
    /// Version of the agent that gathered them.
    pub agent: String,
    /// The workstation.
    pub device: DeviceId,
    /// The policy under which the clinic is asked.
    pub policy: PolicyName,
    /// What the clinic must say yes to before this leaves; [`purposes`] of the files.
    pub purposes: Vec<Purpose>,
    /// What was tried, in its order.
    pub operations: Vec<Operation>,
    /// Every file but this one, in the order of the bundle.
    pub files: Vec<FileEntry>,
    /// What was replaced or dropped, by rule, over all files.
    pub removed: BTreeMap<String, u64>,
    /// Persons whose names and numbers were searched for in every byte.
    pub persons_learned: u64,
    /// Files that they were learned from.
    pub files_learned: u64,
    /// Edition of DICOM PS3.15 whose table was applied.
    pub edition: String,
    /// The table of the program's literals by which logs were read, if there is one.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// The time that the bundle is about; absent in drafts of the first version.
    #[serde(default)]
    pub window: Option<Window>,
    /// What the workstation's own checks found.
    pub checks: Vec<Check>,
}

/// The time that a bundle is about. Its dates are moved by one number of whole weeks, as all dates of the case; the
/// number itself stays on the workstation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its start: RFC 3339, UTC, moved.
    pub from: String,
    /// Its end, likewise.
    pub until: String,
    /// Whether it reaches the time of collecting.
    pub reach: Reach,
}

/// Whether the time of the upload tells by how much the dates were moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It ended less than a week before the bundle was collected: whoever knows when the bundle came knows the number.
    ReachesPresent,
    /// It ended a week and more before, and nothing in the bundle has a later time.
    EndedBefore,
}

/// A table of a program's literals. The literals themselves stay on the workstation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyName {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
}

/// One step of the gathering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What it gathers.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, unless it is done; words of ours, nothing that was read.
    pub why: Option<String>,
    /// Files that it added.
    pub files: u64,
    /// Files that it saw and left out, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All that it looks for is in.
    Done,
    /// This workstation has no such source.
    Absent,
    /// Nothing of it is in.
    Failed,
    /// A part of it is in: a limit of size or time was reached.
    Cut,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path in the bundle, with `/`; neutral, nothing of the original's name.
    pub name: String,
    /// How it is read; `dicom` is the DICOM JSON model (PS3.18 annex F).
    pub kind: Format,
    /// The flag under which it leaves.
    pub purpose: Purpose,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// A manifest as it is stored. A new version is a new variant; none is ever taken away.
#[derive(Serialize, Deserialize)]
#[serde(tag = "schema")]
enum Stored<'a> {
    #[serde(rename = "kathea-support-manifest/1")]
    V1(Cow<'a, Manifest>),
}

/// Bytes that are no manifest of a version known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this version cannot read the manifest: preview the case again")]
pub struct BadManifest;

/// The flags under which files of these purposes leave, each once. The case itself is always one.
pub fn purposes(files: &[FileEntry]) -> Vec<Purpose> {
    let is_needed =
        |purpose| purpose == Purpose::SupportCase || files.iter().any(|file| file.purpose == purpose);
    Purpose::ALL.iter().copied().filter(|purpose| is_needed(*purpose)).collect()
}

impl Manifest {
    /// The bytes of `manifest.json`: indented JSON, the same for the same manifest. What the clinic says yes to is
    /// [`Digest::of`] them as they are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A map with keys of text and numbers that are finite always serializes.
        let mut bytes = serde_json::to_vec_pretty(&Stored::V1(Cow::Borrowed(self))).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The manifest in these stored bytes.
    ///
    /// # Errors
    /// [`BadManifest`] of anything else, unknown versions included.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadManifest> {
        match serde_json::from_slice(bytes) {
            Ok(Stored::V1(manifest)) => Ok(manifest.into_owned()),
            Err(_) => Err(BadManifest),
        }
    }

    /// Bytes of all files together.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

#[cfg(test)]
pub(super) mod tests;

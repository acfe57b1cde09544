//! What a table of words was made of, and where it and its record are.

use std::path::PathBuf;

use protocol::Digest;
use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// The folder below `data_dir`.
pub(super) const FOLDER: &str = "provenance";
/// The table in it.
pub(super) const TABLE: &str = "table";
/// What the table was made of.
pub(super) const RECORD: &str = "table.json";

/// What a table was made of; names of files of the program, nothing that was read in a clinic's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Bytes of the table's file.
    pub bytes: u64,
    /// SHA-256 of the table's file.
    pub sha256: Digest,
    /// Literals in it.
    pub literals: u64,
    /// Words in it.
    pub words: u64,
    /// Entries that did not fit.
    pub left_out: u64,
    /// The folders that were read.
    pub folders: Vec<PathBuf>,
    /// The programs, libraries and catalogues that were read.
    pub files: Vec<Source>,
    /// Files that look like programs and were refused.
    pub refused: Vec<Refusal>,
    /// The vendor's lists.
    pub lists: Vec<ListName>,
    /// The installer's lists of the folders, one for each. A table of a version that asked for none counts for nothing.
    #[serde(default)]
    pub installed: Option<Vec<Option<Digest>>>,
}

/// A file of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// What the file system said of it before it was read, if a later change shows in that.
    #[serde(default)]
    pub stamp: Option<Stamp>,
}

/// A file that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Where it lies.
    pub path: PathBuf,
    /// Why, as in the report of `deidentify`, or `not_installed` if no list of the installer has it.
    pub reason: String,
}

/// A list of the vendor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListName {
    /// What it is for.
    pub name: String,
    /// Its version; a lower one is refused.
    pub number: u64,
}

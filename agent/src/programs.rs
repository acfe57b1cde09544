//! The installed program's words: literals that the logs may keep, because the program itself contains them.
//!
//! ```text
//! [kathea] program --protected, installed--> files --confined child--> literals + signed lists --> data_dir/provenance/table
//! ```
//!
//! A table is made of executables, libraries and message catalogues that the installer's list has, in folders that only an
//! administrator can write, and of lists of words that the vendor signed. It is read anew for every case, and made anew before
//! one if the program changed.

mod build;
mod changes;
mod folder;
pub mod installed;
pub mod lists;
mod stamp;

use std::io;
use std::path::{Path, PathBuf};

use protocol::Digest;
use serde::{Deserialize, Serialize};

pub use build::{BuildError, build};
pub use changes::{Change, Look, changes};
pub use folder::Unprotected;
pub use stamp::Stamp;

use crate::config::Config;
use crate::presence;
use deidentify::files::TableFile;

/// The folder below `data_dir`.
const FOLDER: &str = "provenance";
/// The table in it.
const TABLE: &str = "table";
/// What the table was made of.
const RECORD: &str = "table.json";

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

/// A table that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its file, for the process that reads files from outside.
    pub file: TableFile,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// The record of the table below `data_dir`; `None` if no table was built.
///
/// # Errors
/// It cannot be read now, or is damaged.
pub fn record(data_dir: &Path) -> io::Result<Option<Record>> {
    let Some(bytes) = presence::read(&data_dir.join(FOLDER).join(RECORD))?.found() else { return Ok(None) };
    let record: Record = serde_json::from_slice(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Some(record).filter(|record| record.installed.is_some()))
}

/// The table below `data_dir`; `None` if none was built.
///
/// # Errors
/// As of [`record`].
pub fn table(data_dir: &Path) -> io::Result<Option<Built>> {
    let Some(record) = record(data_dir)? else { return Ok(None) };
    let bytes = presence::read(&data_dir.join(FOLDER).join(TABLE))?.found();
    let bytes = bytes.ok_or(io::ErrorKind::InvalidData)?;
    let file = TableFile { bytes, sha256: record.sha256.to_bytes() };
    Ok(Some(Built { file, bytes: record.bytes, sha256: record.sha256 }))
}

/// The table for a support case: made anew if the program, its folders or the lists changed since it was built, or if it
/// never was; `now` is in seconds since 1970. Where that cannot be done now, the one that was built before serves; its words
/// are those of a program too.
///
/// # Errors
/// As of [`record`].
pub fn for_case(config: &Config, program: &Path, now: i64) -> io::Result<Option<Built>> {
    let is_current = match record(&config.data_dir)? {
        Some(record) => changes(config, &record, Look::Stamps).is_ok_and(|changes| changes.is_empty()),
        None => config.kathea.program.is_empty(),
    };
    if !is_current && let Err(why) = build(config, program, now) {
        log::warn!("the table of the program's words was not made anew: {why}");
    }
    table(&config.data_dir)
}

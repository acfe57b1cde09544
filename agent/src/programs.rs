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
mod record;
mod stamp;

use std::io;
use std::path::Path;

use protocol::Digest;

pub use build::{BuildError, build};
pub use changes::{Change, Look, changes};
pub use folder::Unprotected;
pub use record::{ListName, Record, Refusal, Source};
pub use stamp::Stamp;

use crate::config::Config;
use crate::presence;
use deidentify::files::TableFile;
use record::{FOLDER, RECORD, TABLE};

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

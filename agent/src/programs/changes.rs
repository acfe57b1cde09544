//! Whether what a table was made of has changed.

use std::fs;
use std::path::PathBuf;

use protocol::Digest;

use super::build::{BuildError, is_program, source};
use super::installed::Installed;
use super::record::{FOLDER, Record, Source, TABLE};
use super::stamp::Stamp;
use super::{folder, lists};
use crate::config::Config;
use crate::presence;

/// What has changed since a table was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The table's file is not the one that was built.
    Table,
    /// A program changed.
    Changed(PathBuf),
    /// A program that was not there.
    New(PathBuf),
    /// A program that is gone.
    Gone(PathBuf),
    /// The configuration names other folders.
    Folders,
    /// Other lists are there.
    Lists,
}

/// How closely a file of the program is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its digest is taken.
    Digests,
    /// Only if the file system says something else of it than when the table was made.
    Stamps,
}

/// What has changed since the table of `record` was built; nothing, if it still fits.
///
/// # Errors
/// [`BuildError`] if the program may not be read any more.
pub fn changes(config: &Config, record: &Record, look: Look) -> Result<Vec<Change>, BuildError> {
    let mut changes = Vec::new();
    let path = config.data_dir.join(FOLDER).join(TABLE);
    let table = presence::read(&path).map_err(|e| BuildError::Disk(path, e.kind()))?.found();
    if table.is_none_or(|bytes| Digest::of(&bytes) != record.sha256) {
        changes.push(Change::Table);
    }
    let (mut folders, mut files, mut installed) = (Vec::new(), Vec::new(), Vec::new());
    for named in &config.kathea.program {
        files.extend(folder::programs(named).map_err(BuildError::Folder)?);
        installed.push(Installed::of(named, &config.vendor.keys).map_err(BuildError::Installed)?.list);
        folders.push(named.canonicalize().map_err(|e| BuildError::Disk(named.clone(), e.kind()))?);
    }
    if folders != record.folders {
        changes.push(Change::Folders);
    }
    let refused = |path: &PathBuf| record.refused.iter().any(|refusal| refusal.path == *path);
    for path in &files {
        match record.files.iter().find(|source| source.path == *path) {
            Some(known) if look == Look::Stamps && is_as_it_was(known) => {}
            Some(known) if source(path.clone(), 0)?.0.sha256 != known.sha256 => {
                changes.push(Change::Changed(path.clone()));
            }
            Some(_) => {}
            // What is no program was looked at and is not listed.
            None if !refused(path) && is_program(path) => changes.push(Change::New(path.clone())),
            None => {}
        }
    }
    let gone = record.files.iter().filter(|source| !files.contains(&source.path));
    changes.extend(gone.map(|source| Change::Gone(source.path.clone())));
    let lists = lists::all(&config.data_dir, &config.vendor.keys, &mut |_| {}).map_err(BuildError::List)?;
    if lists != record.lists || record.installed.as_ref() != Some(&installed) {
        changes.push(Change::Lists);
    }
    Ok(changes)
}

/// Whether the file system says of a file what it said before the table was made.
fn is_as_it_was(known: &Source) -> bool {
    let now = fs::metadata(&known.path).ok().as_ref().and_then(Stamp::of);
    now.is_some() && known.stamp == now
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_read_again_only_where_the_file_system_says_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kathea");
        fs::write(&path, "one").unwrap();
        let (at_once, later) = (0, i64::MAX);
        assert!(!is_as_it_was(&source(path.clone(), at_once).unwrap().0), "it may change within the tick");
        let known = source(path.clone(), later).unwrap().0;
        assert!(is_as_it_was(&known));
        // The same length, and the old time of modification back in its place: the time of the change is the system's.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let changed = || fs::metadata(&path).unwrap();
        let before = Stamp::of(&changed());
        while Stamp::of(&changed()) == before {
            let mut file = File::options().write(true).open(&path).unwrap();
            file.write_all(b"two").unwrap();
            file.set_modified(modified).unwrap();
        }
        assert!(!is_as_it_was(&known));
        fs::remove_file(&path).unwrap();
        assert!(!is_as_it_was(&known));
    }
}

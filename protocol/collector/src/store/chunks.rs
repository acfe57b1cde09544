//! Announced bundles on their way to a directory that several fronts share.
//!
//! ```text
//! uploads/<device>-<sha256>.chunks/<begin>       a chunk, whole and synced; its name says where it begins
//! uploads/<device>-<sha256>.chunks/<random>.tmp  a chunk that one request writes
//! ```
//!
//! Each request writes a file of its own. It gets its name by a hard link, which fails if the name is taken: of two
//! writers at one offset the later one learns that the offset has moved on, and none of its bytes is kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ids::new_id;
use crate::disk;
use crate::failure::Failure;

const TEMPORARY: &str = "tmp";

/// A chunk that is being written. Dropped before its end, it keeps what came: the next request goes on behind it.
pub(crate) struct Chunk {
    directory: PathBuf,
    temporary: PathBuf,
    file: File,
    begin: u64,
    length: u64,
    is_open: bool,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its bytes outlive a power cut, or it was to be thrown away.
    Done,
    /// Another request has written at its offset.
    Taken,
}

impl Chunk {
    /// The chunk of an upload that begins at `begin`.
    pub(super) fn at(directory: &Path, begin: u64) -> Result<Self, Failure> {
        disk::make_dir(directory)?;
        let temporary = directory.join(format!("{}.{TEMPORARY}", new_id()?));
        let file = disk::create_new(&temporary)?;
        Ok(Self { directory: directory.to_owned(), temporary, file, begin, length: 0, is_open: true })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Syncs the chunk and gives it its name, or throws it away.
    pub(super) fn end(&mut self, is_kept: bool) -> io::Result<Ended> {
        self.is_open = false;
        let ended = if is_kept { self.link() } else { Ok(Ended::Done) };
        fs::remove_file(&self.temporary).or_else(none)?;
        ended
    }

    fn link(&self) -> io::Result<Ended> {
        // A chunk of no bytes would have its offset for ever.
        if self.length == 0 {
            return Ok(Ended::Done);
        }
        self.file.sync_data()?;
        let name = self.directory.join(self.begin.to_string());
        match fs::hard_link(&self.temporary, &name) {
            Ok(()) => disk::sync_parent(&name).map(|()| Ended::Done),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Ended::Taken),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.is_open
            && let Err(error) = self.end(true)
        {
            log::warn!("what came of a chunk cannot be kept: {}", error.kind());
        }
    }
}

/// Where each chunk begins, and its length, as far as they follow each other.
fn chunks(directory: &Path) -> Result<BTreeMap<u64, u64>, Failure> {
    let mut all = BTreeMap::new();
    for name in disk::names(directory)? {
        let Ok(begin) = name.parse::<u64>() else { continue };
        let path = directory.join(&name);
        match fs::metadata(&path) {
            Ok(about) => drop(all.insert(begin, about.len())),
            // Erased meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::at(&path)(error)),
        }
    }
    let mut end = 0;
    all.retain(|begin, length| {
        let follows = *begin == end;
        end += if follows { *length } else { 0 };
        follows
    });
    Ok(all)
}

/// How many bytes of an upload outlive a power cut.
pub(super) fn offset(directory: &Path) -> Result<u64, Failure> {
    let end = chunks(directory)?.last_key_value().map_or(0, |(begin, length)| begin + length);
    if end > 0 {
        disk::sync_parent(&directory.join("0")).map_err(Failure::at(directory))?;
    }
    Ok(end)
}

/// The bytes of all chunks, one after the other.
pub(super) struct Whole {
    directory: PathBuf,
    left: std::vec::IntoIter<u64>,
    current: Option<File>,
}

impl Whole {
    /// Of an upload.
    pub(super) fn of(directory: &Path) -> Result<Self, Failure> {
        let left: Vec<u64> = chunks(directory)?.into_keys().collect();
        Ok(Self { directory: directory.to_owned(), left: left.into_iter(), current: None })
    }
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.current {
                let length = file.read(buffer)?;
                if length > 0 {
                    return Ok(length);
                }
            }
            let Some(begin) = self.left.next() else { return Ok(0) };
            self.current = Some(File::open(self.directory.join(begin.to_string()))?);
        }
    }
}

/// Removes an upload with its directory, so that a request that still writes can't give its chunk a name; whether
/// there was one.
pub(super) fn remove(directory: &Path) -> Result<bool, Failure> {
    match fs::remove_dir_all(directory) {
        Ok(()) => disk::sync_parent(directory).map(|()| true).map_err(Failure::at(directory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::at(directory)(error)),
    }
}

fn none(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(directory: &Path) -> Vec<u8> {
        let mut out = Vec::new();
        Whole::of(directory).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn of_two_writers_at_one_offset_one_is_kept_whole() {
        let dir = tempfile::tempdir().unwrap();
        let upload = dir.path().join("upload");
        let (mut one, mut other) = (Chunk::at(&upload, 0).unwrap(), Chunk::at(&upload, 0).unwrap());
        for _ in 0..3 {
            one.write(b"aa").unwrap();
            other.write(b"bbb").unwrap();
        }
        assert_eq!(offset(&upload).unwrap(), 0);
        assert_eq!(other.end(true).unwrap(), Ended::Done);
        assert_eq!(one.end(true).unwrap(), Ended::Taken);
        assert_eq!((offset(&upload).unwrap(), read(&upload)), (9, b"bbbbbbbbb".to_vec()));
        // One that comes late at an offset that is past, and one of no bytes.
        assert_eq!(Chunk::at(&upload, 9).unwrap().end(true).unwrap(), Ended::Done);
        let mut late = Chunk::at(&upload, 0).unwrap();
        late.write(b"c").unwrap();
        drop(late);
        let mut thrown = Chunk::at(&upload, 9).unwrap();
        thrown.write(b"d").unwrap();
        assert_eq!(thrown.end(false).unwrap(), Ended::Done);
        assert_eq!(offset(&upload).unwrap(), 9);
    }

    #[test]
    fn a_cut_chunk_keeps_what_came_and_an_erased_upload_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let upload = dir.path().join("upload");
        let mut cut = Chunk::at(&upload, 0).unwrap();
        cut.write(b"half").unwrap();
        drop(cut);
        let mut next = Chunk::at(&upload, 4).unwrap();
        next.write(b" more").unwrap();
        assert_eq!((offset(&upload).unwrap(), read(&upload)), (4, b"half".to_vec()));
        assert!(remove(&upload).unwrap());
        assert!(next.end(true).is_err());
        assert!(!upload.exists() && !remove(&upload).unwrap());
    }
}

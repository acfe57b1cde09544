//! A second file that says how far the database has come: after each commit and before its answers, the number of
//! the commit and a digest, in two slots in turn. Neither the chain of envelopes nor SQLite's own check sees a lost
//! end of the write-ahead log; a database that is behind its witness has lost what was acknowledged.
//!
//! ```text
//! 0   8   "KCWIT001"
//! 8   32  id of the store, hexadecimal
//! 64  56  slot 0: commit, little-endian; digest; first 16 bytes of the SHA-256 of these 40
//! 128 56  slot 1
//! ```
//!
//! The file is not synced: it is as old as the newest page that the system wrote back, and never newer than
//! the database, which is.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;

use crate::failure::Failure;

const MAGIC: &[u8; 8] = b"KCWIT001";
const ID: usize = 32;
const SLOTS: [u64; 2] = [64, 128];
const SLOT: usize = 56;

/// A commit, as the witness knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its number.
    pub(crate) commits: i64,
    /// The digest over it and all before it.
    pub(crate) digest: Digest,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Id of the store that it belongs to.
    pub(crate) store: String,
    /// The newest commit; `None` if both slots are damaged.
    pub(crate) newest: Option<Seen>,
}

/// The file, open for writing.
pub(crate) struct Witness {
    file: File,
}

/// Where the witness of a data directory is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("collector.witness")
}

/// Reads the witness of a data directory; `None` if there is none.
pub(crate) fn read(data: &Path) -> Result<Option<Said>, Failure> {
    let path = path(data);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(256).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::at(&path)(error)),
    }
    let id = bytes.get(MAGIC.len()..MAGIC.len() + ID).and_then(|id| std::str::from_utf8(id).ok());
    let Some(id) = id.filter(|_| bytes.starts_with(MAGIC)) else { return Err(Failure::unreadable(&path)) };
    let newest = SLOTS.iter().filter_map(|&at| slot(&bytes, at as usize)).max_by_key(|seen| seen.commits);
    Ok(Some(Said { store: id.to_owned(), newest }))
}

fn slot(bytes: &[u8], at: usize) -> Option<Seen> {
    let slot = bytes.get(at..at + SLOT)?;
    let (said, check) = slot.split_at(40);
    if Digest::of(said).to_bytes()[..16] != *check {
        return None;
    }
    let (commits, digest) = said.split_first_chunk::<8>()?;
    Some(Seen { commits: i64::from_le_bytes(*commits), digest: Digest::from_bytes(digest.try_into().ok()?) })
}

impl Witness {
    /// Opens the witness of the store with this id, or makes it. It says `seen` unless it knows of a later commit,
    /// which another process made meanwhile.
    pub(crate) fn open(data: &Path, store: &str, seen: Seen) -> Result<Self, Failure> {
        let path = path(data);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(Failure::at(&path))?;
        if file.metadata().map_err(Failure::at(&path))?.len() == 0 {
            let head = [&MAGIC[..], store.as_bytes()].concat();
            file.write_all(&head).map_err(Failure::at(&path))?;
        }
        let mut witness = Self { file };
        let known = read(data)?.and_then(|said| said.newest);
        if known.is_none_or(|known| known.commits <= seen.commits) {
            witness.write(seen).map_err(Failure::at(&path))?;
        }
        Ok(witness)
    }

    /// Says that this commit is on the disk.
    pub(crate) fn write(&mut self, seen: Seen) -> io::Result<()> {
        let mut slot = Vec::with_capacity(SLOT);
        slot.extend_from_slice(&seen.commits.to_le_bytes());
        slot.extend_from_slice(&seen.digest.to_bytes());
        slot.extend_from_slice(&Digest::of(&slot).to_bytes()[..16]);
        self.file.seek(SeekFrom::Start(SLOTS[usize::from(seen.commits % 2 != 0)]))?;
        self.file.write_all(&slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_other() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let seen = |commits| Seen { commits, digest: Digest::of(&[commits as u8]) };
        let id = "0".repeat(32);
        let mut witness = Witness::open(dir.path(), &id, seen(4)).unwrap();
        witness.write(seen(5)).unwrap();
        let said = || read(dir.path()).unwrap().unwrap();
        assert_eq!(said(), Said { store: id, newest: Some(seen(5)) });
        let mut bytes = std::fs::read(path(dir.path())).unwrap();
        bytes[SLOTS[1] as usize + 9] ^= 1;
        std::fs::write(path(dir.path()), &bytes).unwrap();
        assert_eq!(said().newest, Some(seen(4)));
        bytes[0] = 0;
        std::fs::write(path(dir.path()), &bytes).unwrap();
        assert!(read(dir.path()).is_err());
    }
}

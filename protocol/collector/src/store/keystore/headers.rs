//! What of support bundles is in the key store: the header of each, which has the key of the age file. Without it no age
//! identity opens the file.
//!
//! ```text
//! bundles/SHA256   when it was put here, microseconds | digest of the file without it | the header, sealed
//! ```
//!
//! A header is destroyed by zeros in its place; the file stays, as the word that it was.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;

use super::KeyStore;
use super::crypt::MORE;
use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::store::sealed::Header;

/// The folder of the headers.
pub(super) const BUNDLES: &str = "bundles";
/// Bytes before a sealed header: time and digest.
const BEFORE: usize = 8 + 32;

/// What the key store has of a bundle.
pub(crate) enum Kept {
    /// Its header.
    Header(Sealed),
    /// An erasure destroyed its header.
    Destroyed,
    /// Nothing: it came before headers were kept here, or the key store is an older one.
    Missing,
}

/// A header, and what is known of it without opening it.
pub(crate) struct Sealed {
    /// When it was put here, microseconds: in older copies the bundle has it.
    pub(crate) made: i64,
    /// Digest of the bundle with zeros in its place.
    pub(crate) blank: Digest,
    bytes: Vec<u8>,
}

impl KeyStore {
    /// Takes the header of a bundle, durable when this returns. One that is here stays as it is.
    pub(crate) fn put_header(&self, sha256: Digest, header: &Header, now: i64) -> Result<(), Failure> {
        let (path, wrapper) = (self.header_of(sha256), self.wrapper()?);
        // Several fronts may take one bundle at once.
        let _turn = self.turn()?;
        if let Ok(Kept::Header(kept)) = self.header(sha256)
            && kept.blank == header.blank
        {
            return disk::sync_parent(&path).map_err(Failure::at(&path));
        }
        let before = [&now.to_be_bytes()[..], &header.blank.to_bytes()].concat();
        let sealed = wrapper.seal(&name(sha256, &before), &header.bytes)?;
        disk::make_dir(&self.directory.join(BUNDLES))?;
        disk::write(&path, &[before, sealed].concat(), Access::Private)
    }

    /// What is here of a bundle. Opens nothing.
    pub(crate) fn header(&self, sha256: Digest) -> Result<Kept, Failure> {
        let path = self.header_of(sha256);
        let Some(bytes) = disk::read(&path)? else { return Ok(Kept::Missing) };
        let read = || {
            let (made, rest) = bytes.split_first_chunk::<8>()?;
            let (blank, sealed) = rest.split_first_chunk::<32>()?;
            let (made, blank) = (i64::from_be_bytes(*made), Digest::from_bytes(*blank));
            (sealed.len() > MORE).then(|| Sealed { made, blank, bytes: sealed.to_vec() })
        };
        let sealed = read().ok_or_else(|| Failure::unreadable(&path))?;
        let is_destroyed = sealed.bytes.iter().all(|byte| *byte == 0);
        Ok(if is_destroyed { Kept::Destroyed } else { Kept::Header(sealed) })
    }

    /// The header of a bundle.
    pub(crate) fn open_header(&self, sha256: Digest, sealed: &Sealed) -> Result<Vec<u8>, Failure> {
        let before = [&sealed.made.to_be_bytes()[..], &sealed.blank.to_bytes()].concat();
        let header = self.wrapper()?.open(&name(sha256, &before), &sealed.bytes);
        header.ok_or_else(|| Failure::unreadable(&self.header_of(sha256)))
    }

    /// Destroys the header of a bundle, if it is here: overwritten and synced.
    pub(crate) fn destroy_header(&self, sha256: Digest) -> Result<(), Failure> {
        if !self.directory.join(BUNDLES).is_dir() {
            return Ok(());
        }
        let path = self.header_of(sha256);
        let _turn = self.turn()?;
        // What a kill left of one that was being written.
        disk::remove(&path.with_extension("tmp"))?;
        match disk::read(&path)? {
            // Of a damaged one all that is left goes.
            Some(bytes) if bytes.len() > BEFORE + MORE => {
                overwrite(&path, bytes.len()).map_err(Failure::at(&path))
            }
            Some(_) => disk::remove(&path),
            None => Ok(()),
        }
    }

    fn header_of(&self, sha256: Digest) -> PathBuf {
        self.directory.join(BUNDLES).join(sha256.to_string())
    }
}

/// Puts zeros in the place of the header in a file of so many bytes.
fn overwrite(path: &Path, length: usize) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(BEFORE as u64))?;
    file.write_all(&vec![0; length - BEFORE])?;
    file.sync_all()
}

/// What a sealed header is bound to.
fn name(sha256: Digest, before: &[u8]) -> Vec<u8> {
    [b"kathea bundle", &sha256.to_bytes()[..], before].concat()
}

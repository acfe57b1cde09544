//! Whole bundles, each without the header of its age file: that is in the key store, and zeros are in its place. An
//! erasure destroys the header; what a backup has of the bundle is then opened by nobody.
//!
//! ```text
//! checked -> header to the key store, synced -> zeros in its place, synced -> its place -> row -> answer
//! ```
//!
//! A cut leaves the header in the key store before it is missing in the file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use protocol::Digest;

use super::files::{self, BUNDLES, IMPORT};
use super::folder::{Folder, Kept};
use super::ids::new_id;
use super::keystore::KeyStore;
use super::keystore::headers;
use super::sealed::{Begun, Found, Header, MAGIC, is_it, looked};
use crate::disk;
use crate::failure::Failure;

/// Whether a file of this digest and length is this bundle, as it is stored.
pub(super) fn is_copy(
    keys: &KeyStore,
    (copied, length): (Digest, u64),
    sha256: Digest,
    size: u64,
) -> Result<bool, Failure> {
    Ok(is_it(keys, Found::sealed(copied, length), sha256, size)?
        || is_it(keys, Found::blank(copied, length), sha256, size)?)
}

/// Moves the header of the file at `path` to the key store, unless that was done before; `false`, and nothing is changed,
/// if the file is not this bundle.
pub(super) fn take_header(
    keys: &KeyStore,
    path: &Path,
    (sha256, size): (Digest, u64),
    now: i64,
) -> Result<bool, Failure> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(Failure::at(path))?;
    let looking = looked(&file, path, None)?;
    if !is_it(keys, looking.found(), sha256, size)? {
        return Ok(false);
    }
    match looking.header() {
        Some(header) => blank(keys, (&file, path), sha256, &header, now),
        // A cut may have come before the sync.
        None => file.sync_all().map_err(Failure::at(path)),
    }
    .map(|()| true)
}

fn blank(
    keys: &KeyStore,
    (mut file, path): (&File, &Path),
    sha256: Digest,
    header: &Header,
    now: i64,
) -> Result<(), Failure> {
    keys.put_header(sha256, header, now)?;
    let mut write = || {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&vec![0; header.bytes.len()])?;
        file.sync_all()
    };
    write().map_err(Failure::at(path))
}

/// Copies bytes to their place as the bundle that `which` says they are; that bundle, or `None` if they are not taken.
pub(super) fn copied(
    (root, keys): (&Path, &KeyStore),
    source: impl Read,
    from: &Path,
    now: i64,
    which: impl FnOnce(Found) -> Result<Option<Digest>, Failure>,
) -> Result<Option<Digest>, Failure> {
    disk::make_dir(&root.join(BUNDLES))?;
    let temporary = root.join(BUNDLES).join(format!("{IMPORT}{}.tmp", new_id()?));
    let copied = (|| {
        let copy = disk::create_new(&temporary)?;
        let looking = looked(source, from, Some(&copy))?;
        let Some(sha256) = which(looking.found())? else { return Ok(None) };
        match looking.header() {
            Some(header) => blank(keys, (&copy, &temporary), sha256, &header, now)?,
            None => copy.sync_all().map_err(Failure::at(&temporary))?,
        }
        let whole = files::whole(root, sha256);
        fs::rename(&temporary, &whole)
            .and_then(|()| disk::sync_parent(&whole))
            .map_err(Failure::at(&whole))?;
        Ok(Some(sha256))
    })();
    if !matches!(copied, Ok(Some(_))) {
        disk::remove(&temporary)?;
    }
    copied
}

/// Copies a sealed file that came on a stick to its place; its digest and its length.
pub(crate) fn import(
    (folder, keys): (&Folder, &KeyStore),
    from: &Path,
    now: i64,
) -> Result<(Digest, u64), Failure> {
    let open = || File::open(from).map_err(Failure::at(from));
    let found = looked(open()?, from, None)?.found();
    let is_it = |copied: Found| Ok((copied == found && found.is_sealed).then_some(found.sha256));
    let is_taken = match folder.kept()? {
        Kept::Files { root, .. } => copied((root, keys), open()?, from, now, is_it)?.is_some(),
        Kept::Objects(objects) => {
            found.is_sealed && objects.keep(keys, open, (found.sha256, found.size), now)?
        }
    };
    if is_taken {
        return Ok((found.sha256, found.size));
    }
    Err(Failure::new(format!("{} is not a sealed bundle (an age file)", from.display())))
}

/// The bytes of a whole bundle as they are stored.
fn source(folder: &Folder, sha256: Digest, size: u64) -> Result<Box<dyn Read + '_>, Failure> {
    Ok(match folder.kept()? {
        Kept::Files { root, .. } => {
            let path = files::whole(root, sha256);
            Box::new(File::open(&path).map_err(Failure::at(&path))?)
        }
        Kept::Objects(objects) => Box::new(objects.read(sha256, size)),
    })
}

/// Copies a whole bundle from where another store has its own; both have one key store, or the same in it.
pub(crate) fn copy(
    from: &Folder,
    (to, keys): (&Folder, &KeyStore),
    (sha256, size): (Digest, u64),
    now: i64,
) -> Result<(), Failure> {
    let which = |found| Ok(is_it(keys, found, sha256, size)?.then_some(sha256));
    let is_copied = match to.kept()? {
        Kept::Files { root, .. } => {
            let (source, address) = (source(from, sha256, size)?, files::address(from, sha256)?);
            copied((root, keys), source, &address, now, which)?.is_some()
        }
        Kept::Objects(objects) => objects.keep(keys, || source(from, sha256, size), (sha256, size), now)?,
    };
    if is_copied {
        return Ok(());
    }
    Err(Failure::damaged(format!("bundle {sha256} changed while it was copied; run `store copy` again")))
}

/// Copies a whole bundle, with its header, to a new file, which does not stay if it is not what was received.
pub(crate) fn take_out(
    (folder, keys): (&Folder, &KeyStore),
    (sha256, size): (Digest, u64),
    to: &Path,
) -> Result<(), Failure> {
    let header = match keys.header(sha256)? {
        headers::Kept::Header(sealed) => keys.open_header(sha256, &sealed)?,
        headers::Kept::Destroyed => return Err(Failure::new("this bundle was erased")),
        headers::Kept::Missing => Vec::new(),
    };
    let source = Begun::new(source(folder, sha256, size)?, header);
    let file = disk::create_new(to)?;
    let found = looked(source, &files::address(folder, sha256)?, Some(&file));
    if found.is_ok_and(|looking| looking.found() == Found::sealed(sha256, size)) {
        return file.sync_all().map_err(Failure::at(to));
    }
    disk::remove(to)?;
    Err(Failure::damaged(format!("bundle {sha256} cannot be read whole: run `verify`")))
}

/// Whether a whole bundle is there and has these bytes.
pub(crate) fn is_whole(
    (folder, keys): (&Folder, &KeyStore),
    sha256: Digest,
    size: u64,
) -> Result<bool, Failure> {
    let root = match folder.kept()? {
        Kept::Files { root, .. } => root,
        Kept::Objects(objects) => return objects.is_whole(keys, sha256, size),
    };
    let path = files::whole(root, sha256);
    match File::open(&path) {
        Ok(file) => is_it(keys, looked(file, &path, None)?.found(), sha256, size),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::at(&path)(error)),
    }
}

/// What is wrong with a whole bundle; `None` if nothing is. Of one whose header was destroyed nothing is looked at: it was
/// erased, and the daily upkeep takes its row out.
pub(crate) fn flaw(
    (folder, keys): (&Folder, &KeyStore),
    sha256: Digest,
    size: u64,
) -> Result<Option<String>, Failure> {
    let header = match keys.header(sha256)? {
        headers::Kept::Destroyed => return Ok(None),
        headers::Kept::Header(sealed) => Some(sealed),
        headers::Kept::Missing => None,
    };
    if is_whole((folder, keys), sha256, size)? {
        return header.map_or(Ok(None), |sealed| keys.open_header(sha256, &sealed).map(|_| None));
    }
    let is_lost = header.is_none() && files::holds(folder, sha256)?;
    Ok(Some(if is_lost {
        format!(
            "bundle {sha256} was changed, or its header is not in the key store {}; the key store's backup may have it \
             (keys.md)",
            keys.directory().display()
        )
    } else {
        format!("bundle {sha256} is gone or was changed")
    }))
}

/// Moves the header of a whole bundle to the key store if the bundle has it: it came before headers were kept there, or
/// was restored from such a time.
pub(crate) fn settle(
    (folder, keys): (&Folder, &KeyStore),
    (sha256, size): (Digest, u64),
    now: i64,
) -> Result<bool, Failure> {
    let mut begin = Vec::new();
    let read = source(folder, sha256, size.min(MAGIC.len() as u64))?;
    let read = read.take(MAGIC.len() as u64).read_to_end(&mut begin);
    read.map_err(Failure::at(&files::address(folder, sha256)?))?;
    if begin != MAGIC {
        return Ok(false);
    }
    match folder.kept()? {
        Kept::Files { root, .. } => take_header(keys, &files::whole(root, sha256), (sha256, size), now),
        Kept::Objects(objects) => objects.keep(keys, || source(folder, sha256, size), (sha256, size), now),
    }
}

#[cfg(test)]
mod tests;

//! Storage of support bundles as sealed files that the collector cannot open.
//!
//! ```text
//! uploads/<device>-<sha256>.part   what came so far of an announced bundle; in a directory that several fronts share
//!                                  there are chunks instead (`store::chunks`)
//! bundles/<sha256>.age             whole, checked, synced; however it came. In the place of its header are zeros
//!                                  (`store::whole`)
//! ```
//!
//! Where the bundles are objects in a bucket, `store::objects` does each of these.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::bundle::Announcement;
use protocol::{DeviceId, Digest};

use super::chunks::{self, Chunk, Ended};
use super::folder::{Folder, Kept};
use super::keystore::KeyStore;
use super::objects::Sending;
use super::whole;
use crate::disk;
use crate::failure::Failure;

const UPLOADS: &str = "uploads";
pub(super) const BUNDLES: &str = "bundles";
/// A file that `import` is writing.
pub(super) const IMPORT: &str = "import-";
const PART: &str = "part";
const CHUNKS: &str = "chunks";

/// Where a whole bundle is.
pub(crate) fn whole(data: &Path, sha256: Digest) -> PathBuf {
    data.join(BUNDLES).join(format!("{sha256}.age"))
}

/// Where the bytes of an announced bundle go: a file, or a directory of chunks.
fn part(root: &Path, is_shared: bool, device: DeviceId, sha256: Digest) -> PathBuf {
    let kind = if is_shared { CHUNKS } else { PART };
    root.join(UPLOADS).join(format!("{device}-{sha256}.{kind}"))
}

/// Whether a file is there. What cannot be looked for is an error, not an absence.
pub(crate) fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(Failure::at(path))
}

/// Whether a whole bundle is there.
pub(crate) fn holds(folder: &Folder, sha256: Digest) -> Result<bool, Failure> {
    match folder.kept()? {
        Kept::Files { root, .. } => exists(&whole(root, sha256)),
        Kept::Objects(objects) => Ok(objects.size(sha256)?.is_some()),
    }
}

/// How the file of a whole bundle is called: an absolute path, or the address of an object.
pub(crate) fn address(folder: &Folder, sha256: Digest) -> Result<PathBuf, Failure> {
    match folder.kept()? {
        Kept::Files { root, .. } => std::path::absolute(whole(root, sha256)).map_err(Failure::at(root)),
        Kept::Objects(objects) => Ok(objects.address(sha256).into()),
    }
}

/// The bytes of one chunk on their way to where they are kept.
pub(crate) enum Part {
    /// To the end of the one file of the upload.
    Appended {
        /// The file.
        file: File,
        /// Where it ended before.
        begin: u64,
    },
    /// To a file of their own.
    Chunk(Chunk),
    /// To an object of their own.
    Sending(Box<Sending>),
}

impl Part {
    /// The file that takes the next bytes of an announced bundle, standing at `offset`, its end.
    pub(crate) fn at(
        folder: &Folder,
        device: DeviceId,
        sha256: Digest,
        offset: u64,
    ) -> Result<Self, Failure> {
        let (root, is_shared) = match folder.kept()? {
            Kept::Files { root, is_shared } => (root, is_shared),
            Kept::Objects(objects) => {
                return Sending::at(objects, device, sha256, offset).map(Box::new).map(Self::Sending);
            }
        };
        let path = part(root, is_shared, device, sha256);
        disk::make_dir(&root.join(UPLOADS))?;
        if is_shared {
            return Chunk::at(&path, offset).map(Self::Chunk);
        }
        let mut options = OpenOptions::new();
        options.write(true).create(offset == 0).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = || {
            let mut file = options.open(&path)?;
            if file.seek(SeekFrom::End(0))? != offset {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(Self::Appended { file, begin: offset })
        };
        open().map_err(Failure::at(&path))
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match self {
            Self::Appended { file, .. } => file.write_all(bytes),
            Self::Chunk(chunk) => chunk.write(bytes),
            Self::Sending(sending) => sending.write(bytes),
        };
        written.map_err(unwritable)
    }

    /// Keeps what was added so that it outlives a power cut, or throws it away.
    pub(crate) fn end(&mut self, is_kept: bool) -> Result<Ended, Failure> {
        let ended = match self {
            Self::Appended { file, begin } => {
                let thrown_away = if is_kept { Ok(()) } else { file.set_len(*begin) };
                thrown_away.and_then(|()| file.sync_data()).map(|()| Ended::Done)
            }
            Self::Chunk(chunk) => chunk.end(is_kept),
            Self::Sending(sending) => return sending.end(is_kept),
        };
        ended.map_err(unwritable)
    }
}

fn unwritable(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull => Failure::full(),
        kind => Failure::new(format!("a bundle cannot be written: {kind}")),
    }
}

/// How many bytes of an announced bundle outlive a power cut: all, if it came another way.
pub(crate) fn offset(folder: &Folder, device: DeviceId, announced: &Announcement) -> Result<u64, Failure> {
    let (root, is_shared) = match folder.kept()? {
        Kept::Files { root, is_shared } => (root, is_shared),
        Kept::Objects(objects) => return objects.offset(device, announced),
    };
    if exists(&whole(root, announced.sha256))? {
        return Ok(announced.size);
    }
    let path = part(root, is_shared, device, announced.sha256);
    if is_shared {
        return Ok(chunks::offset(&path)?.min(announced.size));
    }
    match File::open(&path) {
        Ok(file) => file
            .sync_data()
            .and_then(|()| disk::sync_parent(&path))
            .and_then(|()| Ok(file.metadata()?.len().min(announced.size)))
            .map_err(Failure::at(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Failure::at(&path)(error)),
    }
}

/// Puts the part of a device in its place as a whole bundle, if its bytes are those that were announced and a sealed
/// file; otherwise removes it: no one can say which of them is wrong. Reads the file, so it is not for a thread that
/// others wait for.
pub(crate) fn complete(
    (folder, keys): (&Folder, &KeyStore),
    device: DeviceId,
    announced: &Announcement,
    now: i64,
) -> Result<bool, Failure> {
    let (root, is_shared) = match folder.kept()? {
        Kept::Files { root, is_shared } => (root, is_shared),
        Kept::Objects(objects) => return objects.complete(keys, device, announced, now),
    };
    let (sha256, size) = (announced.sha256, announced.size);
    let (part, whole) = (part(root, is_shared, device, sha256), whole(root, sha256));
    if exists(&whole)? {
        // It came another way, or before a cut.
        return if whole::take_header(keys, &whole, (sha256, size), now)? {
            remove_part(folder, device, sha256).map(|_| true)
        } else {
            Err(Failure::unreadable(&whole))
        };
    }
    let is_right = if is_shared {
        let which = |found| Ok(super::sealed::is_it(keys, found, sha256, size)?.then_some(sha256));
        whole::copied((root, keys), chunks::Whole::of(&part)?, &part, now, which)?.is_some()
    } else {
        // Without its header before it has its place: after a cut it is a part that is right all the same.
        whole::take_header(keys, &part, (sha256, size), now)?
    };
    if !is_right && exists(&whole)? {
        // Another front has put it in its place and removed the chunks meanwhile.
        return complete((folder, keys), device, announced, now);
    }
    if is_right && !is_shared {
        disk::make_dir(&root.join(BUNDLES))?;
        fs::rename(&part, &whole).and_then(|()| disk::sync_parent(&whole)).map_err(Failure::at(&whole))?;
    } else {
        remove_part(folder, device, sha256)?;
    }
    Ok(is_right)
}

/// Removes what came of an announced bundle; whether anything did.
pub(crate) fn remove_part(folder: &Folder, device: DeviceId, sha256: Digest) -> Result<bool, Failure> {
    match folder.kept()? {
        Kept::Files { root, is_shared: true } => chunks::remove(&part(root, true, device, sha256)),
        Kept::Files { root, is_shared: false } => remove(&part(root, false, device, sha256)),
        Kept::Objects(objects) => objects.remove_part(device, sha256),
    }
}

/// When something came of an announced bundle last; `None` if nothing is here.
pub(crate) fn part_modified(
    folder: &Folder,
    device: DeviceId,
    sha256: Digest,
) -> Result<Option<time::OffsetDateTime>, Failure> {
    match folder.kept()? {
        Kept::Files { root, is_shared } => modified(&part(root, is_shared, device, sha256)),
        Kept::Objects(objects) => objects.part_modified(device, sha256),
    }
}

/// Removes a whole bundle; whether it was there.
pub(crate) fn remove_whole(folder: &Folder, sha256: Digest) -> Result<bool, Failure> {
    match folder.kept()? {
        Kept::Files { root, .. } => remove(&whole(root, sha256)),
        Kept::Objects(objects) => objects.remove_whole(sha256),
    }
}

/// The names of the files of parts and of whole bundles.
pub(crate) fn names(folder: &Folder) -> Result<(Vec<String>, Vec<String>), Failure> {
    match folder.kept()? {
        Kept::Files { root, .. } => {
            Ok((disk::names(&root.join(UPLOADS))?, disk::names(&root.join(BUNDLES))?))
        }
        Kept::Objects(objects) => objects.names(),
    }
}

/// The device and the bundle that a part's name says.
pub(crate) fn part_of(name: &str) -> Option<(DeviceId, Digest)> {
    let (name, kind) = name.split_once('.')?;
    let (device, sha256) = name.split_once('-').filter(|_| [PART, CHUNKS].contains(&kind))?;
    Some((device.parse().ok()?, sha256.parse().ok()?))
}

/// The bundle that a file's name says.
pub(crate) fn bundle_of(name: &str) -> Option<Digest> {
    name.strip_suffix(".age")?.parse().ok()
}

/// Removes what a killed `import` left, written last before `until`, microseconds: others may write now.
pub(crate) fn sweep_imports(root: &Path, until: i64) -> Result<(), Failure> {
    let dir = root.join(BUNDLES);
    for name in disk::names(&dir)?.iter().filter(|name| name.starts_with(IMPORT)) {
        let path = dir.join(name);
        if modified(&path)?.is_some_and(|at| super::micros(at) < until) {
            disk::remove(&path)?;
        }
    }
    Ok(())
}

/// Removes a file of a bundle; whether it was there.
fn remove(path: &Path) -> Result<bool, Failure> {
    if !exists(path)? {
        return Ok(false);
    }
    disk::remove(path)?;
    disk::sync_parent(path).map_err(Failure::at(path))?;
    Ok(true)
}

/// When a file was written last; `None` if there is none.
fn modified(path: &Path) -> Result<Option<time::OffsetDateTime>, Failure> {
    match fs::metadata(path).and_then(|file| file.modified()) {
        Ok(modified) => Ok(Some(modified.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::at(path)(error)),
    }
}

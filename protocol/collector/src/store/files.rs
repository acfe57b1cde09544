//! Storage of support bundles as sealed files that the collector cannot open.
//!
//! ```text
//! uploads/<device>-<sha256>.part   what came so far of an announced bundle; in a directory that several fronts share
//!                                  there are chunks instead (`store::chunks`)
//! bundles/<sha256>.age             whole, checked, synced; however it came
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::bundle::Announcement;
use protocol::{DeviceId, Digest};
use ring::digest::{Context, SHA256};

use super::chunks::{self, Chunk, Ended, Whole};
use super::folder::Folder;
use super::sqlite::new_id;
use crate::disk;
use crate::failure::Failure;

/// How every age file begins (age-encryption.org/v1).
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
const UPLOADS: &str = "uploads";
const BUNDLES: &str = "bundles";
/// A file that `import` is writing.
const IMPORT: &str = "import-";
const PART: &str = "part";
const CHUNKS: &str = "chunks";

/// Where a whole bundle is.
pub(crate) fn whole(data: &Path, sha256: Digest) -> PathBuf {
    data.join(BUNDLES).join(format!("{sha256}.age"))
}

/// Where the bytes of an announced bundle go: a file, or a directory of chunks.
pub(crate) fn part(folder: &Folder, device: DeviceId, sha256: Digest) -> Result<PathBuf, Failure> {
    let kind = if folder.is_shared() { CHUNKS } else { PART };
    Ok(folder.root()?.join(UPLOADS).join(format!("{device}-{sha256}.{kind}")))
}

/// Whether a file is there. What cannot be looked for is an error, not an absence.
pub(crate) fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(Failure::at(path))
}

/// The bytes of one chunk on their way to the disk.
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
}

impl Part {
    /// The file that takes the next bytes of an announced bundle, standing at `offset`, its end.
    pub(crate) fn at(
        folder: &Folder,
        device: DeviceId,
        sha256: Digest,
        offset: u64,
    ) -> Result<Self, Failure> {
        let path = part(folder, device, sha256)?;
        disk::make_dir(&folder.root()?.join(UPLOADS))?;
        if folder.is_shared() {
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
        };
        written.map_err(unwritable)
    }

    /// Syncs what was added, or throws it away.
    pub(crate) fn end(&mut self, is_kept: bool) -> Result<Ended, Failure> {
        let ended = match self {
            Self::Appended { file, begin } => {
                let thrown_away = if is_kept { Ok(()) } else { file.set_len(*begin) };
                thrown_away.and_then(|()| file.sync_data()).map(|()| Ended::Done)
            }
            Self::Chunk(chunk) => chunk.end(is_kept),
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
    if exists(&whole(folder.root()?, announced.sha256))? {
        return Ok(announced.size);
    }
    let path = part(folder, device, announced.sha256)?;
    if folder.is_shared() {
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
pub(crate) fn complete(folder: &Folder, device: DeviceId, announced: &Announcement) -> Result<bool, Failure> {
    let (part, whole) = (part(folder, device, announced.sha256)?, whole(folder.root()?, announced.sha256));
    let wanted = (announced.sha256, announced.size, true);
    let open = |path: &Path| File::open(path).map_err(Failure::at(path));
    if exists(&whole)? {
        // It came another way, or before a cut.
        let is_right = checked(open(&whole)?, &whole, None)? == wanted;
        return if is_right {
            remove_part(folder, device, announced.sha256).map(|_| true)
        } else {
            Err(Failure::unreadable(&whole))
        };
    }
    let is_right = if folder.is_shared() {
        let chunks = Whole::of(&part)?;
        copied(folder.root()?, chunks, &part, |found| found == wanted)?.1
    } else {
        checked(open(&part)?, &part, None)? == wanted
    };
    if !is_right && exists(&whole)? {
        // Another front has put it in its place and removed the chunks meanwhile.
        return complete(folder, device, announced);
    }
    if is_right && !folder.is_shared() {
        disk::make_dir(&folder.root()?.join(BUNDLES))?;
        fs::rename(&part, &whole).and_then(|()| disk::sync_parent(&whole)).map_err(Failure::at(&whole))?;
    } else {
        remove_part(folder, device, announced.sha256)?;
    }
    Ok(is_right)
}

/// Removes what came of an announced bundle; whether anything did.
pub(crate) fn remove_part(folder: &Folder, device: DeviceId, sha256: Digest) -> Result<bool, Failure> {
    let path = part(folder, device, sha256)?;
    if folder.is_shared() { chunks::remove(&path) } else { remove(&path) }
}

/// Copies bytes to their place as a whole bundle, if what they are is taken; their digest and length, and whether
/// they were.
fn copied(
    root: &Path,
    source: impl Read,
    from: &Path,
    is_taken: impl FnOnce((Digest, u64, bool)) -> bool,
) -> Result<((Digest, u64), bool), Failure> {
    disk::make_dir(&root.join(BUNDLES))?;
    let temporary = root.join(BUNDLES).join(format!("{IMPORT}{}.tmp", new_id()?));
    let copied = (|| {
        let copy = File::create(&temporary).map_err(Failure::at(&temporary))?;
        let (sha256, size, is_sealed) = checked(source, from, Some(&copy))?;
        if !is_taken((sha256, size, is_sealed)) {
            return Ok(((sha256, size), false));
        }
        let whole = whole(root, sha256);
        copy.sync_all()
            .and_then(|()| fs::rename(&temporary, &whole))
            .and_then(|()| disk::sync_parent(&whole))
            .map_err(Failure::at(&whole))?;
        Ok(((sha256, size), true))
    })();
    if !matches!(copied, Ok((_, true))) {
        disk::remove(&temporary)?;
    }
    copied
}

/// Copies a sealed file that came on a stick to its place; its digest and its length.
pub(crate) fn import(root: &Path, from: &Path) -> Result<(Digest, u64), Failure> {
    let source = File::open(from).map_err(Failure::at(from))?;
    match copied(root, source, from, |(.., is_sealed)| is_sealed)? {
        (bundle, true) => Ok(bundle),
        (_, false) => Err(Failure::new(format!("{} is not a sealed bundle (an age file)", from.display()))),
    }
}

/// Whether the file of a whole bundle is there and has these bytes.
pub(crate) fn is_whole(data: &Path, sha256: Digest, size: u64) -> Result<bool, Failure> {
    let path = whole(data, sha256);
    match File::open(&path) {
        Ok(file) => Ok(checked(file, &path, None)? == (sha256, size, true)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::at(&path)(error)),
    }
}

/// The names of the files of parts and of whole bundles.
pub(crate) fn names(data: &Path) -> Result<(Vec<String>, Vec<String>), Failure> {
    Ok((disk::names(&data.join(UPLOADS))?, disk::names(&data.join(BUNDLES))?))
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
pub(crate) fn remove(path: &Path) -> Result<bool, Failure> {
    if !exists(path)? {
        return Ok(false);
    }
    disk::remove(path)?;
    disk::sync_parent(path).map_err(Failure::at(path))?;
    Ok(true)
}

/// Digest and length of `from`, the file at `path`, and whether it begins as an age file does; copied to `to` on the
/// way.
fn checked(mut from: impl Read, path: &Path, mut to: Option<&File>) -> Result<(Digest, u64, bool), Failure> {
    let (mut context, mut size, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 20]);
    let mut begin = Vec::new();
    loop {
        let length = from.read(&mut buffer).map_err(Failure::at(path))?;
        if length == 0 {
            let mut digest = [0; 32];
            digest.copy_from_slice(context.finish().as_ref());
            return Ok((Digest::from_bytes(digest), size, begin == MAGIC));
        }
        let bytes = &buffer[..length];
        context.update(bytes);
        size += length as u64;
        let wanted = MAGIC.len() - begin.len();
        begin.extend_from_slice(&bytes[..wanted.min(length)]);
        if let Some(to) = &mut to {
            to.write_all(bytes).map_err(Failure::at(path))?;
        }
    }
}

/// When a file was written last; `None` if there is none.
pub(crate) fn modified(path: &Path) -> Result<Option<time::OffsetDateTime>, Failure> {
    match fs::metadata(path).and_then(|file| file.modified()) {
        Ok(modified) => Ok(Some(modified.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::at(path)(error)),
    }
}

/// The text of this digest among the policies that an operator put beside the store.
pub(crate) fn policy(data: &Path, sha256: Digest) -> Result<Option<String>, Failure> {
    let dir = data.join("policies");
    for name in disk::names(&dir)? {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        if Digest::of(text.as_bytes()) == sha256 {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

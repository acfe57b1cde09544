//! The bundles of a store as objects in a bucket, for several fronts.
//!
//! ```text
//! engine                                   whose bundles these are (`store::place`)
//! uploads/<device>-<sha256>.chunks/<begin> a chunk; its name says where it begins
//! bundles/<sha256>.age                     whole and checked; in the place of its header are zeros (`store::whole`)
//! ```
//!
//! A request writes its chunk to a file of the data directory, and puts it with `If-None-Match: *`: of two writers at one
//! offset the later one learns that the offset has moved on, and none of its bytes is kept.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::bundle::Announcement;
use protocol::{DeviceId, Digest};
use time::OffsetDateTime;
use ureq::BodyReader;

use super::chunks::Ended;
use super::ids::new_id;
use super::keystore::KeyStore;
use super::s3::{Bucket, If, Load, Object, Put};
use super::sealed::{Begun, Checked, Found, Looking};
use super::sealed::{is_it, looked};
use crate::disk;
use crate::failure::Failure;

/// The object that says whose bundles these are.
const ENGINE: &str = "engine";
const UPLOADS: &str = "uploads";
/// What one request reads of an object.
const PIECE: u64 = 64 << 20;

/// The bundles of a store in a bucket.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) bucket: Bucket,
    /// What the object `engine` has to say.
    pub(crate) claim: String,
    /// The front's own directory, for chunks on their way and for policies.
    pub(crate) data: PathBuf,
    /// It was found to be this store's.
    is_checked: AtomicBool,
}

/// What the bucket says whose bundles are in it.
pub(crate) fn claim(bucket: &Bucket) -> Result<Option<Vec<u8>>, Failure> {
    bucket.get(ENGINE, 1000)
}

/// Says whose bundles are in the bucket; `Taken` if that was said already, and `condition` forbids another.
pub(crate) fn write_claim(bucket: &Bucket, text: &str, condition: If) -> Result<Put, Failure> {
    bucket.put_bytes(ENGINE, text.as_bytes(), condition)
}

impl Objects {
    /// In this bucket, which nothing is asked yet: a front starts without it, and takes batches.
    pub(super) fn new(bucket: Bucket, claim: String, data: &Path) -> Self {
        Self { bucket, claim, data: data.to_owned(), is_checked: AtomicBool::new(false) }
    }

    /// Sees once, before the first use, that the bucket is this store's.
    pub(super) fn check_first(&self) -> Result<(), Failure> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.check()?;
        self.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Sees that the bucket is there, is this store's, and does not let a second writer replace an object.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let address = self.bucket.address(ENGINE);
        match claim(&self.bucket)? {
            Some(there) if there == self.claim.as_bytes() => {}
            Some(_) => return Err(Failure::new(format!("{address} is of another store: correct store.s3"))),
            None => {
                return Err(Failure::new(format!(
                    "{address} is gone: correct store.s3, or restore the bucket"
                )));
            }
        }
        // With the same content, so that nothing changes where the condition is not looked at.
        match write_claim(&self.bucket, &self.claim, If::Absent)? {
            Put::Taken => Ok(()),
            Put::Done => Err(Failure::new(format!(
                "the S3 replaced {address} in spite of If-None-Match: two fronts would mix what they write; take one that \
                 has conditional writes"
            ))),
        }
    }

    fn part(device: DeviceId, sha256: Digest) -> String {
        format!("{UPLOADS}/{device}-{sha256}.chunks/")
    }

    fn whole(sha256: Digest) -> String {
        format!("bundles/{sha256}.age")
    }

    /// How a whole bundle is called.
    pub(super) fn address(&self, sha256: Digest) -> String {
        self.bucket.address(&Self::whole(sha256))
    }

    /// The bytes of a whole bundle, if it is there. Asked by a list: that says too if the bucket is gone.
    pub(super) fn size(&self, sha256: Digest) -> Result<Option<u64>, Failure> {
        let key = Self::whole(sha256);
        let listed = self.bucket.list(&key)?;
        Ok(listed.into_iter().find(|object| object.key == key).map(|object| object.size))
    }

    /// The chunks of an upload, as far as they follow each other.
    fn chunks(&self, device: DeviceId, sha256: Digest) -> Result<Vec<(u64, Object)>, Failure> {
        let begin = Self::part(device, sha256);
        let (mut end, mut chunks) = (0, Vec::new());
        for object in self.bucket.list(&begin)? {
            // Names of one length: the list is in the order of the offsets.
            let name = object.key[begin.len()..].parse::<u64>().ok();
            if name == Some(end) {
                end += object.size;
                chunks.push((end - object.size, object));
            }
        }
        Ok(chunks)
    }

    /// How many bytes of an upload are kept.
    pub(super) fn offset(&self, device: DeviceId, announced: &Announcement) -> Result<u64, Failure> {
        if self.size(announced.sha256)? == Some(announced.size) {
            return Ok(announced.size);
        }
        let chunks = self.chunks(device, announced.sha256)?;
        let end = chunks.last().map_or(0, |(begin, object)| begin + object.size);
        Ok(end.min(announced.size))
    }

    /// Makes one object of the chunks, if they are what was announced; otherwise removes them.
    pub(super) fn complete(
        &self,
        keys: &KeyStore,
        device: DeviceId,
        announced: &Announcement,
        now: i64,
    ) -> Result<bool, Failure> {
        let (sha256, size) = (announced.sha256, announced.size);
        // It came another way, or before a cut.
        if self.is_whole(keys, sha256, size)? {
            return self.remove_part(device, sha256).map(|_| true);
        }
        let chunks = self.chunks(device, sha256)?;
        let pieces: Vec<_> = chunks.into_iter().map(|(_, object)| (object.key, 0, object.size)).collect();
        let read = || Ok(Pieces::new(self, pieces.clone()));
        let is_right = self.keep(keys, read, (sha256, size), now)?;
        if !is_right && self.is_whole(keys, sha256, size)? {
            // Another front has put it and removed the chunks meanwhile.
            return Ok(true);
        }
        self.remove_part(device, sha256)?;
        Ok(is_right)
    }

    /// Puts a whole bundle, if it is one of this digest and length: its header goes to the key store first, zeros are in
    /// its place here. Reads it twice: the digest of an object is sent before its bytes.
    pub(super) fn keep<R: Read>(
        &self,
        keys: &KeyStore,
        read: impl Fn() -> Result<R, Failure>,
        (sha256, size): (Digest, u64),
        now: i64,
    ) -> Result<bool, Failure> {
        let key = Self::whole(sha256);
        let looking = looked(read()?, Path::new(&key), None)?;
        if !is_it(keys, looking.found(), sha256, size)? {
            return Ok(false);
        }
        let (zeros, wanted) = match looking.header() {
            Some(header) => {
                keys.put_header(sha256, &header, now)?;
                (vec![0; header.bytes.len()], Found::blank(header.blank, size))
            }
            None => (Vec::new(), looking.found()),
        };
        let mut checked = Checked::new(Begun::new(read()?, zeros), wanted);
        let load = Load { bytes: &mut checked, size, sha256: wanted.sha256 };
        match self.bucket.put(&key, load, If::Whatever) {
            Ok(_) => Ok(true),
            Err(_) if checked.is_wrong => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The bytes of a whole bundle.
    pub(super) fn read(&self, sha256: Digest, size: u64) -> impl Read {
        let key = Self::whole(sha256);
        let pieces = (0..size).step_by(PIECE as usize);
        let pieces = pieces.map(|begin| (key.clone(), begin, PIECE.min(size - begin))).collect();
        Pieces::new(self, pieces)
    }

    /// Whether a whole bundle is there and has these bytes.
    pub(super) fn is_whole(&self, keys: &KeyStore, sha256: Digest, size: u64) -> Result<bool, Failure> {
        if self.size(sha256)? != Some(size) {
            return Ok(false);
        }
        let looking = looked(self.read(sha256, size), Path::new(&Self::whole(sha256)), None)?;
        is_it(keys, looking.found(), sha256, size)
    }

    /// Removes what came of an announced bundle; whether anything did.
    pub(super) fn remove_part(&self, device: DeviceId, sha256: Digest) -> Result<bool, Failure> {
        let chunks = self.bucket.list(&Self::part(device, sha256))?;
        // From the end: what a cut leaves is still an upload.
        for object in chunks.iter().rev() {
            self.bucket.delete(&object.key)?;
        }
        Ok(!chunks.is_empty())
    }

    /// Removes a whole bundle; whether it was there.
    pub(super) fn remove_whole(&self, sha256: Digest) -> Result<bool, Failure> {
        let was_there = self.size(sha256)?.is_some();
        self.bucket.delete(&Self::whole(sha256)).map(|()| was_there)
    }

    /// When the last chunk of an upload was written; `None` if there is none.
    pub(super) fn part_modified(
        &self,
        device: DeviceId,
        sha256: Digest,
    ) -> Result<Option<OffsetDateTime>, Failure> {
        let chunks = self.bucket.list(&Self::part(device, sha256))?;
        Ok(chunks.iter().map(|object| object.modified).max())
    }

    /// The names of uploads and of whole bundles.
    pub(super) fn names(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let first = |folder: &str| -> Result<Vec<String>, Failure> {
            let listed = self.bucket.list(&format!("{folder}/"))?;
            let name = |object: Object| object.key.split('/').nth(1).map(str::to_owned);
            let mut names: Vec<String> = listed.into_iter().filter_map(name).collect();
            names.dedup();
            Ok(names)
        };
        Ok((first(UPLOADS)?, first("bundles")?))
    }
}

/// Pieces of objects, one after the other, as they come.
struct Pieces<'a> {
    objects: &'a Objects,
    left: std::vec::IntoIter<(String, u64, u64)>,
    /// The bytes of one, and how many of them are to come.
    current: Option<(String, BodyReader<'static>, u64)>,
}

impl<'a> Pieces<'a> {
    fn new(objects: &'a Objects, pieces: Vec<(String, u64, u64)>) -> Self {
        Self { objects, left: pieces.into_iter(), current: None }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bucket = &self.objects.bucket;
        let other = |key: &str| io::Error::other(format!("{} is not as it was listed", bucket.address(key)));
        loop {
            if let Some((key, bytes, size)) = &mut self.current {
                let length = bytes.read(buffer)?;
                // Its end is read too: more is as wrong as less.
                *size = size.checked_sub(length as u64).ok_or_else(|| other(key))?;
                match (length, *size) {
                    (0, 0) => self.current = None,
                    (0, _) => return Err(other(key)),
                    _ => return Ok(length),
                }
            }
            let Some((key, begin, size)) = self.left.next() else { return Ok(0) };
            let opened = bucket.open(&key, begin, size);
            let bytes = opened.map_err(|failure| io::Error::other(failure.to_string()))?;
            self.current = Some((key.clone(), bytes.ok_or_else(|| other(&key))?, size));
        }
    }
}

/// A chunk that is being written. Dropped before its end, it keeps what came: the next request goes on behind it.
pub(crate) struct Sending {
    objects: Arc<Objects>,
    /// Of the bundle.
    sha256: Digest,
    key: String,
    temporary: PathBuf,
    file: File,
    looking: Looking,
    is_open: bool,
}

impl Sending {
    /// The chunk of an upload that begins at `begin`.
    pub(super) fn at(
        objects: &Arc<Objects>,
        device: DeviceId,
        sha256: Digest,
        begin: u64,
    ) -> Result<Self, Failure> {
        let directory = objects.data.join(UPLOADS);
        disk::make_dir(&directory)?;
        let temporary = directory.join(format!("{}.tmp", new_id()?));
        let file = disk::create_new(&temporary)?;
        let key = format!("{}{begin:020}", Objects::part(device, sha256));
        let (objects, looking) = (objects.clone(), Looking::new());
        Ok(Self { objects, sha256, key, temporary, file, looking, is_open: true })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.looking.add(bytes);
        Ok(())
    }

    /// Puts the chunk, or throws it away.
    pub(super) fn end(&mut self, is_kept: bool) -> Result<Ended, Failure> {
        self.is_open = false;
        // A chunk of no bytes would have its offset for ever.
        let ended = if is_kept && self.looking.found().size > 0 { self.put() } else { Ok(Ended::Done) };
        disk::remove(&self.temporary)?;
        ended
    }

    fn put(&mut self) -> Result<Ended, Failure> {
        let Found { sha256, size, .. } = self.looking.found();
        self.file.seek(SeekFrom::Start(0)).map_err(Failure::at(&self.temporary))?;
        let load = Load { bytes: &mut self.file, size, sha256 };
        if self.objects.bucket.put(&self.key, load, If::Absent)? == Put::Taken {
            return Ok(Ended::Taken);
        }
        // Where another front made the bundle meanwhile, the name was free again.
        if self.objects.size(self.sha256)?.is_some() {
            self.objects.bucket.delete(&self.key)?;
            return Ok(Ended::Taken);
        }
        Ok(Ended::Done)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if self.is_open
            && let Err(failure) = self.end(true)
        {
            log::warn!("what came of a chunk cannot be kept: {failure}");
        }
    }
}

/// Removes chunks that a killed front was writing. Only for the one process that serves this data directory.
pub(super) fn sweep_temporary(data: &Path) -> Result<(), Failure> {
    let directory = data.join(UPLOADS);
    for name in disk::names(&directory)?.iter().filter(|name| name.ends_with(".tmp")) {
        fs::remove_file(directory.join(name)).map_err(Failure::at(&directory))?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests;

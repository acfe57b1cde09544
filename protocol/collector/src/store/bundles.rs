//! Support bundles: sealed files that nobody here can open, filed under the SHA-256 of their bytes.
//!
//! ```text
//! bundles/<sha256>.age    whole, checked, synced; however it came
//! bundles/<sha256>.json   when it came, and from whom if that is known
//! bundles/lock            held while a file is filed, by the server or by `import`
//! ```

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use protocol::bundle::Announcement;
use protocol::{CaseId, DeviceId, Digest};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::device::rfc3339;
use crate::disk::{self, Access};
use crate::failure::Failure;

/// How every age file begins (age-encryption.org/v1).
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
const DIR: &str = "bundles";

/// What is known of a whole bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filed {
    /// From whom; unknown if it came on a stick and the device has not said so yet.
    pub(crate) device: Option<DeviceId>,
    /// For which case; likewise.
    pub(crate) case: Option<CaseId>,
    /// Digest of the manifest that the clinic said yes to; likewise.
    pub(crate) manifest_sha256: Option<Digest>,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was whole, RFC 3339.
    pub(crate) received_at: String,
}

/// Files the whole `part` of a device, if its bytes are those that were announced; otherwise removes it. Also
/// says from whom a bundle came that was imported before.
pub(crate) fn take(
    data: &Path,
    part: &Path,
    device: DeviceId,
    announced: &Announcement,
    now: OffsetDateTime,
) -> Result<bool, Failure> {
    let Announcement { case, size, sha256, manifest_sha256, .. } = announced;
    let _filing = filing(data)?;
    let whole = whole(data, *sha256);
    if whole.is_file() {
        disk::remove(part)?;
    } else {
        let file = File::open(part).map_err(Failure::at(part))?;
        if sha256_of(file, part, None)? != (*sha256, *size) {
            disk::remove(part)?;
            return Ok(false);
        }
        fs::rename(part, &whole).and_then(|()| disk::sync_parent(&whole)).map_err(Failure::at(&whole))?;
    }
    let before = filed(data, *sha256)?;
    if before.as_ref().is_none_or(|before| before.device.is_none()) {
        let received_at = before.map_or_else(|| rfc3339(now), |before| before.received_at);
        let (device, case) = (Some(device), Some(case.clone()));
        let manifest_sha256 = Some(*manifest_sha256);
        file(data, *sha256, &Filed { device, case, manifest_sha256, size: *size, received_at })?;
    }
    Ok(true)
}

/// Takes a sealed file that came on a stick: once, however often and by whatever way it comes.
pub(crate) fn import(data: &Path, from: &Path, now: OffsetDateTime) -> Result<Digest, Failure> {
    let mut source = File::open(from).map_err(Failure::at(from))?;
    let mut begin = Vec::new();
    let read = (&mut source).take(MAGIC.len() as u64).read_to_end(&mut begin).and_then(|_| source.rewind());
    read.map_err(Failure::at(from))?;
    if begin != MAGIC {
        return Err(Failure::new(format!("{} is not a sealed bundle (an age file)", from.display())));
    }
    let _filing = filing(data)?;
    let temporary = data.join(DIR).join("import.tmp");
    let copy = File::create(&temporary).map_err(Failure::at(&temporary))?;
    let (sha256, size) = sha256_of(source, from, Some(&copy))?;
    let whole = whole(data, sha256);
    copy.sync_all()
        .and_then(|()| fs::rename(&temporary, &whole))
        .and_then(|()| disk::sync_parent(&whole))
        .map_err(Failure::at(&whole))?;
    if filed(data, sha256)?.is_none() {
        let received_at = rfc3339(now);
        file(data, sha256, &Filed { device: None, case: None, manifest_sha256: None, size, received_at })?;
    }
    Ok(sha256)
}

/// Every whole bundle, its path absolute.
pub(crate) fn all(data: &Path) -> Result<Vec<(Digest, Filed, PathBuf)>, Failure> {
    let dir = data.join(DIR);
    let mut out = Vec::new();
    for name in disk::names(&dir)? {
        let Some(sha256) = name.strip_suffix(".json").and_then(|name| name.parse().ok()) else { continue };
        let path = whole(data, sha256);
        if let Some(filed) = filed(data, sha256)?
            && path.is_file()
        {
            out.push((sha256, filed, fs::canonicalize(&path).map_err(Failure::at(&path))?));
        }
    }
    Ok(out)
}

/// Where a whole bundle is.
pub(crate) fn whole(data: &Path, sha256: Digest) -> PathBuf {
    data.join(DIR).join(format!("{sha256}.age"))
}

/// What is known of a whole bundle, if there is one.
pub(crate) fn filed(data: &Path, sha256: Digest) -> Result<Option<Filed>, Failure> {
    disk::read_json(&data.join(DIR).join(format!("{sha256}.json")))
}

/// Removes the bundles that `goes`; with `dry_run` only counts them.
pub(crate) fn remove(data: &Path, dry_run: bool, goes: impl Fn(&Filed) -> bool) -> Result<u64, Failure> {
    if !data.join(DIR).is_dir() {
        return Ok(0);
    }
    let _filing = filing(data)?;
    let mut count = 0;
    for (sha256, _, path) in all(data)?.into_iter().filter(|(_, filed, _)| goes(filed)) {
        count += 1;
        if !dry_run {
            disk::remove(&path)?;
            disk::remove(&data.join(DIR).join(format!("{sha256}.json")))?;
            disk::sync_parent(&path).map_err(Failure::at(&path))?;
        }
    }
    Ok(count)
}

/// Held while a file is filed: the server and the command line write the same names.
fn filing(data: &Path) -> Result<File, Failure> {
    let dir = data.join(DIR);
    disk::make_dir(&dir)?;
    let path = dir.join("lock");
    File::create(&path).and_then(|file| file.lock().map(|()| file)).map_err(Failure::at(&path))
}

fn file(data: &Path, sha256: Digest, filed: &Filed) -> Result<(), Failure> {
    let json = serde_json::to_vec(filed).map_err(|_| Failure::new("the bundle has no JSON form"))?;
    disk::write(&data.join(DIR).join(format!("{sha256}.json")), &json, Access::Private)
}

/// Digest and length of what `from`, the file at `path`, still has, copied to `to` on the way.
fn sha256_of(mut from: File, path: &Path, mut to: Option<&File>) -> Result<(Digest, u64), Failure> {
    let (mut context, mut size, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 20]);
    loop {
        let length = from.read(&mut buffer).map_err(Failure::at(path))?;
        if length == 0 {
            let mut digest = [0; 32];
            digest.copy_from_slice(context.finish().as_ref());
            return Ok((Digest::from_bytes(digest), size));
        }
        let bytes = &buffer[..length];
        context.update(bytes);
        size += length as u64;
        if let Some(to) = &mut to {
            to.write_all(bytes).map_err(Failure::at(path))?;
        }
    }
}

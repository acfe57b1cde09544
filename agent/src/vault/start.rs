//! The start: what the directory of keys holds. A key that can't be read now stops it before anything is changed.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use protocol::DeviceId;
use ring::rand::SecureRandom;

use super::data_key::DataKey;
use super::stored::{self, StoredKey};
use super::{Aside, DEVICE, DeviceKey, Loss, VaultError};
use crate::durable;
use crate::presence::{self, Presence};

const DEVICE_CONTEXT: &[u8] = b"device";
/// Asks backup programs to leave the directory out (Cache Directory Tagging Specification): a backup would
/// undo a withdrawal.
pub(super) const NO_BACKUP: (&str, &[u8]) = (
    "CACHEDIR.TAG",
    b"Signature: 8a477f597d28d172789f06886806bc55\n# Keys: a backup of them would undo a withdrawal of consent.\n",
);

/// The directory, with its tag, and without what an interrupted start or an interrupted erasure left.
pub(super) fn prepare(dir: &Path) -> Result<(), VaultError> {
    let unwritable = |error: io::Error| VaultError::unwritable(dir, &error);
    let unreadable = |error: io::Error| VaultError::unreadable(dir, &error);
    durable::create_directory(dir).map_err(unwritable)?;
    let (name, content) = NO_BACKUP;
    if !presence::is_there(&dir.join(name)).map_err(unreadable)? {
        durable::replace(&dir.join(name), content).map_err(unwritable)?;
    }
    for path in presence::files(dir).map_err(unreadable)? {
        if path.extension().is_some_and(|extension| extension == durable::PARTIAL) {
            durable::erase(&path).map_err(unwritable)?;
        }
    }
    durable::finish_erasures(dir).map_err(unwritable)
}

/// The files of data keys, in use and set aside.
pub(super) fn key_files(dir: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let mut paths = presence::files(dir).map_err(|error| VaultError::unreadable(dir, &error))?;
    paths.retain(|path| stored::name_of(path).is_some());
    Ok(paths)
}

fn read(path: &Path) -> Result<Presence<Vec<u8>>, VaultError> {
    presence::read(path).map_err(|error| VaultError::unreadable(path, &error))
}

/// The device's identity. A new one if there is none, or if it was read and does not verify: then everything that the
/// old one kept is lost, unless somebody puts its file and the root key back.
pub(super) fn device(
    dir: &Path,
    found: &[PathBuf],
    root: &DataKey,
    now: i64,
    random: &dyn SecureRandom,
    losses: &mut Vec<Loss>,
) -> Result<DeviceKey, VaultError> {
    let path = dir.join(DEVICE);
    let held = read(&path)?;
    let is_new = held == Presence::Absent && found.is_empty();
    let opened = held.found().and_then(|bytes| stored::unwrap(root, DEVICE_CONTEXT, &bytes));
    if let Some(device) = opened.and_then(|(_, pkcs8)| DeviceKey::from_pkcs8(pkcs8)) {
        return Ok(device);
    }
    if !is_new {
        losses.push(Loss::Everything);
    }
    new_device(&path, found, root, now, random).map_err(|error| VaultError::unwritable(dir, &error))
}

/// A new identity. What the old one kept opens under no other, so it goes aside first.
fn new_device(
    path: &Path,
    found: &[PathBuf],
    root: &DataKey,
    now: i64,
    random: &dyn SecureRandom,
) -> io::Result<DeviceKey> {
    for path in found.iter().filter(|path| !stored::is_quarantined(path)) {
        stored::quarantine(path, random)?;
    }
    stored::quarantine(path, random)?;
    let device = DeviceKey::generate(random).ok_or_else(stored::refused)?;
    let bytes =
        stored::wrap(root, DEVICE_CONTEXT, device.pkcs8(), now, random).map_err(|_| stored::refused())?;
    durable::replace(path, &bytes)?;
    Ok(device)
}

/// The data keys that verify, and those that were set aside. All are read before any is moved.
pub(super) fn data_keys(
    dir: &Path,
    device: DeviceId,
    root: &DataKey,
    random: &dyn SecureRandom,
    losses: &mut Vec<Loss>,
) -> Result<(Vec<StoredKey>, Vec<Aside>), VaultError> {
    let mut held = Vec::new();
    for path in key_files(dir)? {
        if let Presence::Found(bytes) = read(&path)? {
            let key = StoredKey::open(&path, &bytes, device, root);
            held.push((path, key));
        }
    }
    let (mut keys, mut aside) = (Vec::new(), Vec::new());
    for (path, key) in held {
        let is_quarantined = stored::is_quarantined(&path);
        let unwritable = |error: io::Error| VaultError::unwritable(&path, &error);
        match key {
            Some(key) if is_quarantined => keys.extend(key.take_back().map_err(unwritable)?),
            Some(key) => keys.push(key),
            None => {
                let kept = if is_quarantined {
                    path.clone()
                } else {
                    losses.push(Loss::key(&path));
                    stored::quarantine(&path, random).map_err(unwritable)?
                };
                if let Some((compartment, id)) = stored::name_of(&kept) {
                    aside.push(Aside { compartment: compartment.to_owned(), id, path: kept.clone() });
                }
            }
        }
    }
    Ok((keys, aside))
}

/// When a file was written, in seconds since 1970.
pub(super) fn written_at(file: &Metadata) -> i64 {
    let since =
        file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

//! Keys: the operating system's root key wraps one file per data key, and the device's identity.
//!
//! `data_dir/keys` holds `root` (with the protector `file`), `device.key`, `COMPARTMENT-ID.key` and what was
//! damaged as `quarantine-*.key`. A compartment is what one withdrawal erases: nothing opens the records of a
//! compartment once its files are gone. Keys are never in sled, whose log keeps old values.

pub mod data_key;
pub mod device_key;
#[cfg(windows)]
mod dpapi;
mod failure;
pub mod protector;
pub mod sealed;
mod stored;

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use protocol::DeviceId;
use ring::rand::{SecureRandom, SystemRandom};

use crate::durable;
use data_key::{DataKey, KeyId};
pub use device_key::DeviceKey;
pub use failure::{Loss, VaultError};
pub use protector::Protector;
use sealed::SealError;
use stored::StoredKey;

const DEVICE: &str = "device.key";
const DEVICE_CONTEXT: &[u8] = b"device";
/// Asks backup programs to leave the directory out (Cache Directory Tagging Specification): a backup would
/// undo a withdrawal.
const NO_BACKUP: (&str, &[u8]) = (
    "CACHEDIR.TAG",
    b"Signature: 8a477f597d28d172789f06886806bc55\n# Keys: a backup of them would undo a withdrawal of consent.\n",
);

/// The keys of this device.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    root: DataKey,
    device: DeviceKey,
    keys: Vec<StoredKey>,
    random: SystemRandom,
}

/// What a shredding removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shredded {
    /// Key files overwritten and unlinked.
    pub files: usize,
}

impl Vault {
    /// Opens the keys below `data_dir`; at the first start makes the root key and the device's identity.
    ///
    /// What does not verify is set aside, replaced and reported: never used, never passed over in silence. What
    /// can't be read for want of rights is an error, because it is not lost.
    pub fn open(data_dir: &Path, protector: &Protector, now: i64) -> Result<(Self, Vec<Loss>), VaultError> {
        let dir = data_dir.join("keys");
        let random = SystemRandom::new();
        prepare(&dir).map_err(|error| VaultError::unwritable(&dir, &error))?;
        let root = protector.root(&dir, &random)?;
        let found = key_files(&dir).map_err(|error| VaultError::unreadable(&dir, &error))?;

        let mut losses = Vec::new();
        let device = match read_device(&dir.join(DEVICE), &root)? {
            Some(device) => device,
            None => {
                if !found.is_empty() || dir.join(DEVICE).exists() {
                    losses.push(Loss::Everything);
                }
                new_device(&dir, &found, &root, now, &random)
                    .map_err(|error| VaultError::unwritable(&dir, &error))?
            }
        };

        let mut keys = Vec::new();
        for path in found.iter().filter(|path| path.exists()) {
            let bytes = read_key(path)?;
            match bytes.and_then(|bytes| StoredKey::open(path, &bytes, device.id(), &root)) {
                Some(key) => keys.push(key),
                None => {
                    stored::quarantine(path, &random)
                        .map_err(|error| VaultError::unwritable(path, &error))?;
                    losses.push(Loss::key(path));
                }
            }
        }
        keys.sort_unstable_by_key(|key| (key.created(), key.key.id()));
        Ok((Self { dir, root, device, keys, random }, losses))
    }

    /// The device whose keys these are.
    pub fn device(&self) -> DeviceId {
        self.device.id()
    }

    /// The device's identity, for signing and TLS.
    pub fn device_key(&self) -> &DeviceKey {
        &self.device
    }

    /// The key that the next record of `compartment` is sealed under; made if there is none, or none that is
    /// young enough at `now` (seconds since 1970) and has sealed little enough.
    pub fn sealing_key(
        &mut self,
        compartment: &str,
        now: i64,
    ) -> Result<(&DataKey, &dyn SecureRandom), SealError> {
        let fresh = |key: &StoredKey| key.compartment == compartment && key.is_fresh(now);
        if !self.keys.iter().any(fresh) {
            let id = self.device.id();
            let key = DataKey::generate(&self.random).map_err(|_| SealError::Crypto)?;
            let key = StoredKey::create(&self.dir, compartment, key, id, &self.root, now, &self.random)
                .map_err(|_| SealError::KeyFile)?;
            self.keys.push(key);
        }
        let stored = self.keys.iter_mut().rev().find(|key| fresh(key)).ok_or(SealError::NoKey)?;
        stored.count().map_err(|_| SealError::KeyFile)?;
        Ok((&stored.key, &self.random))
    }

    /// The key of `compartment` with this id, if it is still there.
    pub fn opening_key(&self, compartment: &str, id: KeyId) -> Option<&DataKey> {
        self.keys.iter().find(|key| key.compartment == compartment && key.key.id() == id).map(|key| &key.key)
    }

    /// Keeps a key that was made elsewhere, for what is already sealed under it.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn keep(&mut self, compartment: &str, key: DataKey, now: i64) -> io::Result<()> {
        let device = self.device.id();
        let key = StoredKey::create(&self.dir, compartment, key, device, &self.root, now, &self.random)?;
        self.keys.push(key);
        Ok(())
    }

    /// The newest key of `compartment`.
    pub fn newest_key(&self, compartment: &str) -> Option<&DataKey> {
        self.keys.iter().rev().find(|key| key.compartment == compartment).map(|key| &key.key)
    }

    /// Everything that has a key.
    pub fn compartments(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.compartment.as_str())
    }

    /// The key with this id, whatever its compartment: what is under it says itself whose it is.
    pub fn any_key(&self, id: KeyId) -> Option<&DataKey> {
        self.keys.iter().find(|key| key.key.id() == id).map(|key| &key.key)
    }

    /// Erases the keys of `compartment` that no record needs: neither named in `still_used` nor the newest.
    pub fn retire(&mut self, compartment: &str, still_used: &HashSet<KeyId>) -> io::Result<Shredded> {
        let newest =
            self.keys.iter().rev().find(|key| key.compartment == compartment).map(|key| key.key.id());
        let is_old = |key: &mut StoredKey| {
            let id = key.key.id();
            key.compartment == compartment && Some(id) != newest && !still_used.contains(&id)
        };
        let old = self.keys.extract_if(.., is_old).map(|key| key.path().to_owned()).collect::<Vec<_>>();
        if old.is_empty() { Ok(Shredded { files: 0 }) } else { self.erase(&old) }
    }

    /// Makes every record of `compartment` unreadable for ever: forgets its keys, then overwrites and unlinks
    /// their files, also those in quarantine. Cut short, it is simply done again.
    pub fn shred(&mut self, compartment: &str) -> io::Result<Shredded> {
        self.keys.retain(|key| key.compartment != compartment);
        let mut paths = files(&self.dir)?;
        paths.retain(|path| stored::name_of(path).is_some_and(|(name, _)| name == compartment));
        self.erase(&paths)
    }

    /// Makes every record unreadable but those of these compartments.
    pub fn shred_all_but(&mut self, kept: &[&str]) -> io::Result<Shredded> {
        let is_kept = |compartment: &str| kept.contains(&compartment);
        self.keys.retain(|key| is_kept(&key.compartment));
        let mut paths = files(&self.dir)?;
        paths.retain(|path| stored::name_of(path).is_some_and(|(name, _)| !is_kept(name)));
        self.erase(&paths)
    }

    /// Erases every key, the device's identity and, where it is a file here, the root key: the end.
    pub fn destroy(&mut self) -> io::Result<Shredded> {
        self.keys.clear();
        let mut paths = files(&self.dir)?;
        let (tag, _) = NO_BACKUP;
        paths.retain(|path| path.file_name().is_some_and(|name| name != tag));
        self.erase(&paths)
    }

    fn erase(&self, paths: &[PathBuf]) -> io::Result<Shredded> {
        let erased = paths.iter().map(|path| durable::erase(path)).fold(Ok(()), io::Result::and); // one failure spares no other file
        durable::sync_parent(&self.dir.join(DEVICE))?;
        erased.map(|()| Shredded { files: paths.len() })
    }
}

/// The directory, marked, and without what an interrupted start left.
fn prepare(dir: &Path) -> io::Result<()> {
    durable::create_directory(dir)?;
    let (name, content) = NO_BACKUP;
    if !dir.join(name).exists() {
        durable::replace(&dir.join(name), content)?;
    }
    for path in files(dir)? {
        if path.extension().is_some_and(|extension| extension == durable::PARTIAL) {
            durable::erase(&path)?;
        }
    }
    Ok(())
}

/// The regular files of the directory.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// The data key files that are in use.
fn key_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = files(dir)?;
    paths.retain(|path| stored::name_of(path).is_some() && !stored::is_quarantined(path));
    Ok(paths)
}

/// The bytes of a key file; `None` if it is not there or the disk does not give them back. Any other error passes:
/// for want of rights, descriptors or memory a key that is whole must not be set aside.
fn read_key(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound || durable::is_lost(&error) => Ok(None),
        Err(error) => Err(VaultError::unreadable(path, &error)),
    }
}

fn read_device(path: &Path, root: &DataKey) -> Result<Option<DeviceKey>, VaultError> {
    let opened = read_key(path)?.and_then(|bytes| stored::unwrap(root, DEVICE_CONTEXT, &bytes));
    Ok(opened.and_then(|(_, pkcs8)| DeviceKey::from_pkcs8(pkcs8)))
}

/// A new identity. What the old one kept opens under no other, so it goes aside first.
fn new_device(
    dir: &Path,
    found: &[PathBuf],
    root: &DataKey,
    now: i64,
    random: &dyn SecureRandom,
) -> io::Result<DeviceKey> {
    for path in found {
        stored::quarantine(path, random)?;
    }
    stored::quarantine(&dir.join(DEVICE), random)?;
    let device = DeviceKey::generate(random).ok_or_else(stored::refused)?;
    let bytes =
        stored::wrap(root, DEVICE_CONTEXT, device.pkcs8(), now, random).map_err(|_| stored::refused())?;
    durable::replace(&dir.join(DEVICE), &bytes)?;
    Ok(device)
}

#[cfg(test)]
mod tests;

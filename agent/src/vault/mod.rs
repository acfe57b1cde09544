//! Keys: the operating system's root key wraps one file per data key, and the device's identity.
//!
//! `data_dir/keys` holds `root` (with the protector `file`), `device.key`, `COMPARTMENT-ID.key` and what was
//! damaged as `quarantine-*.key`. `*.erasing` is being erased: it is no key any more. A compartment is what one withdrawal erases: nothing opens the records of a
//! compartment once its files are gone. Keys are never in sled, whose log keeps old values.

pub mod data_key;
pub mod device_key;
#[cfg(windows)]
mod dpapi;
mod failure;
pub mod protector;
mod start;
mod stored;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use protocol::DeviceId;
use ring::rand::{SecureRandom, SystemRandom};

use crate::durable;
use crate::presence::{self, Presence};
use data_key::{DataKey, KeyId};
pub use device_key::DeviceKey;
pub use failure::{Loss, SealError, VaultError};
pub use protector::Protector;
use stored::StoredKey;

const DEVICE: &str = "device.key";
/// The keys of this device.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    root: DataKey,
    device: DeviceKey,
    keys: Vec<StoredKey>,
    aside: Vec<Aside>,
    random: SystemRandom,
}

/// A data key that was read and did not verify. Its file waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Whose it was.
    pub compartment: String,
    /// Which one.
    pub id: KeyId,
    path: PathBuf,
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
    /// What was read and does not verify is set aside, never used and never erased, and reported. A key that was set
    /// aside and verifies again, because its file or the root key is back, is used again.
    ///
    /// # Errors
    /// A key can't be read now: nothing was changed, because it is not lost.
    pub fn open(data_dir: &Path, protector: &Protector, now: i64) -> Result<(Self, Vec<Loss>), VaultError> {
        let dir = data_dir.join("keys");
        let random = SystemRandom::new();
        start::prepare(&dir)?;
        let found = start::key_files(&dir)?;
        let root = protector.root(&dir, &random)?;
        let mut losses = Vec::new();
        let device = start::device(&dir, &found, &root, now, &random, &mut losses)?;
        let (mut keys, aside) = start::data_keys(&dir, device.id(), &root, &random, &mut losses)?;
        keys.sort_unstable_by_key(|key| (key.created(), key.key.id()));
        Ok((Self { dir, root, device, keys, aside, random }, losses))
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

    /// The keys that were set aside and are not used again: what was sealed under them waits for them.
    pub fn set_aside(&self) -> &[Aside] {
        &self.aside
    }

    /// Whether the key with this id was set aside, and no good one of this id is here.
    pub fn is_set_aside(&self, id: KeyId) -> bool {
        self.any_key(id).is_none() && self.aside.iter().any(|aside| aside.id == id)
    }

    /// Erases the keys that were set aside and `is_over` names, by compartment and by when the file was written, in
    /// seconds since 1970: nothing waits for them any more.
    ///
    /// # Errors
    /// Of the disk.
    pub fn erase_set_aside(&mut self, is_over: impl Fn(&str, i64) -> bool) -> io::Result<Shredded> {
        let mut old = Vec::new();
        for aside in &self.aside {
            let Presence::Found(file) = presence::stat(&aside.path)? else { continue };
            if is_over(&aside.compartment, start::written_at(&file)) {
                old.push(aside.path.clone());
            }
        }
        self.aside.retain(|aside| !old.contains(&aside.path));
        if old.is_empty() { Ok(Shredded { files: 0 }) } else { self.erase(&old) }
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
    /// their files, also those in quarantine. Cut short, it is simply done again; a file that is marked is erased by the
    /// next start, and no damage.
    pub fn shred(&mut self, compartment: &str) -> io::Result<Shredded> {
        self.keys.retain(|key| key.compartment != compartment);
        self.aside.retain(|aside| aside.compartment != compartment);
        let mut paths = presence::files(&self.dir)?;
        paths.retain(|path| stored::name_of(path).is_some_and(|(name, _)| name == compartment));
        self.erase(&paths)
    }

    /// Makes every record unreadable but those of these compartments.
    pub fn shred_all_but(&mut self, kept: &[&str]) -> io::Result<Shredded> {
        let is_kept = |compartment: &str| kept.contains(&compartment);
        self.keys.retain(|key| is_kept(&key.compartment));
        self.aside.retain(|aside| is_kept(&aside.compartment));
        let mut paths = presence::files(&self.dir)?;
        paths.retain(|path| stored::name_of(path).is_some_and(|(name, _)| !is_kept(name)));
        self.erase(&paths)
    }

    /// Erases every key below `data_dir`, the device's identity and, where it is a file there, the root key: the end.
    ///
    /// # Errors
    /// Of the disk.
    pub fn destroy(data_dir: &Path) -> io::Result<Shredded> {
        let dir = data_dir.join("keys");
        let mut paths = presence::files(&dir)?;
        let (tag, _) = start::NO_BACKUP;
        paths.retain(|path| path.file_name().is_some_and(|name| name != tag));
        erase(&dir, &paths)
    }

    fn erase(&self, paths: &[PathBuf]) -> io::Result<Shredded> {
        erase(&self.dir, paths)
    }
}

/// One failure spares no other file, and what failed before goes too.
fn erase(dir: &Path, paths: &[PathBuf]) -> io::Result<Shredded> {
    let erased = paths.iter().map(|path| durable::erase(path)).fold(Ok(()), io::Result::and);
    let finished = durable::finish_erasures(dir);
    durable::sync_parent(&dir.join(DEVICE))?;
    erased.and(finished).map(|()| Shredded { files: paths.len() })
}

#[cfg(test)]
mod tests;

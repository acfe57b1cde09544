//! The keys that envelopes are sealed under, in a small store of its own outside the database: one for each device,
//! purpose and case, renewed every quarter. What was sealed under a key that is destroyed can be read in no copy.
//!
//! ```text
//! places      where the key store, what opens it and the log are
//! slots       the file of a device: its keys, each wrapped, and those that were destroyed
//! headers     the headers of support bundles, which have the keys that open them
//! crypt       AES-256-GCM and HMAC-SHA-256
//!
//! check       the name of the key store, and whether a credential is the one that wraps its keys
//! devices/ID  slots of one device
//! bundles/ID  the header of one support bundle
//! turn        whose turn it is to make it, or to change what it has of bundles
//! log         what a restored database has to do again (`store::replay`)
//! credential  what wraps the keys, where nobody named a place outside
//! ```
//!
//! Keys are made, ended and destroyed inside a transaction that has its device to itself: none is destroyed while a
//! batch is sealed under it.

pub(crate) mod backup;
mod crypt;
pub(crate) mod headers;
pub(crate) mod places;
mod slots;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;

use data_encoding::HEXLOWER;
use protocol::{CaseId, DeviceId, Digest, Purpose};

use super::ids::random;
use super::replay::log::Log;
use crate::disk::{self, Access};
use crate::failure::Failure;
use crypt::Wrapper;
use places::{Credential, Places};
use slots::{Slot, State};

pub(crate) use crypt::Key;
pub(crate) use slots::About;

/// How long batches are sealed under one key, microseconds: a quarter, so that what retention took out is not readable
/// in old backups for ever.
const RENEWED: i64 = 91 * 86_400_000_000;
/// Files that are synced side by side.
const SYNCS: usize = 8;
/// The file that names the key store.
const CHECK: &str = "check";
/// The folder of the devices' files.
const DEVICES: &str = "devices";

/// The key store of a collector.
pub(crate) struct KeyStore {
    directory: PathBuf,
    credential: Credential,
    wrapper: OnceLock<Wrapper>,
    /// What a restored database has to do again.
    pub(crate) log: Log,
}

/// What became of a key.
pub(crate) enum Found {
    /// It is here.
    Key(Box<Key>),
    /// An erasure destroyed it.
    Destroyed,
    /// It is not in the key store, and nothing says that it was destroyed.
    Missing,
}

impl KeyStore {
    /// At these places; nothing is read or made before it is needed.
    pub(crate) fn new(places: Places) -> Self {
        let log = Log::new(places.log);
        Self { directory: places.directory, credential: places.credential, wrapper: OnceLock::new(), log }
    }

    /// Where it is.
    pub(crate) fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Its name; `None` if there is no key store yet.
    pub(crate) fn name(&self) -> Result<Option<String>, Failure> {
        let path = self.directory.join(CHECK);
        let Some(bytes) = disk::read(&path)? else { return Ok(None) };
        crypt::name_of(&bytes).map(Some).ok_or_else(|| Failure::unreadable(&path))
    }

    /// Makes it, if there is none, and sees that its credential is the right one; its name.
    pub(crate) fn ready(&self) -> Result<String, Failure> {
        self.wrapper()?;
        self.name()?.ok_or_else(|| self.gone())
    }

    /// Whether what opens it lies in the same directory.
    pub(crate) fn is_beside_its_credential(&self) -> bool {
        self.credential.is_beside_its_keys()
    }

    /// What is said where the keys of a store are not there.
    pub(crate) fn gone(&self) -> Failure {
        Failure::damaged(format!(
            "the key store {} is gone, and the records of this collector are sealed under its keys: put it back from its \
             backup, or name where it is with keys.directory (keys.md, \"The key store\")",
            self.directory.display()
        ))
    }

    fn wrapper(&self) -> Result<&Wrapper, Failure> {
        if let Some(wrapper) = self.wrapper.get() {
            return Ok(wrapper);
        }
        let wrapper = self.load()?;
        Ok(self.wrapper.get_or_init(|| wrapper))
    }

    fn load(&self) -> Result<Wrapper, Failure> {
        let path = self.directory.join(CHECK);
        if disk::read(&path)?.is_none() {
            disk::make_dir(&self.directory)?;
            // Of several fronts that start at once, one makes it.
            let _turn = self.turn()?;
            self.make()?;
        }
        let check = disk::read(&path)?.ok_or_else(|| self.gone())?;
        let wrapper = Wrapper::new(&self.credential.read()?)?;
        if wrapper.is_of(&check) {
            return Ok(wrapper);
        }
        Err(Failure::new(format!(
            "{} is not what the key store {} was made with: name the right file with keys.credential_file",
            self.credential.sentence(),
            self.directory.display()
        )))
    }

    /// Until it is dropped, no other process or thread makes the key store or changes what it has of bundles.
    fn turn(&self) -> Result<File, Failure> {
        let turn = self.directory.join("turn");
        let held = File::create(&turn).map_err(Failure::at(&turn))?;
        held.lock().map_err(Failure::at(&turn)).map(|()| held)
    }

    /// Makes what is not there yet; the caller has the turn.
    fn make(&self) -> Result<(), Failure> {
        let path = self.directory.join(CHECK);
        if disk::read(&path)?.is_some() {
            return Ok(());
        }
        if !disk::names(&self.directory.join(DEVICES))?.is_empty() {
            return Err(Failure::unreadable(&path));
        }
        disk::make_dir(&self.directory.join(DEVICES))?;
        let wrapper = Wrapper::new(&self.credential.make()?)?;
        let mut name = [0; 16];
        random(&mut name)?;
        disk::write(&path, &wrapper.check(&HEXLOWER.encode(&name))?, Access::Private)
    }

    /// The key for new envelopes of a device, on the disk after [`KeyStore::keep`]. The caller has the device to itself.
    pub(crate) fn current(
        &self,
        device: DeviceId,
        purpose: Purpose,
        case: Option<&CaseId>,
        now: i64,
    ) -> Result<Key, Failure> {
        let wrapper = self.wrapper()?;
        let path = self.of(device);
        let case = slots::case(case);
        let known = slots::read(&path)?;
        let is_its = |slot: &&Slot| {
            // A clock that leapt back makes no key for each batch.
            slot.state.seals() && (slot.purpose, slot.case) == (purpose, case) && now - slot.made < RENEWED
        };
        if let Some(slot) = known.iter().rev().find(is_its) {
            return wrapper.unwrap(device, slot).ok_or_else(|| Failure::unreadable(&path));
        }
        let mut id = [0; 8];
        random(&mut id)?;
        // Numbers of keys are not given in order: a restored database gives none again.
        let id = (i64::from_be_bytes(id) & i64::MAX).max(1);
        let slot = wrapper.make(device, Slot::new(id, purpose, now, case))?;
        slots::append(&path, &slot)?;
        wrapper.unwrap(device, &slot).ok_or_else(|| Failure::unreadable(&path))
    }

    /// Puts the new keys of these devices on the disk, all at once: what is sealed under them may be committed then. The
    /// caller still has the devices to itself.
    pub(crate) fn keep(&self, devices: &BTreeSet<DeviceId>) -> Result<(), Failure> {
        if devices.is_empty() {
            return Ok(());
        }
        let paths: Vec<PathBuf> = devices.iter().map(|device| self.of(*device)).collect();
        let no_thread =
            |error| Failure::new(format!("keys cannot be synced, because no thread begins: {error}"));
        // Side by side, so that one turn of the file system's journal serves several.
        thread::scope(|scope| {
            let sync = |paths: &[PathBuf]| paths.iter().try_for_each(|path| slots::sync(path));
            let each = paths.len().div_ceil(SYNCS);
            let begin = |paths| thread::Builder::new().spawn_scoped(scope, move || sync(paths));
            let threads: Vec<_> =
                paths.chunks(each).map(begin).collect::<Result<_, _>>().map_err(no_thread)?;
            let ended = || Err(Failure::new("a thread that syncs keys ended"));
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| ended()))
        })?;
        let devices = self.directory.join(DEVICES);
        disk::sync_parent(&paths[0]).map_err(Failure::at(&devices))?;
        paths.iter().try_for_each(|path| slots::settle(path))
    }

    /// The key of this number.
    pub(crate) fn find(&self, device: DeviceId, id: i64) -> Result<Found, Failure> {
        let path = self.of(device);
        let slots = slots::read(&path)?;
        let Some(slot) = slots.iter().find(|slot| slot.id == id) else { return Ok(Found::Missing) };
        if slot.state == State::Destroyed {
            return Ok(Found::Destroyed);
        }
        let key = self.wrapper()?.unwrap(device, slot);
        key.map(|key| Found::Key(Box::new(key))).ok_or_else(|| Failure::unreadable(&path))
    }

    /// The keys of a device, in the order in which they were made.
    pub(crate) fn keys(&self, device: DeviceId) -> Result<Vec<About>, Failure> {
        let slots = slots::read(&self.of(device))?;
        Ok(slots.iter().map(Slot::about).collect())
    }

    /// Lets what comes from now on be sealed under another key: it is not what an erasure is about.
    pub(crate) fn end(&self, device: DeviceId, purposes: &[Purpose]) -> Result<(), Failure> {
        let path = self.of(device);
        let open = slots::read(&path)?;
        let open = open.iter().filter(|slot| slot.state.seals() && purposes.contains(&slot.purpose));
        open.into_iter().try_for_each(|slot| slots::end(&path, slot))
    }

    /// Destroys keys of a device: overwritten and synced. How many are destroyed now that were not before.
    pub(crate) fn destroy(&self, device: DeviceId, ids: &[i64]) -> Result<u64, Failure> {
        let path = self.of(device);
        let mut count = 0;
        for slot in slots::read(&path)? {
            if ids.contains(&slot.id) && slot.state != State::Destroyed {
                slots::destroy(&path, &slot)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The devices that have keys.
    pub(crate) fn devices(&self) -> Result<Vec<DeviceId>, Failure> {
        let names = disk::names(&self.directory.join(DEVICES))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn of(&self, device: DeviceId) -> PathBuf {
        self.directory.join(DEVICES).join(device.to_string())
    }
}

/// Refuses to make a credential where one is.
pub(crate) fn refuse_credential(file: &std::path::Path) -> Result<(), Failure> {
    if !file.try_exists().map_err(Failure::at(file))? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is there already; a key is never overwritten: name another with --seal-key",
        file.display()
    )))
}

/// Makes a credential in `file`, which must not exist.
pub(crate) fn make_credential(file: &std::path::Path) -> Result<(), Failure> {
    refuse_credential(file)?;
    let mut secret = [0; 32];
    random(&mut secret)?;
    disk::write(file, format!("{}\n", HEXLOWER.encode(&secret)).as_bytes(), Access::Private)
}

/// What names an envelope to its seal: it opens as no other one.
pub(crate) fn of_envelope(
    device: DeviceId,
    (purpose, epoch): (Purpose, protocol::Epoch),
    (n, lo, hi): (i64, i64, i64),
    key: i64,
) -> Digest {
    use crate::store::rules::sums::{Column, sum};
    let columns = [
        Column::Bytes(&device.to_bytes()),
        Column::Text(purpose.as_str()),
        Column::Bytes(&epoch.to_bytes()),
        Column::Int(n),
        Column::Int(lo),
        Column::Int(hi),
        Column::Int(key),
    ];
    sum("sealed envelope", &columns)
}

#[cfg(test)]
mod tests;

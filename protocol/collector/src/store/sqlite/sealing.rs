//! Envelopes and their keys: sealing one, opening one, and the keys that nothing is sealed under any more.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::{DeviceId, Digest, Epoch, Purpose};
use time::OffsetDateTime;

use super::audit::{Deed, Note};
use super::batches::Envelope;
use super::device::Device;
use super::erase::{self, STEP};
use super::rows::Word;
use super::tx::{LOG, Tx, meta};
use crate::failure::{Cause, Failure};
use crate::store::Store;
use crate::store::engine::Connection;
use crate::store::keystore::places::Settings;
use crate::store::keystore::{self, Found, Key, KeyStore};
use crate::store::place::Place;
use crate::store::replay::log::Position;

/// The row of `meta` that names the key store.
const KEYS: &str = "keys";

/// The bytes of an envelope as they are stored, and what of its row goes with them.
pub(crate) fn seal(
    key: &Key,
    device: DeviceId,
    envelope: &mut Envelope,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let name = &envelope.name;
    let numbers = (envelope.n, envelope.lo, envelope.hi);
    let about = keystore::of_envelope(device, (name.purpose, name.epoch), numbers, key.id);
    let sealed = key.seal(about, body)?;
    envelope.digest = Digest::of(&sealed);
    envelope.content = key.digest(envelope.content);
    envelope.seal = Some(key.id);
    Ok(sealed)
}

/// Whose envelope it is, and which.
pub(crate) struct Sealed {
    pub(crate) device: DeviceId,
    pub(crate) purpose: Purpose,
    pub(crate) epoch: Epoch,
    /// Place in the stream, first and last number.
    pub(crate) numbers: (i64, i64, i64),
    pub(crate) key: i64,
}

/// The keys that one look at envelopes needed: each is read and opened once.
pub(crate) struct Keys<'a> {
    store: &'a KeyStore,
    known: BTreeMap<(DeviceId, i64), Found>,
}

impl<'a> Keys<'a> {
    /// None yet.
    pub(crate) fn of(store: &'a KeyStore) -> Self {
        Self { store, known: BTreeMap::new() }
    }

    /// The bytes that came.
    pub(crate) fn open(&mut self, sealed: &Sealed, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let name = (sealed.device, sealed.key);
        if !self.known.contains_key(&name) {
            self.known.insert(name, self.store.find(sealed.device, sealed.key)?);
        }
        let about =
            keystore::of_envelope(sealed.device, (sealed.purpose, sealed.epoch), sealed.numbers, sealed.key);
        match self.known.get(&name) {
            Some(Found::Key(key)) => {
                key.open(about, body).ok_or_else(|| Failure::damaged("its seal does not fit"))
            }
            Some(Found::Destroyed) => Err(Failure::new(
                "it was erased: its key is destroyed, and the daily upkeep takes its row out",
            )),
            _ => Err(self.store.key_is_missing()),
        }
    }
}

impl KeyStore {
    /// What is said of an envelope whose key is not there.
    pub(crate) fn key_is_missing(&self) -> Failure {
        Failure::damaged(format!(
            "its key is not in the key store {}; the key store's backup may have it (keys.md)",
            self.directory().display()
        ))
    }
}

/// Destroys the keys of a device for a purpose that were made until then and that no envelope is sealed under; what
/// was erased before is then unreadable in every copy. How many of those keys are left, because they still open something.
pub(crate) fn destroy_unused(
    tx: &Tx<'_>,
    device: &Device,
    purpose: Purpose,
    until: i64,
) -> Result<u64, Failure> {
    let keys = tx.keys.keys(device.id)?;
    let its = keys.iter().filter(|key| key.purpose == purpose && key.made <= until && !key.is_destroyed);
    let (mut unused, mut left) = (Vec::new(), 0);
    for key in its {
        if places(tx, device.no, purpose, key.id, 1)?.is_empty() {
            unused.push(key.id);
        } else {
            left += 1;
        }
    }
    tx.keys.destroy(device.id, &unused)?;
    Ok(left)
}

/// Places of envelopes that are sealed under a key.
fn places(
    sql: &Connection,
    device: i64,
    purpose: Purpose,
    key: i64,
    most: usize,
) -> Result<Vec<i64>, Failure> {
    let statement = "SELECT place FROM envelope WHERE device = ?1 AND purpose = ?2 AND seal = ?3 LIMIT ?4";
    let mut statement = sql.prepare_cached(statement)?;
    Ok(statement.query_map((device, purpose.place(), key, most as i64), |row| row.get(0))?)
}

impl Store {
    /// Makes the key store, or sees that it is the one that the database was sealed with.
    pub(crate) fn ready_keys(&self) -> Result<(), Failure> {
        let known = self.read(|sql| meta(sql, KEYS))?;
        if known.is_some() && self.keys.name()? != known {
            return Err(self.keys.gone());
        }
        let name = self.keys.ready()?;
        if known.is_some() {
            return Ok(());
        }
        self.write(false, move |tx| {
            tx.execute("REPLACE INTO meta(name, value) VALUES(?1, ?2)", (KEYS, &name))?;
            tx.touch();
            Ok(())
        })
    }

    /// What is to be said of where the keys are.
    pub(crate) fn key_warning(&self) -> Option<String> {
        self.keys.is_beside_its_credential().then(|| {
            format!(
                "what opens the key store lies in it, {}: move it out and name it with keys.credential_file",
                self.keys.directory().display()
            )
        })
    }

    /// The name of the key store that the database was sealed with.
    pub(crate) fn sealed_with(&self) -> Result<Option<String>, Failure> {
        self.read(|sql| meta(sql, KEYS))
    }

    /// Writes a backup of the key store into the folder `to`; its name, and how many older ones went.
    pub(crate) fn back_up_keys(&self, to: &Path, now: OffsetDateTime) -> Result<(String, u64), Failure> {
        // Before the first: one that is cut was one.
        let devices = self.keys.devices()?.len() as u64;
        self.note(Note::new(Deed::KeysBackup, devices), now)?;
        keystore::backup::write(&self.keys, to, now)
    }

    /// Gives a copy of this store, which is to be in that place, the keys of this one.
    pub(crate) fn share_key_store(&self, data: &Path, place: &Place, keys: &Settings) -> Result<(), Failure> {
        keystore::backup::share(&self.keys, &KeyStore::new(keys.places(data, place.shared_bundles())?))
    }

    /// Goes on with another key store: what was sealed with the lost one is lost.
    pub(crate) fn forget_keys(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let name = self.keys.ready()?;
        self.write(true, move |tx| {
            tx.execute("REPLACE INTO meta(name, value) VALUES(?1, ?2)", (KEYS, &name))?;
            tx.touch();
            Ok(())
        })?;
        self.note(Note::new(Deed::KeysLost, 0), now)
    }

    /// Up to where the database has done what the log says.
    pub(crate) fn position(&self) -> Result<Option<String>, Failure> {
        self.read(|sql| meta(sql, LOG))
    }

    /// Keeps that.
    pub(crate) fn set_position(&self, position: &Position) -> Result<(), Failure> {
        let position = position.to_string();
        self.write(true, move |tx| tx.keep_position(&position))
    }

    /// Takes out the envelopes and bundles whose keys were destroyed: an older backup had them. How many records.
    pub(crate) fn take_out_unreadable(&self) -> Result<u64, Failure> {
        let bundles = self.take_out_erased()?;
        if bundles > 0 {
            log::warn!("{bundles} bundles were taken out whose header an erasure had destroyed");
        }
        let mut records = 0;
        for device in self.keys.devices()? {
            match self.take_out_of(device) {
                Ok(count) => records += count,
                // One damaged device stops nothing for the others; `verify` names it.
                Err(failure) if failure.cause() == Cause::Damaged => log::error!("{failure}"),
                Err(failure) => return Err(failure),
            }
        }
        Ok(records)
    }

    fn take_out_of(&self, device: DeviceId) -> Result<u64, Failure> {
        let mut records = 0;
        let Some(no) = self.device(device)?.map(|device| device.no) else { return Ok(0) };
        for key in self.keys.keys(device)?.into_iter().filter(|key| key.is_destroyed) {
            loop {
                let step = self.read(|sql| places(sql, no, key.purpose, key.id, STEP))?;
                if step.is_empty() {
                    break;
                }
                records += self.write(true, move |tx| erase::take_out(tx, &step))?.records;
            }
        }
        Ok(records)
    }
}

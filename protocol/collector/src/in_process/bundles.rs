//! What a simulation asks of the collector beside its routes and its export: bundles, sticks, forks, and a store that an
//! older version left.

use std::path::Path;

use protocol::stick::Stick;
use protocol::{CaseId, DeviceId, Digest};

use super::{InProcess, said};
use crate::disk;
use crate::store::place;

/// A whole bundle as the list of them says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Digest of the sealed file.
    pub sha256: Digest,
    /// Whose it is, if that is known.
    pub device: Option<DeviceId>,
    /// For which case, likewise.
    pub case: Option<CaseId>,
}

impl InProcess {
    /// Every whole bundle.
    ///
    /// # Errors
    /// What cannot be read, in a sentence.
    pub fn bundles(&self) -> Result<Vec<Bundle>, String> {
        let mut out = Vec::new();
        let listed = self.store.bundles(|bundle| {
            let (sha256, filed, _) = bundle?;
            out.push(Bundle { sha256, device: filed.device, case: filed.case });
            Ok(())
        });
        listed.map(|()| out).map_err(said)
    }

    /// Takes in what lies on a stick, as `bundles import` does.
    ///
    /// # Errors
    /// Why it is refused, in a sentence.
    pub fn import(&self, file: &Path, consent: &Path) -> Result<Digest, String> {
        let bytes = disk::read_up_to(consent, protocol::stick::MAX + 1).map_err(said)?;
        let carried = bytes.map(|bytes| Stick::read(&bytes)).transpose();
        let carried = carried.map_err(|_| "the consent beside it is none".to_owned())?;
        self.store.import(file, carried, self.now()).map_err(said)
    }

    /// Whether it sees that two copies of a device's disk run.
    ///
    /// # Errors
    /// What cannot be read, in a sentence.
    pub fn is_fork(&self, device: DeviceId) -> Result<bool, String> {
        let mut is_fork = false;
        let listed = self.store.devices(|seen| {
            let seen = seen?;
            is_fork |= seen.device.id == device && seen.is_fork;
            Ok(())
        });
        listed.map(|()| is_fork).map_err(said)
    }

    /// Makes of the store in a data directory that nobody serves the one that the version before left.
    ///
    /// # Errors
    /// It holds what that version does not know, in a sentence.
    pub fn downgrade(data: &Path) -> Result<(), String> {
        place::downgrade(data).map_err(said)
    }
}

//! Keys: the operating system's root key wraps one file per data key.

pub mod data_key;
pub mod sealed;

use protocol::DeviceId;
use ring::rand::{SecureRandom, SystemRandom};

use data_key::{DataKey, KeyId};
use sealed::SealError;

/// The keys of this device.
#[derive(Debug)]
pub struct Vault {
    device: DeviceId,
    keys: Vec<(String, DataKey)>,
    random: SystemRandom,
}

impl Vault {
    /// The device whose key this vault holds.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The key that new records of `compartment` are sealed under; made if there is none.
    pub fn sealing_key(
        &mut self,
        compartment: &str,
        _now: i64,
    ) -> Result<(&DataKey, &dyn SecureRandom), SealError> {
        if !self.keys.iter().any(|(name, _)| name == compartment) {
            let key = DataKey::generate(&self.random).map_err(|_| SealError::Crypto)?;
            self.keys.push((compartment.to_owned(), key));
        }
        let (_, key) =
            self.keys.iter().rev().find(|(name, _)| name == compartment).ok_or(SealError::NoKey)?;
        Ok((key, &self.random))
    }

    /// The key with this id, if it is still there.
    pub fn opening_key(&self, compartment: &str, id: KeyId) -> Option<&DataKey> {
        self.keys.iter().find(|(name, key)| name == compartment && key.id() == id).map(|(_, key)| key)
    }
}

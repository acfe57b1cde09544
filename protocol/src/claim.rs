//! The claim code: printed by a device so that its owner can act for it after it has failed.
//!
//! `DEVICE-SIGNATURE`, the latter the Ed25519 signature (RFC 8032) of `kathea-claim-1 DEVICE` in base32 without
//! padding. Only the device could make it, everybody who knows its public key can check it, and it says nothing.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;

use crate::identity::DeviceId;
use crate::signature;

/// A device's word for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose word it is.
    pub device: DeviceId,
    signature: Vec<u8>,
}

/// A text that is no claim code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoClaim;

impl fmt::Display for NoClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a claim code")
    }
}

impl std::error::Error for NoClaim {}

impl Claim {
    /// The claim of `device`; `sign` returns the Ed25519 signature of its argument.
    pub fn new(device: DeviceId, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        Self { device, signature: sign(&signed(device)) }
    }

    /// Whether the holder of this raw Ed25519 public key made it.
    pub fn is_signed_by(&self, public_key: &[u8]) -> bool {
        signature::is_signed(public_key, &signed(self.device), &self.signature)
    }
}

fn signed(device: DeviceId) -> Vec<u8> {
    format!("kathea-claim-1 {device}").into_bytes()
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.device, BASE32_NOPAD.encode(&self.signature))
    }
}

impl FromStr for Claim {
    type Err = NoClaim;

    fn from_str(text: &str) -> Result<Self, NoClaim> {
        let (device, signature) = text.trim().split_once('-').ok_or(NoClaim)?;
        let device = device.parse().map_err(|_| NoClaim)?;
        let signature = BASE32_NOPAD.decode(signature.as_bytes()).map_err(|_| NoClaim)?;
        Ok(Self { device, signature })
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    #[test]
    fn only_the_device_can_make_its_claim() {
        let pair = || {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
            Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
        };
        let (own, other) = (pair(), pair());
        let device = DeviceId::of_public_key(own.public_key().as_ref());
        let claim = Claim::new(device, |bytes| own.sign(bytes).as_ref().to_vec());
        let read: Claim = format!(" {claim}\n").parse().unwrap();
        assert_eq!(read, claim);
        assert!(read.is_signed_by(own.public_key().as_ref()));
        assert!(!read.is_signed_by(other.public_key().as_ref()));
        let forged = Claim::new(device, |bytes| other.sign(bytes).as_ref().to_vec());
        assert!(!forged.is_signed_by(own.public_key().as_ref()));
        assert_eq!("A-B".parse::<Claim>(), Err(NoClaim));
    }
}

//! The claim code: printed by a device so that its owner can act for it after it has failed.
//!
//! `DEVICE-OWNER-NONCE-SIGNATURE`: the device in hexadecimal digits; which owner of it this is, a count from 0; 10 random
//! bytes, and the Ed25519 signature (RFC 8032) of `kathea-claim-2 DEVICE OWNER NONCE`, both in base32 without padding. Only
//! the device could make it, everybody who knows its public key can check it, and it says nothing. A code of an earlier
//! owner is none any more, and two codes are two requests.
//!
//! The first version, `DEVICE-SIGNATURE` with the signature of `kathea-claim-1 DEVICE`, is a code of the first owner.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;

use crate::identity::DeviceId;
use crate::signature;

/// Random bytes of a code.
pub const NONCE: usize = 10;

/// A device's word for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose word it is.
    pub device: DeviceId,
    /// Which owner it was given to, from 0.
    pub owner: u64,
    /// `None`: of the first version.
    nonce: Option<[u8; NONCE]>,
    signature: Vec<u8>,
}

/// A text that is no claim code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a claim code")]
pub struct NoClaim;

impl Claim {
    /// A claim of `device` for its present owner; `sign` returns the Ed25519 signature of its argument.
    pub fn new(
        device: DeviceId,
        owner: u64,
        nonce: [u8; NONCE],
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Self {
        let unsigned = Self { device, owner, nonce: Some(nonce), signature: Vec::new() };
        let signature = sign(&unsigned.signed());
        Self { signature, ..unsigned }
    }

    /// Whether the holder of this raw Ed25519 public key made it.
    pub fn is_signed_by(&self, public_key: &[u8]) -> bool {
        signature::is_signed(public_key, &self.signed(), &self.signature)
    }

    fn signed(&self) -> Vec<u8> {
        let Self { device, owner, .. } = self;
        match &self.nonce {
            None => format!("kathea-claim-1 {device}").into_bytes(),
            Some(nonce) => {
                format!("kathea-claim-2 {device} {owner} {}", BASE32_NOPAD.encode(nonce)).into_bytes()
            }
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.device)?;
        if let Some(nonce) = &self.nonce {
            write!(f, "{}-{}-", self.owner, BASE32_NOPAD.encode(nonce))?;
        }
        f.write_str(&BASE32_NOPAD.encode(&self.signature))
    }
}

impl FromStr for Claim {
    type Err = NoClaim;

    fn from_str(text: &str) -> Result<Self, NoClaim> {
        let bytes = |text: &str| BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| NoClaim);
        let mut parts = text.trim().split('-');
        let device = parts.next().ok_or(NoClaim)?.parse().map_err(|_| NoClaim)?;
        let (owner, nonce, signature) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(signature), None, None, None) => (0, None, signature),
            (Some(owner), Some(nonce), Some(signature), None) => {
                let nonce = bytes(nonce)?.try_into().map_err(|_| NoClaim)?;
                let count = owner.parse::<u64>().map_err(|_| NoClaim)?;
                // One way to write a number: another would be another request with one signature.
                if count.to_string() != owner {
                    return Err(NoClaim);
                }
                (count, Some(nonce), signature)
            }
            _ => return Err(NoClaim),
        };
        Ok(Self { device, owner, nonce, signature: bytes(signature)? })
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn pair() -> Ed25519KeyPair {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
    }

    #[test]
    fn only_the_device_can_make_its_claim() {
        let (own, other) = (pair(), pair());
        let device = DeviceId::of_public_key(own.public_key().as_ref());
        let by = |pair: &Ed25519KeyPair, owner, nonce| {
            Claim::new(device, owner, [nonce; NONCE], |bytes| pair.sign(bytes).as_ref().to_vec())
        };
        let claim = by(&own, 3, 1);
        let read: Claim = format!(" {claim}\n").parse().unwrap();
        assert_eq!((&read, read.owner), (&claim, 3));
        assert!(read.is_signed_by(own.public_key().as_ref()));
        assert!(!read.is_signed_by(other.public_key().as_ref()));
        assert!(!by(&other, 3, 1).is_signed_by(own.public_key().as_ref()));
        assert_ne!(by(&own, 3, 2).to_string(), claim.to_string(), "two codes are two requests");
        // Another owner or nonce under the same signature.
        for (right, wrong) in [("-3-", "-4-"), ("-3-", "-0-"), ("-3-AEAQ", "-3-AEBA")] {
            let text = claim.to_string();
            assert!(text.contains(right), "{text}");
            let forged: Claim = text.replacen(right, wrong, 1).parse().unwrap();
            assert!(!forged.is_signed_by(own.public_key().as_ref()), "{wrong}");
        }
        for (right, wrong) in
            [("-3-", "-03-"), ("-3-", "-+3-"), ("-3-", "--"), ("-3-", "-3-A-"), ("-3-AE", "-3-")]
        {
            assert_eq!(claim.to_string().replacen(right, wrong, 1).parse::<Claim>(), Err(NoClaim), "{wrong}");
        }
        assert_eq!("A-B".parse::<Claim>(), Err(NoClaim));
    }

    #[test]
    fn a_code_of_the_first_version_is_one_of_the_first_owner() {
        let own = pair();
        let device = DeviceId::of_public_key(own.public_key().as_ref());
        let signature = own.sign(format!("kathea-claim-1 {device}").as_bytes());
        let text = format!("{device}-{}", BASE32_NOPAD.encode(signature.as_ref()));
        let claim: Claim = text.parse().unwrap();
        assert_eq!((claim.owner, claim.to_string()), (0, text));
        assert!(claim.is_signed_by(own.public_key().as_ref()));
    }
}

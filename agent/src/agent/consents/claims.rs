//! The claim code: who shows it speaks for the clinic.

use std::io;

use protocol::claim::{Claim, NONCE};
use ring::rand::{SecureRandom, SystemRandom};

use super::super::Trouble;
use crate::consent::Registry;
use crate::request::Request;
use crate::vault::Vault;

/// Whether a request that needs the clinic shows this device's claim code.
pub(in crate::agent) fn is_claimed(registry: &Registry, vault: &Vault, request: &Request) -> bool {
    let shown = request.claim().and_then(|code| code.0.parse::<Claim>().ok());
    let key = vault.device_key();
    let is_its = |shown: Claim| {
        shown.device == key.id() && shown.owner == registry.owner() && shown.is_signed_by(key.public_key())
    };
    request.needs_the_clinic() && shown.is_some_and(is_its)
}

/// A new code for the owner of today.
pub(in crate::agent) fn claim(registry: &Registry, vault: &Vault) -> Result<Claim, Trouble> {
    let (key, mut nonce) = (vault.device_key(), [0; NONCE]);
    SystemRandom::new().fill(&mut nonce).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(Claim::new(key.id(), registry.owner(), nonce, |bytes| key.sign(bytes)))
}

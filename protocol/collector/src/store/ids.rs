//! Randomness of the system, and names made of it: of a store, of its lives, of files on their way.

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};

use crate::failure::Failure;

/// 16 random bytes in hexadecimal.
pub(crate) fn new_id() -> Result<String, Failure> {
    let mut id = [0; 16];
    random(&mut id)?;
    Ok(HEXLOWER.encode(&id))
}

/// A name for a life.
pub(crate) fn new_life() -> Result<String, Failure> {
    Ok(new_id()?.chars().take(8).collect())
}

/// Fills `bytes` at random.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    SystemRandom::new().fill(bytes).map_err(|_| Failure::new("the system gives no random numbers"))
}

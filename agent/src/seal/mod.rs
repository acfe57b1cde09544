//! Sealed: nothing reaches the disk or the network before a permit allowed it and a key encrypted it.
//!
//! [`payload`] is what may be sealed, [`record`] the encrypted record, which wants a permit of the consent registry.

pub mod payload;
pub mod record;
mod request;

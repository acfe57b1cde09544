//! The key from which the pseudonyms of a case follow: the same in every bundle of it.

use std::fmt;
use std::io;

use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The key of a case's pseudonyms. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonyms(pub Zeroizing<[u8; 32]>);

impl Pseudonyms {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn draw(random: &dyn SecureRandom) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(key.as_mut()).map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Self(key))
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

impl Serialize for Pseudonyms {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(data_encoding::HEXLOWER.encode(self.0.as_ref()));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Pseudonyms {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| bytes.as_slice().try_into().ok());
        key.map(|key| Self(Zeroizing::new(key))).ok_or_else(|| serde::de::Error::custom("no key"))
    }
}

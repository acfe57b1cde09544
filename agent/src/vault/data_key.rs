//! A data key: AES-256-GCM under random 96-bit nonces (NIST SP 800-38D), never more than 2^30 records.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use crate::texts::{Language, Text};

/// Bytes that AES-GCM adds: the tag.
pub const TAG_LEN: usize = 16;

/// Which data key sealed something: 8 random bytes, no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl Text for KeyId {
    fn text(&self, _: Language) -> String {
        self.to_string()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// One data key. Its bytes are wiped on drop; ring's expanded copy lives only during a call.
pub struct DataKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// The key with these bytes.
    pub fn new(id: KeyId, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { id, secret }
    }

    /// A new key from the system's randomness.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut id = [0; 8];
        let mut secret = Zeroizing::new([0; 32]);
        random.fill(&mut id)?;
        random.fill(secret.as_mut())?;
        Ok(Self { id: KeyId(id), secret })
    }

    /// The same key once more, for a thread that outlives the borrow.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { id: self.id, secret: self.secret.clone() }
    }

    /// Its bytes in hexadecimal digits, to hand a draft to the agent that keeps it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(self.secret.as_ref()))
    }

    /// Which key this is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes, for wrapping under the root key.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Encrypts `text` in place and appends the tag; returns the nonce that was drawn.
    pub fn seal(
        &self,
        aad: &[u8],
        text: &mut Vec<u8>,
        random: &dyn SecureRandom,
    ) -> Result<[u8; NONCE_LEN], Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        text.reserve(TAG_LEN);
        self.expanded()?.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            text,
        )?;
        Ok(nonce)
    }

    /// Decrypts what [`DataKey::seal`] made under the same `aad`; anything else is refused.
    pub fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut text = Zeroizing::new(sealed.to_vec());
        let length = self
            .expanded()?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut text)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    fn expanded(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&AES_256_GCM, &*self.secret).map(LessSafeKey::new)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({}, ..)", self.id)
    }
}

//! The device's identity: an Ed25519 key (RFC 8032) that signs the ledger and proves who is talking.

use std::fmt;
use std::sync::Arc;

use protocol::DeviceId;
use ring::rand::SecureRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

/// The device's key. Its bytes are wiped when the last holder drops it; ring's expanded copy lives only during
/// a call.
#[derive(Clone)]
pub struct DeviceKey(Arc<Inner>);

struct Inner {
    public: [u8; 32],
    pkcs8: Zeroizing<Vec<u8>>,
}

impl DeviceKey {
    /// A new identity; `None` if the system gives no randomness.
    pub(super) fn generate(random: &dyn SecureRandom) -> Option<Self> {
        // ring does not wipe the document; it is drawn once in a device's life.
        let document = Ed25519KeyPair::generate_pkcs8(random).ok()?;
        Self::from_pkcs8(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The identity with this PKCS#8 document (RFC 5958), if it is one.
    pub(super) fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).ok()?;
        let public = pair.public_key().as_ref().try_into().ok()?;
        Some(Self(Arc::new(Inner { public, pkcs8 })))
    }

    /// The name that follows from the public key.
    pub fn id(&self) -> DeviceId {
        DeviceId::of_public_key(&self.0.public)
    }

    /// The raw 32 bytes of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.0.public
    }

    /// The Ed25519 signature of `message`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        // The document was read once already; were it ever refused, the empty signature verifies nowhere.
        Ed25519KeyPair::from_pkcs8(&self.0.pkcs8)
            .map(|pair| pair.sign(message).as_ref().to_vec())
            .unwrap_or_default()
    }

    /// The private key as PKCS#8 DER, for TLS and certificate requests.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.0.pkcs8
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({}, ..)", self.id())
    }
}

//! Signatures: Ed25519 (RFC 8032) over a digest and the context that it was signed in.
//!
//! What the vendor signs goes with one line of text, `kathea-signature-1 CONTEXT KEY BASE64`. The key signs the text
//! `kathea-signature-1 CONTEXT SHA256`, so a signature never counts for another kind of content. Who verifies names the
//! context and the keys that may sign in it.
//!
//! ```
//! use protocol::Digest;
//! use protocol::signature::{Context, PublicKey, Refused, Signature, TrustedKey, TrustedKeys};
//! use ring::signature::{Ed25519KeyPair, KeyPair};
//!
//! let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes");
//! let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().expect("32 bytes"));
//! let content = Digest::of(b"kathea-agent_0.2.0_amd64.deb");
//! let signature = Signature::new(Context::Release, key, content, |text| pair.sign(text).as_ref().to_vec());
//! let line = signature.expect("64 bytes").to_string();
//!
//! let trusted = TrustedKeys::new(vec![TrustedKey { key, signs: vec![Context::Release] }]);
//! let read: Signature = line.parse().expect("the line that was written");
//! assert_eq!(trusted.verify(Context::Release, content, &read), Ok(key.id()));
//! assert_eq!(trusted.verify(Context::Notice, content, &read), Err(Refused::OtherContext));
//! ```
//!
//! A device signs with its own key, in formats of their own that are older: ledger lines, the head of the ledger and
//! claim codes. They are checked by [`is_signed`] too, and each begins unlike the others and unlike the text above.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::identity::{Digest, words};

/// The first word of a signature and of what is signed.
const FORMAT: &str = "kathea-signature-1";

words! {
    /// What a signature is for. A word once given is never given another meaning.
    Context {
        /// A list of texts of the product that de-identification keeps.
        WordList = "word_list",
        /// A message of the vendor to a clinic.
        Notice = "notice",
        /// What was erased at the vendor.
        ErasureCertificate = "erasure_certificate",
        /// Who read a device's data at the vendor, and why.
        UseReceipt = "use_receipt",
        /// A program or a package to install.
        Release = "release",
        /// How long the audit of the vendor's collector was, and its last line.
        AuditHead = "audit_head",
    }
}

/// Whether the holder of this raw Ed25519 public key signed exactly `message`.
pub fn is_signed(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// An Ed25519 public key; base64 of its 32 bytes as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A text that is not the base64 of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key: 32 bytes in base64 were expected")]
pub struct NoKey;

impl PublicKey {
    /// The key whose raw bytes are `bytes`.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The short name of the key.
    pub fn id(self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&Digest::of(&self.0).to_bytes()[..8]);
        KeyId(id)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| NoKey)?;
        bytes.try_into().map(Self).map_err(|_| NoKey)
    }
}

/// A key's short name: the first 8 bytes of the SHA-256 of the public key, 16 hexadecimal digits as text. It finds the
/// key; it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; 8]);

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

/// A signature as it goes with what it signs: one line of text. Holding one proves nothing; [`TrustedKeys::verify`]
/// does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    context: Context,
    key: KeyId,
    bytes: [u8; 64],
}

/// A text that is not a signature of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signature: one line `{FORMAT} CONTEXT KEY BASE64` was expected")]
pub struct NoSignature;

impl Signature {
    /// The signature of what has the digest `content`, by `key`. `sign` returns the Ed25519 signature of its argument.
    pub fn new(
        context: Context,
        key: PublicKey,
        content: Digest,
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Result<Self, NoSignature> {
        let bytes = sign(&signed(context, content)).try_into().map_err(|_| NoSignature)?;
        Ok(Self { context, key: key.id(), bytes })
    }
}

/// The bytes that the key signs.
fn signed(context: Context, content: Digest) -> Vec<u8> {
    format!("{FORMAT} {context} {content}").into_bytes()
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT} {} {} {}", self.context, self.key, BASE64.encode(&self.bytes))
    }
}

impl FromStr for Signature {
    type Err = NoSignature;

    fn from_str(text: &str) -> Result<Self, NoSignature> {
        let mut words = text.strip_suffix('\n').unwrap_or(text).split(' ');
        let (Some(FORMAT), Some(context), Some(key), Some(bytes), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(NoSignature);
        };
        let key = HEXLOWER.decode(key.as_bytes()).map_err(|_| NoSignature)?;
        let bytes = BASE64.decode(bytes.as_bytes()).map_err(|_| NoSignature)?;
        Ok(Self {
            context: context.parse().map_err(|_| NoSignature)?,
            key: KeyId(key.try_into().map_err(|_| NoSignature)?),
            bytes: bytes.try_into().map_err(|_| NoSignature)?,
        })
    }
}

/// A key of the vendor's and what it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The public key.
    pub key: PublicKey,
    /// The contexts in which its signatures count.
    pub signs: Vec<Context>,
}

/// The keys that somebody trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys(Vec<TrustedKey>);

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was made for another kind of content.
    #[error("the signature is for another kind of content")]
    OtherContext,
    /// The key that it names is not trusted.
    #[error("key {0} is not among the vendor's keys")]
    UnknownKey(KeyId),
    /// The key that it names may not sign this kind of content.
    #[error("key {0} may not sign this kind of content")]
    NotAllowed(KeyId),
    /// The content is not what was signed, or the signature is not of the key that it names.
    #[error("key {0} did not sign exactly this content: it was changed, or the signature was")]
    Wrong(KeyId),
}

impl TrustedKeys {
    /// Trusts `keys`.
    pub fn new(keys: Vec<TrustedKey>) -> Self {
        Self(keys)
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key whose signatures count in `context`.
    pub fn trust(&self, context: Context) -> bool {
        self.0.iter().any(|trusted| trusted.signs.contains(&context))
    }

    /// The key that signed what has the digest `content`, if it may sign it in `context`.
    pub fn verify(&self, context: Context, content: Digest, signature: &Signature) -> Result<KeyId, Refused> {
        let id = signature.key;
        if signature.context != context {
            return Err(Refused::OtherContext);
        }
        let trusted = self.0.iter().find(|trusted| trusted.key.id() == id).ok_or(Refused::UnknownKey(id))?;
        if !trusted.signs.contains(&context) {
            return Err(Refused::NotAllowed(id));
        }
        if is_signed(&trusted.key.0, &signed(context, content), &signature.bytes) {
            Ok(id)
        } else {
            Err(Refused::Wrong(id))
        }
    }
}

#[cfg(test)]
mod tests;

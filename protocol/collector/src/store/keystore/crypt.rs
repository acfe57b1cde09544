//! The cryptography of the key store: AES-256-GCM with random nonces, and HMAC-SHA-256, both of `ring`.

use data_encoding::HEXLOWER;
use protocol::{DeviceId, Digest};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::slots::{SECRET, Slot, State, WRAPPED};
use crate::failure::Failure;
use crate::store::ids::random;

/// Bytes by which what is sealed is longer: a nonce before it and a tag behind it.
pub(super) const MORE: usize = NONCE_LEN + 16;
/// How the file `check` begins.
const MAGIC: &str = "kathea-keys-1";

/// A key of a device, open.
pub(crate) struct Key {
    /// Its number.
    pub(crate) id: i64,
    /// It may not be on the disk yet: `KeyStore::keep` comes before the commit of what is sealed under it.
    pub(crate) is_new: bool,
    seal: LessSafeKey,
    digest: hmac::Key,
}

impl Key {
    /// Seals the bytes of what `about` names.
    pub(crate) fn seal(&self, about: Digest, body: &[u8]) -> Result<Vec<u8>, Failure> {
        seal(&self.seal, &about.to_bytes(), body)
    }

    /// The bytes that were sealed; `None` if it was another key, another envelope, or the bytes are not those.
    pub(crate) fn open(&self, about: Digest, sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.seal, &about.to_bytes(), sealed)
    }

    /// A digest of a content that says nothing without the key.
    pub(crate) fn digest(&self, content: Digest) -> Digest {
        let tag = hmac::sign(&self.digest, &content.to_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Digest::from_bytes(bytes)
    }
}

/// What wraps the keys: made of the credential.
pub(super) struct Wrapper(LessSafeKey);

impl Wrapper {
    /// Of 32 bytes.
    pub(super) fn new(secret: &[u8; 32]) -> Result<Self, Failure> {
        aead(secret).map(Self)
    }

    /// The file `check` of a key store of this name.
    pub(super) fn check(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let sealed = seal(&self.0, name.as_bytes(), b"")?;
        Ok(format!("{MAGIC} {name} {}\n", HEXLOWER.encode(&sealed)).into_bytes())
    }

    /// Whether the key store of this `check` is wrapped by this.
    pub(super) fn is_of(&self, check: &[u8]) -> bool {
        let parts =
            parts(check).and_then(|(name, sealed)| Some((name, HEXLOWER.decode(sealed.as_bytes()).ok()?)));
        parts.is_some_and(|(name, sealed)| open(&self.0, name.as_bytes(), &sealed).is_some())
    }

    /// Seals the bytes of what `about` names.
    pub(super) fn seal(&self, about: &[u8], body: &[u8]) -> Result<Vec<u8>, Failure> {
        seal(&self.0, about, body)
    }

    /// The bytes that were sealed; `None` if it was something else, or the bytes are not those.
    pub(super) fn open(&self, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.0, about, sealed)
    }

    /// Gives a slot a new random key.
    pub(super) fn make(&self, device: DeviceId, mut slot: Slot) -> Result<Slot, Failure> {
        let mut secret = [0; SECRET];
        random(&mut secret)?;
        let wrapped = seal(&self.0, &slot.name(device), &secret)?;
        slot.wrapped = wrapped.try_into().map_err(|_| Failure::new("the key has another length"))?;
        Ok(slot)
    }

    /// The key of a slot; `None` if the slot is not what was written.
    pub(super) fn unwrap(&self, device: DeviceId, slot: &Slot) -> Option<Key> {
        let secret = open(&self.0, &slot.name(device), &slot.wrapped)?;
        let (seal, digest) = secret.split_at_checked(32)?;
        let seal = aead(seal.try_into().ok()?).ok()?;
        Some(Key {
            id: slot.id,
            is_new: slot.state == State::New,
            seal,
            digest: hmac::Key::new(hmac::HMAC_SHA256, digest),
        })
    }
}

/// The name in a file `check`.
pub(super) fn name_of(check: &[u8]) -> Option<String> {
    parts(check).map(|(name, _)| name.to_owned())
}

fn parts(check: &[u8]) -> Option<(&str, &str)> {
    let words: Vec<&str> = std::str::from_utf8(check).ok()?.split_whitespace().collect();
    match words[..] {
        [MAGIC, name, sealed] => Some((name, sealed)),
        _ => None,
    }
}

fn aead(secret: &[u8; 32]) -> Result<LessSafeKey, Failure> {
    let key = UnboundKey::new(&AES_256_GCM, secret);
    key.map(LessSafeKey::new).map_err(|_| Failure::new("the key has another length"))
}

fn seal(key: &LessSafeKey, about: &[u8], body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut out = Vec::with_capacity(body.len() + MORE);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(body);
    let tag = key.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(about),
        &mut out[NONCE_LEN..],
    );
    let tag = tag.map_err(|_| Failure::new("too long to be sealed"))?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

fn open(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let length =
        key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(about), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

const _: () = assert!(WRAPPED == SECRET + MORE);

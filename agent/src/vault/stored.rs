//! Keys on disk: each in a file of its own, wrapped with AES-256-GCM under the root key.
//!
//! ```text
//! magic "KKEY" | version u8 = 1 | created i64 | nonce [12] | wrapped key | tag [16] | started blocks
//! ```
//!
//! Integers are little-endian. Everything before the nonce is authenticated, and with it the device, the key's
//! id and its compartment: a file renamed or copied from elsewhere does not open. One byte at the end for each
//! started block of 2^20 records makes the count of a key's records survive restarts without its secret ever
//! being written twice.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::DeviceId;
use ring::aead::NONCE_LEN;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use super::data_key::{DataKey, KeyId, TAG_LEN};
use crate::presence::{self, Presence};
use crate::{durable, killpoint, limits};

const MAGIC: &[u8; 4] = b"KKEY";
const VERSION: u8 = 1;
const HEAD_LEN: usize = 13;
const WRAPPED_DATA_KEY: usize = HEAD_LEN + NONCE_LEN + 32 + TAG_LEN;
const BLOCK: u32 = 1 << 20;
/// Begins the name of what can't be used any more and waits for a person, or for the shredder.
pub(super) const QUARANTINE: &str = "quarantine-";

/// The bytes of a key file: `secret` under `root`, bound to `context`.
pub(super) fn wrap(
    root: &DataKey,
    context: &[u8],
    secret: &[u8],
    created: i64,
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, ring::error::Unspecified> {
    let mut bytes = [MAGIC.as_slice(), &[VERSION], &created.to_le_bytes()].concat();
    let mut text = Vec::with_capacity(secret.len() + TAG_LEN); // sealed in place: no copy is left behind
    text.extend_from_slice(secret);
    let nonce = root.seal(&[&bytes, context].concat(), &mut text, random)?;
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&text);
    Ok(bytes)
}

/// When the key was made, and its secret; `None` if the bytes are not what [`wrap`] made of it.
pub(super) fn unwrap(root: &DataKey, context: &[u8], bytes: &[u8]) -> Option<(i64, Zeroizing<Vec<u8>>)> {
    let (head, rest) = bytes.split_at_checked(HEAD_LEN)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
    let created = i64::from_le_bytes(*head.last_chunk()?);
    let secret = root.open(*nonce, &[head, context].concat(), sealed).ok()?;
    (head.starts_with(MAGIC) && head.get(4) == Some(&VERSION)).then_some((created, secret))
}

/// A data key and its file.
#[derive(Debug)]
pub(super) struct StoredKey {
    pub(super) compartment: String,
    pub(super) key: DataKey,
    created: i64,
    path: PathBuf,
    blocks: usize,
    left: u32,
}

impl StoredKey {
    /// Makes the file of `key`, of `compartment`, in `keys`.
    pub(super) fn create(
        keys: &Path,
        compartment: &str,
        key: DataKey,
        device: DeviceId,
        root: &DataKey,
        now: i64,
        random: &dyn SecureRandom,
    ) -> io::Result<Self> {
        let context = context(device, key.id(), compartment);
        let bytes = wrap(root, &context, key.secret(), now, random).map_err(|_| refused())?;
        let path = keys.join(format!("{compartment}-{}.key", key.id()));
        durable::replace(&path, &bytes)?;
        Ok(Self { compartment: compartment.to_owned(), key, created: now, path, blocks: 0, left: 0 })
    }

    /// The key in the file at `path`, if its bytes verify.
    pub(super) fn open(path: &Path, bytes: &[u8], device: DeviceId, root: &DataKey) -> Option<Self> {
        let (compartment, id) = name_of(path)?;
        let (wrapped, blocks) = bytes.split_at_checked(WRAPPED_DATA_KEY)?;
        let (created, secret) = unwrap(root, &context(device, id, compartment), wrapped)?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(secret.get(..32)?);
        Some(Self {
            compartment: compartment.to_owned(),
            key: DataKey::new(id, key),
            created,
            path: path.to_owned(),
            blocks: blocks.len(),
            left: 0,
        })
    }

    /// The key that was set aside and verifies again, under its own name; none if another file has that name, which is
    /// read for itself.
    pub(super) fn take_back(mut self) -> io::Result<Option<Self>> {
        let path = self.path.with_file_name(format!("{}-{}.key", self.compartment, self.key.id()));
        if presence::is_there(&path)? {
            return Ok(None);
        }
        std::fs::rename(&self.path, &path)?;
        durable::sync_parent(&path)?;
        self.path = path;
        Ok(Some(self))
    }

    /// Whether new records may be sealed under it. A clock that jumped, either way, asks for another key and
    /// finds this one again when it comes back.
    pub(super) fn is_fresh(&self, now: i64) -> bool {
        let spent = self.blocks >= limits::KEY_RECORDS / BLOCK as usize && self.left == 0;
        now.abs_diff(self.created) <= limits::KEY_AGE && !spent
    }

    /// Counts one record; the count on disk is ahead of it.
    pub(super) fn count(&mut self) -> io::Result<()> {
        if self.left == 0 {
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(&[0])?;
            killpoint::step("key.counted");
            file.sync_all()?;
            self.blocks += 1;
            self.left = BLOCK;
        }
        self.left -= 1;
        Ok(())
    }

    /// When it was made, for ordering.
    pub(super) fn created(&self) -> i64 {
        self.created
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The compartment and the id that a key file's name says, in quarantine or not.
pub(super) fn name_of(path: &Path) -> Option<(&str, KeyId)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".key")?;
    let (compartment, id) = name.strip_prefix(QUARANTINE).unwrap_or(name).rsplit_once('-')?;
    let id = HEXLOWER.decode(id.as_bytes()).ok()?;
    Some((compartment, KeyId(id.try_into().ok()?)))
}

/// Whether a file was set aside.
pub(super) fn is_quarantined(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(QUARANTINE.as_bytes()))
}

/// Sets a file aside, if it is there, under a name that no other has; says which.
pub(super) fn quarantine(path: &Path, random: &dyn SecureRandom) -> io::Result<PathBuf> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match name_of(path) {
        Some(_) => format!("{QUARANTINE}{name}.key"),
        None => {
            let mut id = [0; 8];
            random.fill(&mut id).map_err(|_| refused())?;
            format!("{QUARANTINE}{name}-{}.key", KeyId(id))
        }
    };
    let aside = path.with_file_name(name);
    Presence::of(std::fs::rename(path, &aside))?;
    Ok(aside)
}

/// What the system answers when it has no randomness.
pub(super) fn refused() -> io::Error {
    io::Error::other("the system's random numbers or the cipher failed")
}

fn context(device: DeviceId, id: KeyId, compartment: &str) -> Vec<u8> {
    [device.to_bytes().as_slice(), &id.0, compartment.as_bytes()].concat()
}

//! The sealed file of the clinic's own history, under a key of its own, and whether it is kept at all.
//!
//! ```text
//! magic "KHIS" | version u8 = 1 | key id [8] | nonce [12] | AES-256-GCM of bincode V1 | tag [16]
//! ```
//!
//! Everything before the nonce is authenticated, and with it the device. One file, because it is small: it is written anew
//! with each commit of the intake, with how far each source was read, so that a crash repeats nothing.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use ring::aead::NONCE_LEN;
use serde::{Deserialize, Serialize};

use super::Days;
use crate::presence::{self, Presence};
use crate::vault::data_key::KeyId;
use crate::vault::{SealError, Vault};
use crate::{durable, killpoint};

/// Names the keys of the history in the vault.
pub const COMPARTMENT: &str = "history";

/// The files in `data_dir`: the history, and one that could not be opened.
pub const FILES: [&str; 2] = ["history.sealed", "history.damaged"];

const HEAD: &[u8; 5] = b"KHIS\x01";

/// Whether the history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Kept {
    /// Nothing is added. What was kept stays until it is erased.
    #[default]
    Off,
    /// Since then, in seconds since 1970. Nothing before it is added.
    On(i64),
}

/// Why what was added is not on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// It cannot be sealed.
    Key(SealError),
    /// Its file cannot be written.
    File(io::ErrorKind),
}

crate::texts! { Unsaved {
    Self::Key(why) =>
        "the clinic's own history cannot be sealed: {why}",
        "klinikkens egen historik kan ikke forsegles: {why}", why;
    Self::File(why) =>
        "the clinic's own history cannot be saved ({why}): check the space and rights of data_dir",
        "klinikkens egen historik kan ikke gemmes ({why}): kontrollér plads og rettigheder i data_dir", why;
} }

/// The history on this disk. Its `Debug` shows no value.
pub struct Store {
    dir: PathBuf,
    kept: Kept,
    days: Days,
    cursors: BTreeMap<[u8; 16], u64>,
    is_changed: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?}, ..)", self.kept)
    }
}

#[derive(Serialize, Deserialize)]
struct V1 {
    kept: Kept,
    cursors: BTreeMap<[u8; 16], u64>,
    days: Vec<Vec<(u32, u32, u32)>>,
}

impl Store {
    /// Opens the one in `data_dir`; an erasure that was cut short is finished first. True if one was there that does not
    /// open: it is set aside, and another one begins, off.
    ///
    /// # Errors
    /// It cannot be read now; nothing was changed.
    pub fn open(data_dir: &Path, vault: &mut Vault) -> io::Result<(Self, bool)> {
        let dir = data_dir.to_owned();
        let none = || Self {
            dir: dir.clone(),
            kept: Kept::Off,
            days: Days::default(),
            cursors: BTreeMap::new(),
            is_changed: false,
        };
        let [path, aside] = FILES.map(|name| data_dir.join(name));
        for path in [&path, &aside] {
            if presence::is_there(&durable::marked(path))? {
                vault.shred(COMPARTMENT)?;
                none().erase(vault)?;
            }
        }
        let held = |body: V1| Self {
            kept: body.kept,
            cursors: body.cursors,
            days: Days::from_rows(body.days),
            ..none()
        };
        let Presence::Found(bytes) = presence::read(&path)? else {
            // A key that was set aside may verify again.
            let back = presence::read(&aside)?.found().and_then(|bytes| opened(&bytes, vault));
            if back.is_some() {
                std::fs::rename(&aside, &path)?;
                durable::sync_parent(&path)?;
            }
            return Ok((back.map_or_else(none, held), false));
        };
        match opened(&bytes, vault) {
            Some(body) => Ok((held(body), false)),
            None => {
                std::fs::rename(&path, aside)?;
                durable::sync_parent(&path)?;
                Ok((none(), true))
            }
        }
    }

    /// Since when it is kept, if it is.
    pub fn since(&self) -> Option<i64> {
        match self.kept {
            Kept::On(since) => Some(since),
            Kept::Off => None,
        }
    }

    /// The values.
    pub fn days(&self) -> &Days {
        &self.days
    }

    /// Switches it on at `now`, or off. What is on stays on since it was switched on.
    pub fn switch(&mut self, kept: Kept) {
        if (self.kept == Kept::Off) != (kept == Kept::Off) {
            self.kept = kept;
            self.is_changed = true;
        }
    }

    /// How far a source was read.
    pub fn cursor(&self, source: &[u8; 16]) -> u64 {
        self.cursors.get(source).copied().unwrap_or(0)
    }

    /// Takes in what was read, and how far each source was. Durable after [`Self::save`].
    pub fn add(&mut self, days: Days, cursors: impl Iterator<Item = ([u8; 16], u64)>) {
        self.is_changed |= !days.is_empty();
        self.days.absorb(days);
        for (source, taken) in cursors {
            self.is_changed |= self.cursors.insert(source, taken) != Some(taken);
        }
    }

    /// Keeps only the cursors that are `wanted`.
    pub fn retain_cursors(&mut self, wanted: impl Fn(&[u8; 16]) -> bool) {
        let before = self.cursors.len();
        self.cursors.retain(|source, _| wanted(source));
        self.is_changed |= self.cursors.len() < before;
    }

    /// Lets go what is too old at `now`, if the clock `may_decide`.
    pub fn bound(&mut self, now: i64, may_decide: bool) {
        self.is_changed |= self.days.bound(now, may_decide);
    }

    /// Writes down what changed, and erases the keys of earlier copies.
    ///
    /// # Errors
    /// The key or the file cannot be written; it is tried again with the next call.
    pub fn save(&mut self, vault: &mut Vault, now: i64) -> Result<(), Unsaved> {
        if !self.is_changed {
            return Ok(());
        }
        let body = V1 { kept: self.kept, cursors: self.cursors.clone(), days: self.days.to_rows() };
        // Encoding plain integers into a vector has no way to fail.
        let mut text = bincode::serde::encode_to_vec(body, bincode::config::standard()).unwrap_or_default();
        let device = vault.device();
        let (key, random) = vault.sealing_key(COMPARTMENT, now).map_err(Unsaved::Key)?;
        let id = key.id();
        let mut bytes = [HEAD.as_slice(), &id.0].concat();
        let nonce = key
            .seal(&context(&bytes, device), &mut text, random)
            .map_err(|_| Unsaved::Key(SealError::Crypto))?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        durable::replace(&self.file(), &bytes).map_err(|e| Unsaved::File(e.kind()))?;
        killpoint::step("history.saved");
        self.is_changed = false;
        vault.retire(COMPARTMENT, &HashSet::from([id])).map(drop).map_err(|e| Unsaved::File(e.kind()))
    }

    /// Erases it: once its files are marked, also if it is cut short, with their keys first. The number of keys.
    ///
    /// # Errors
    /// Of the disk.
    pub fn erase(&mut self, vault: &mut Vault) -> io::Result<usize> {
        (self.kept, self.is_changed) = (Kept::Off, false);
        self.days = Days::default();
        self.cursors.clear();
        for name in FILES {
            Presence::of(durable::mark(&self.dir.join(name)))?;
        }
        let keys = vault.shred(COMPARTMENT)?.files;
        killpoint::step("history.shredded");
        durable::finish_erasures(&self.dir)?;
        Ok(keys)
    }

    fn file(&self) -> PathBuf {
        self.dir.join(FILES[0])
    }
}

fn context(head: &[u8], device: protocol::DeviceId) -> Vec<u8> {
    [head, device.to_string().as_bytes()].concat()
}

fn opened(bytes: &[u8], vault: &Vault) -> Option<V1> {
    let (head, rest) = bytes.split_at_checked(HEAD.len() + 8)?;
    let id = KeyId(*head.strip_prefix(HEAD.as_slice())?.first_chunk()?);
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
    let key = vault.opening_key(COMPARTMENT, id)?;
    let text = key.open(*nonce, &context(head, vault.device()), sealed).ok()?;
    let (body, _): (V1, usize) =
        bincode::serde::decode_from_slice(&text, bincode::config::standard()).ok()?;
    Some(body)
}

//! The batches sent last, as they were sealed in the queue: the clinic can read them while their key exists,
//! and a withdrawal ends that with the key.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use crate::presence::{self, Presence};
use crate::seal::record::Sealed;
use crate::usage::validation::Usage;
use crate::vault::Vault;
use crate::{durable, limits};

/// Sealed records, the oldest first, never more than [`limits::SENT_BYTES`].
pub(super) struct LastSent {
    path: PathBuf,
    sealed: VecDeque<Sealed<Usage>>,
    is_changed: bool,
}

impl LastSent {
    /// What the file at `path` holds. It is for looking at only: what is damaged is left out.
    ///
    /// # Errors
    /// It cannot be read now.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let bytes = presence::read(&path)?.found().unwrap_or_default();
        let (mut sealed, mut rest) = (VecDeque::new(), bytes.as_slice());
        while let Some((record, behind)) =
            Sealed::<Usage>::measure(rest).and_then(|length| rest.split_at_checked(length))
        {
            sealed.extend(Sealed::from_bytes(record));
            rest = behind;
        }
        Ok(Self { path, sealed, is_changed: false })
    }

    /// Takes over what the collector has now, and lets the oldest go.
    pub(super) fn add(&mut self, sealed: impl IntoIterator<Item = Sealed<Usage>>) {
        for sealed in sealed {
            self.sealed.push_back(sealed);
            self.is_changed = true;
        }
        while self.sealed.iter().map(|sealed| sealed.as_bytes().len()).sum::<usize>() > limits::SENT_BYTES {
            self.sealed.pop_front();
        }
    }

    /// At most `items` records, from the number `from` of the queue on.
    pub(super) fn page(&self, from: u64, items: usize) -> Vec<&Sealed<Usage>> {
        self.sealed.iter().filter(|sealed| sealed.numbers().start >= from).take(items).collect()
    }

    /// Writes down what changed, without what no key opens any more.
    pub(super) fn save(&mut self, vault: &Vault) -> io::Result<()> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(());
        }
        self.sealed.retain(|sealed| sealed.verifies(vault));
        let bytes: Vec<u8> = self.sealed.iter().flat_map(|sealed| sealed.as_bytes()).copied().collect();
        durable::replace(&self.path, &bytes)
    }

    /// Forgets all of it, here and on the disk.
    pub(super) fn purge(&mut self) -> io::Result<()> {
        self.sealed.clear();
        self.is_changed = false;
        Presence::of(durable::erase(&self.path)).map(drop)
    }
}

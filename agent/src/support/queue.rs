//! The sealed bundles and what is known of each: `bundles/ID.age` beside `bundles/ID.record`.
//!
//! A bundle is there once its record is: what a power cut left without one is erased at the next start, and the
//! draft that it came from is still there. Nothing here says that a bundle may leave; a permit does.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{CaseId, Purpose};

use super::pseudonyms::Pseudonyms;
use super::record::{Bundle, RecordError, State};
use crate::durable;
use crate::presence::{self, Presence};
use crate::vault::Vault;

const SEALED: &str = "age";
const RECORD: &str = "record";

/// The bundles of this workstation, the oldest first.
#[derive(Debug)]
pub struct Queue {
    dir: PathBuf,
    bundles: Vec<Bundle>,
}

impl Queue {
    /// Opens what is below `data_dir`, and erases what nobody can use: parts of files, and bundles whose case's key
    /// is gone. Those whose key was set aside stay, and are not in the queue. Returns how many bundles were erased.
    ///
    /// # Errors
    /// Something cannot be read now: nothing was erased.
    pub fn open(data_dir: &Path, vault: &Vault) -> io::Result<(Self, usize)> {
        let dir = data_dir.join("bundles");
        durable::finish_erasures(&dir)?;
        let mut queue = Self { dir, bundles: Vec::new() };
        let listed = presence::entries(&queue.dir)?;
        let mut kept_sealed = BTreeSet::new();
        for path in listed.iter().filter(|path| has_ending(path, RECORD)) {
            let id = path.file_stem().and_then(|id| id.to_str()).unwrap_or_default();
            let bytes = presence::read(path)?.found().unwrap_or_default();
            match Bundle::open(id, &bytes, vault) {
                Some(bundle) if bundle.state == State::Sent || presence::is_there(&queue.path(id))? => {
                    queue.bundles.push(bundle);
                }
                None if Bundle::key_of(&bytes).is_some_and(|key| vault.is_set_aside(key)) => {
                    kept_sealed.insert(id.to_owned());
                }
                _ => {}
            }
        }
        queue.bundles.sort_unstable_by(|a, b| (a.sealed_at, &a.id).cmp(&(b.sealed_at, &b.id)));
        let mut lost = BTreeSet::new();
        for path in listed {
            let id = path.file_stem().and_then(|id| id.to_str()).unwrap_or_default();
            // Of one that was sent only the record stays; a power cut may have come before its file went.
            let is_over = |bundle: &Bundle| bundle.state == State::Sent && !has_ending(&path, RECORD);
            if !kept_sealed.contains(id) && queue.find(id).is_none_or(is_over) {
                queue.erase(std::slice::from_ref(&path))?;
                if has_ending(&path, RECORD) {
                    lost.insert(id.to_owned());
                }
            }
        }
        Ok((queue, lost.len()))
    }

    /// All of them.
    pub fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    /// The bundle of this name.
    pub fn find(&self, id: &str) -> Option<&Bundle> {
        self.bundles.iter().find(|bundle| bundle.id == id)
    }

    /// Where its sealed bytes are, or come to be.
    pub fn path(&self, id: &str) -> PathBuf {
        self.dir.join(id).with_extension(SEALED)
    }

    /// The oldest that waits and that `may_leave` allows now.
    pub fn next(&self, may_leave: impl Fn(&Bundle) -> bool) -> Option<&Bundle> {
        let waits = |bundle: &&Bundle| matches!(bundle.state, State::Queued | State::Sending);
        self.bundles.iter().filter(waits).find(|bundle| may_leave(bundle))
    }

    /// What the pseudonyms of `case` follow from, once it has a bundle.
    pub fn pseudonyms(&self, case: &CaseId) -> Option<Pseudonyms> {
        self.bundles.iter().find(|bundle| bundle.case == *case).map(|bundle| bundle.pseudonyms.clone())
    }

    /// Makes the directory, before a bundle is sealed into it.
    ///
    /// # Errors
    /// Of the directory.
    pub fn prepare(&self) -> io::Result<()> {
        durable::create_directory(&self.dir)
    }

    /// Takes in a bundle whose sealed file is at its path, synced.
    ///
    /// # Errors
    /// The record could not be kept: the bundle is not in the queue.
    pub fn add(&mut self, bundle: Bundle, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
        bundle.keep(&self.record(&bundle.id), vault, now)?;
        self.bundles.push(bundle);
        Ok(())
    }

    /// Notes how much of it the collector has, and where.
    ///
    /// # Errors
    /// The record could not be kept; what was noted before holds.
    pub fn note(
        &mut self,
        id: &str,
        offset: u64,
        url: Option<&str>,
        vault: &mut Vault,
        now: i64,
    ) -> Result<(), RecordError> {
        self.change(id, vault, now, |bundle| {
            bundle.state = State::Sending;
            bundle.offset = offset;
            bundle.url = url.map(str::to_owned);
        })
    }

    /// The collector has all of it, durably, or imported it: the sealed file is erased, its record stays with its
    /// case.
    ///
    /// # Errors
    /// The record could not be kept, or the file not be erased.
    pub fn settle(
        &mut self,
        id: &str,
        receipt: &str,
        vault: &mut Vault,
        now: i64,
    ) -> Result<(), RecordError> {
        self.change(id, vault, now, |bundle| {
            bundle.state = State::Sent;
            bundle.offset = bundle.size;
            bundle.receipt = Some(receipt.to_owned());
        })?;
        Ok(self.erase(&[self.path(id)])?)
    }

    /// The collector refused it for good.
    ///
    /// # Errors
    /// The record could not be kept.
    pub fn fail(&mut self, id: &str, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
        self.change(id, vault, now, |bundle| bundle.state = State::Failed)
    }

    /// From the beginning again, at a place that the collector has yet to name.
    ///
    /// # Errors
    /// The record could not be kept.
    pub fn restart(&mut self, id: &str, vault: &mut Vault, now: i64) -> Result<(), RecordError> {
        self.change(id, vault, now, |bundle| {
            (bundle.state, bundle.offset, bundle.url) = (State::Queued, 0, None);
        })
    }

    /// Erases one. False if there is none of this name.
    ///
    /// # Errors
    /// A file could not be erased; the bundle is no longer in the queue.
    pub fn remove(&mut self, id: &str) -> io::Result<bool> {
        Ok(self.remove_where(|bundle| bundle.id == id)? > 0)
    }

    /// Erases the bundles of `case` that need a yes to `purpose`, and says how many there were.
    ///
    /// # Errors
    /// Likewise.
    pub fn remove_case(&mut self, case: &CaseId, purpose: Purpose) -> io::Result<usize> {
        self.remove_where(|bundle| bundle.case == *case && bundle.purposes.contains(&purpose))
    }

    /// How many bundles of `case` need a yes to `purpose` and were not sent.
    pub fn waiting(&self, case: &CaseId, purpose: Purpose) -> u64 {
        let held = self.bundles.iter().filter(|bundle| bundle.case == *case && bundle.state != State::Sent);
        held.filter(|bundle| bundle.purposes.contains(&purpose)).count() as u64
    }

    /// Bytes that the sealed files take on the disk.
    pub fn disk_bytes(&self) -> u64 {
        let held = self.bundles.iter().filter(|bundle| bundle.state != State::Sent);
        held.map(|bundle| bundle.size).sum()
    }

    fn remove_where(&mut self, is_over: impl Fn(&Bundle) -> bool) -> io::Result<usize> {
        let gone: Vec<Bundle> = self.bundles.extract_if(.., |bundle| is_over(bundle)).collect();
        // The record first: cut short, what is left without one is nothing that was lost.
        let files: Vec<PathBuf> =
            gone.iter().flat_map(|bundle| [self.record(&bundle.id), self.path(&bundle.id)]).collect();
        self.erase(&files)?;
        Ok(gone.len())
    }

    fn erase(&self, files: &[PathBuf]) -> io::Result<()> {
        for path in files {
            // Nobody here could ever read a sealed file, so it needs no overwriting, which takes long.
            let erased = if has_ending(path, RECORD) { durable::erase(path) } else { fs::remove_file(path) };
            Presence::of(erased)?;
        }
        files.first().map_or(Ok(()), |path| durable::sync_parent(path))
    }

    fn change(
        &mut self,
        id: &str,
        vault: &mut Vault,
        now: i64,
        change: impl FnOnce(&mut Bundle),
    ) -> Result<(), RecordError> {
        let path = self.record(id);
        let Some(held) = self.bundles.iter_mut().find(|bundle| bundle.id == id) else { return Ok(()) };
        let mut bundle = held.clone();
        change(&mut bundle);
        bundle.keep(&path, vault, now)?;
        *held = bundle;
        Ok(())
    }

    fn record(&self, id: &str) -> PathBuf {
        self.dir.join(id).with_extension(RECORD)
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

#[cfg(test)]
mod tests;

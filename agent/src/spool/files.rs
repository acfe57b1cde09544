//! The directory of a queue: its file names, what they mean after a crash, and the syncs that make them durable.
//!
//! ```text
//! spool/
//!   ballast               space for draining when the disk is full
//!   usage.a  usage.b      the two slots of the queue's high-water file
//!   usage/
//!     1200/               a generation, named for the first number it may hold
//!       merged            its small records were joined: no start does it again
//!     1200.tmp/           being written or removed: rubbish after a crash
//!     1200.kept/          copy of it while it is opened
//!     1200.done/          complete and synced, takes the place of 1200
//!     1200.bad/           damaged; carved at the next chance
//!     quarantine-1200/    was carved; the newest one is kept for a look
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::presence::{self, Presence};
use crate::{durable, killpoint};

const QUARANTINE: &str = "quarantine-";
const MERGED: &str = "merged";
const KEPT: &str = ".kept";

/// The directory of one queue.
#[derive(Debug)]
pub(super) struct QueueDir(PathBuf);

impl QueueDir {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn generation(&self, id: u64) -> PathBuf {
        self.0.join(id.to_string())
    }

    pub(super) fn unfinished(&self, id: u64) -> PathBuf {
        self.0.join(format!("{id}.tmp"))
    }

    pub(super) fn damaged(&self, id: u64) -> PathBuf {
        self.0.join(format!("{id}.bad"))
    }

    fn done(&self, id: u64) -> PathBuf {
        self.0.join(format!("{id}.done"))
    }

    /// Finishes what a crash interrupted. Returns the generations and those that wait for carving, in order.
    pub(super) fn tidy(&self) -> io::Result<(Vec<u64>, Vec<u64>)> {
        for id in self.named(".tmp")? {
            self.discard(id)?;
        }
        for id in self.named(KEPT)? {
            self.drop_copy(id)?;
        }
        for id in self.named(".done")? {
            self.replace(id)?;
        }
        let generations = self.named("")?;
        let mut damaged = self.named(".bad")?;
        for id in damaged.extract_if(.., |id| generations.binary_search(id).is_ok()) {
            self.quarantine(id)?;
        }
        Ok((generations, damaged))
    }

    /// Marks `<id>.tmp` as merged. sled knows its own files by their names and leaves this one alone.
    pub(super) fn mark_merged(&self, id: u64) -> io::Result<()> {
        let mark = self.unfinished(id).join(MERGED);
        fs::File::create(&mark)?.sync_all()?;
        durable::sync_parent(&mark)
    }

    /// Whether a generation was merged. A mark that cannot be looked at costs a merge, nothing else.
    pub(super) fn is_merged(&self, id: u64) -> bool {
        presence::is_there(&self.generation(id).join(MERGED)).unwrap_or(false)
    }

    /// Puts the complete and synced `<id>.tmp` in the place of `<id>`, so that a crash leaves one of them whole.
    pub(super) fn install(&self, id: u64) -> io::Result<()> {
        fs::rename(self.unfinished(id), self.done(id))?;
        self.sync()?;
        self.replace(id)
    }

    fn replace(&self, id: u64) -> io::Result<()> {
        killpoint::step("install.done");
        remove_dir(&self.generation(id))?;
        killpoint::step("install.removed");
        fs::rename(self.done(id), self.generation(id))?;
        self.sync()
    }

    /// Removes a generation: at once by its name, then its files.
    pub(super) fn remove(&self, id: u64) -> io::Result<()> {
        self.discard(id)?;
        let renamed = Presence::of(fs::rename(self.generation(id), self.unfinished(id)))?;
        if renamed == Presence::Absent {
            return Ok(());
        }
        killpoint::step("remove.renamed");
        self.sync()?;
        self.discard(id)
    }

    /// Copies a generation to `<id>.tmp`.
    pub(super) fn copy(&self, id: u64) -> io::Result<PathBuf> {
        let copy = self.unfinished(id);
        remove_dir(&copy)?;
        copy_dir(&self.generation(id), &copy)?;
        Ok(copy)
    }

    /// Keeps a copy of a generation beside it.
    pub(super) fn keep_copy(&self, id: u64) -> io::Result<()> {
        self.drop_copy(id)?;
        copy_dir(&self.generation(id), &self.kept_copy(id))
    }

    /// Puts the copy in the place of the generation.
    pub(super) fn put_back(&self, id: u64) -> io::Result<()> {
        remove_dir(&self.generation(id))?;
        fs::rename(self.kept_copy(id), self.generation(id))?;
        self.sync()
    }

    /// Removes the copy.
    pub(super) fn drop_copy(&self, id: u64) -> io::Result<()> {
        remove_dir(&self.kept_copy(id))
    }

    fn kept_copy(&self, id: u64) -> PathBuf {
        self.0.join(format!("{id}{KEPT}"))
    }

    /// Removes `<id>.tmp`.
    pub(super) fn discard(&self, id: u64) -> io::Result<()> {
        remove_dir(&self.unfinished(id))
    }

    /// Marks a generation as damaged, so that no later start opens it again.
    pub(super) fn condemn(&self, id: u64) -> io::Result<()> {
        remove_dir(&self.damaged(id))?;
        fs::rename(self.generation(id), self.damaged(id))?;
        killpoint::step("carve.condemned");
        self.sync()
    }

    /// Keeps a carved generation for a look, and only this one.
    pub(super) fn quarantine(&self, id: u64) -> io::Result<()> {
        for name in self.names()?.iter().filter(|name| name.starts_with(QUARANTINE)) {
            remove_dir(&self.0.join(name))?;
        }
        fs::rename(self.damaged(id), self.0.join(format!("{QUARANTINE}{id}")))?;
        killpoint::step("carve.quarantined");
        self.sync()
    }

    /// Removes the directory if nothing is in it, not even a quarantine.
    pub(super) fn remove_if_empty(&self) -> io::Result<()> {
        match Presence::of(fs::remove_dir(&self.0)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Removes the whole directory.
    pub(super) fn clear(&self) -> io::Result<()> {
        if !presence::is_there(&self.0)? {
            return Ok(());
        }
        remove_dir(&self.0)?;
        durable::sync_parent(&self.0)
    }

    /// Makes the directory, with its name durable.
    pub(super) fn create(&self) -> io::Result<()> {
        if presence::is_there(&self.0)? {
            return Ok(());
        }
        durable::create_directory(&self.0)?;
        self.0.parent().map_or(Ok(()), durable::sync_parent)
    }

    /// Makes the names in it durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        durable::sync_parent(&self.generation(0))
    }

    fn named(&self, ending: &str) -> io::Result<Vec<u64>> {
        let id = |name: &String| name.strip_suffix(ending)?.parse::<u64>().ok();
        let mut ids: Vec<u64> = self.names()?.iter().filter_map(id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let name = |path: PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
        Ok(presence::entries(&self.0)?.into_iter().filter_map(name).collect())
    }
}

/// Bytes that `path` and everything below it take on the disk: blocks, not lengths. What goes meanwhile takes none.
pub(super) fn disk_bytes(path: &Path) -> io::Result<u64> {
    let Presence::Found(meta) = Presence::of(fs::symlink_metadata(path))? else { return Ok(0) };
    if !meta.is_dir() {
        return Ok(blocks(&meta));
    }
    let below = presence::entries(path)?.iter().map(|path| disk_bytes(path)).sum::<io::Result<u64>>()?;
    Ok(blocks(&meta) + below)
}

#[cfg(unix)]
fn blocks(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

#[cfg(not(unix))]
fn blocks(meta: &fs::Metadata) -> u64 {
    meta.len()
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn remove_dir(path: &Path) -> io::Result<()> {
    Presence::of(fs::remove_dir_all(path)).map(drop)
}

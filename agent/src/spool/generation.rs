//! One generation: a small sled database. Nothing else in the house knows of sled.
//!
//! sled 0.34.7 is used as it was measured: key = the record's first number, big-endian; only additions, one
//! batch per commit; no flusher thread; a real sync after each flush, because on Linux its `flush` is no
//! power-loss barrier; every call under `catch_unwind`, because it panics on damage; an iteration ends at
//! its first error, because it would return the same one for ever.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::ops::{ControlFlow, Range};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::error::SpoolError;
use crate::{durable, limits};

/// An open generation. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Generation {
    db: Option<sled::Db>,
    log: File,
}

impl Generation {
    /// Makes an empty one at `path` and syncs what sled itself leaves unsynced.
    pub(super) fn create(path: &Path) -> Result<Self, SpoolError> {
        let generation = Self::open(path)?;
        generation.log.sync_all()?;
        let conf = path.join("conf");
        File::options().write(true).open(&conf)?.sync_all()?;
        durable::sync_parent(&conf)?;
        Ok(generation)
    }

    /// Opens the one at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let config = sled::Config::new().path(path).cache_capacity(limits::SLED_CACHE).flush_every_ms(None);
        let opened = quietly(|| with_lazy_timers(|| config.open()));
        let db = Some(opened.inspect_err(|error| {
            if *error == SpoolError::Damaged {
                File::open(path.join("db")).iter().for_each(await_release);
            }
        })?);
        // sled's lock belongs to its own descriptor: a second one neither takes nor frees it.
        let log = File::options().write(true).open(path.join("db"))?;
        Ok(Self { db, log })
    }

    /// Takes the lock of the one at `path`, which nobody can open while the answer lives.
    pub(super) fn lock(path: &Path) -> Result<File, SpoolError> {
        let log = File::open(path.join("db")).map_err(|error| error_of(sled::Error::Io(error)))?;
        match log.try_lock() {
            Ok(()) => Ok(log),
            Err(fs::TryLockError::WouldBlock) => Err(SpoolError::Locked),
            Err(fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Closes it and opens it once more: sled writes its snapshot only while opening, and a generation with
    /// a snapshot is the better one to be damaged.
    pub(super) fn close(self, path: &Path) -> Result<(), SpoolError> {
        drop(self);
        Self::open(path).map(drop)
    }

    /// Adds records by their first numbers, all or none. Durable only after [`Generation::commit`].
    pub(super) fn add<'a>(&self, records: impl Iterator<Item = (u64, &'a [u8])>) -> Result<(), SpoolError> {
        let mut batch = sled::Batch::default();
        for (number, bytes) in records {
            batch.insert(&number.to_be_bytes(), bytes);
        }
        quietly(|| self.db()?.apply_batch(batch))
    }

    /// Makes everything added survive a power loss.
    pub(super) fn commit(&self) -> Result<(), SpoolError> {
        quietly(|| self.db()?.flush())?;
        if cfg!(target_os = "linux") { Ok(self.log.sync_data()?) } else { Ok(()) }
    }

    /// Shows the records of `numbers` in order, and before them the one that begins below and may reach in.
    pub(super) fn read(
        &self,
        numbers: Range<u64>,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SpoolError> {
        let below = quietly(|| self.db()?.get_lt(numbers.start.to_be_bytes()))?.map(Ok);
        let mut iter =
            quietly(|| Ok(self.db()?.range(numbers.start.to_be_bytes()..numbers.end.to_be_bytes())))?;
        let mut next = below;
        loop {
            let entry = match next.take() {
                Some(entry) => Some(entry),
                None => quietly(|| Ok(iter.next()))?,
            };
            let Some(entry) = entry else { return Ok(ControlFlow::Continue(())) };
            let (key, bytes) = entry.map_err(error_of)?;
            let number = u64::from_be_bytes(key.as_ref().try_into().map_err(|_| SpoolError::Damaged)?);
            if visit(number, &bytes).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Length of its file: what decides that the next one begins.
    pub(super) fn len(&self) -> Result<u64, SpoolError> {
        Ok(self.log.metadata()?.len())
    }

    fn db(&self) -> sled::Result<&sled::Db> {
        self.db.as_ref().ok_or_else(|| sled::Error::Unsupported(String::new()))
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        // sled writes while closing, and panics if it can't; what was promised is synced already.
        let _ = quietly(|| {
            drop(self.db.take());
            Ok(())
        });
        await_release(&self.log);
    }
}

/// Waits until sled has let go of its file. Its threads hold it for a moment after the last handle is gone,
/// and until then it can neither be opened again nor, on Windows, be renamed.
fn await_release(log: &File) {
    for _ in 0..limits::SLED_RELEASE.as_millis() {
        if log.try_lock().is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Set when a thread of sled's own has panicked: its pool is shared by all databases of the process.
static POISONED: AtomicBool = AtomicBool::new(false);

/// Calls sled: its panics are damage, are caught and printed nowhere.
fn quietly<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, SpoolError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if thread::current().name().is_some_and(|name| name.starts_with("sled-io")) {
                POISONED.store(true, Ordering::Release);
            } else if !QUIET.get() {
                others(what);
            }
        }));
    });
    QUIET.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    if POISONED.load(Ordering::Acquire) {
        return Err(SpoolError::Poisoned);
    }
    outcome.map_err(|_| SpoolError::Damaged)?.map_err(error_of)
}

/// What an error of sled means. Only what speaks of the file's content is damage: a lack of descriptors or
/// rights must not send a healthy store to the carver.
fn error_of(error: sled::Error) -> SpoolError {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    const EIO: i32 = 5;
    match error {
        sled::Error::Io(io) if io.to_string().starts_with("could not acquire lock") => SpoolError::Locked,
        sled::Error::Io(io) if matches!(io.kind(), InvalidData | InvalidInput | NotFound | UnexpectedEof) => {
            SpoolError::Damaged
        }
        sled::Error::Io(io) if cfg!(unix) && io.raw_os_error() == Some(EIO) => SpoolError::Damaged,
        sled::Error::Io(io) => SpoolError::from(io),
        _ => SpoolError::Damaged,
    }
}

/// The threads that sled starts wake once a second for ever and do nothing. They inherit the timer slack of
/// the thread that starts them, so the kernel may join these wake-ups with others.
#[cfg(target_os = "linux")]
fn with_lazy_timers<T>(open: impl FnOnce() -> T) -> T {
    use nix::sys::prctl::set_timerslack;
    // A kernel that refuses only costs wake-ups. Zero gives the thread its own default back.
    let _ = set_timerslack(u64::MAX as _);
    let opened = open();
    let _ = set_timerslack(0);
    opened
}

#[cfg(not(target_os = "linux"))]
fn with_lazy_timers<T>(open: impl FnOnce() -> T) -> T {
    open()
}

//! One segment of a queue: a small sled database. No other module uses sled.
//!
//! sled 0.34.7 is used as it was measured: key = the record's first number, big-endian; only additions, one
//! batch per commit, or one record; no flusher thread; a real sync after each flush, because on Linux its `flush` is no
//! power-loss barrier; every call under `catch_unwind`, because it panics on damage; an iteration ends at
//! its first error, because it would return the same one for ever.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::ops::{ControlFlow, Range};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::error::SpoolError;
use crate::{durable, killpoint, limits};

/// An open generation. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Generation {
    db: Option<sled::Db>,
    log: File,
    path: PathBuf,
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
        killpoint::read(path)?;
        let config = sled::Config::new().path(path).cache_capacity(limits::SLED_CACHE).flush_every_ms(None);
        let opened = with_lazy_timers(|| quietly(|| config.open()));
        let db = Some(opened.inspect_err(|error| {
            if *error == SpoolError::Damaged {
                File::open(path.join("db")).iter().for_each(await_release);
            }
        })?);
        // sled's lock belongs to its own descriptor: a second one neither takes nor frees it.
        let log = File::options().write(true).open(path.join("db"))?;
        Ok(Self { db, log, path: path.to_owned() })
    }

    /// Whether no process has the one at `path` open.
    pub(super) fn check_free(path: &Path) -> Result<(), SpoolError> {
        let log = File::open(path.join("db")).map_err(|error| error_of(sled::Error::Io(error)))?;
        match log.try_lock() {
            Ok(()) => Ok(()),
            Err(fs::TryLockError::WouldBlock) => Err(SpoolError::Locked),
            Err(fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Adds records by their first numbers, all or none. Durable only after [`Generation::commit`].
    pub(super) fn add<'a>(&self, records: impl Iterator<Item = (u64, &'a [u8])>) -> Result<(), SpoolError> {
        killpoint::write(&self.path)?;
        let records: Vec<_> = records.map(|(number, bytes)| (number.to_be_bytes(), bytes)).collect();
        // One alone is all or none without sled's frame around a batch, which costs a write and a sync of its own.
        if let [(number, bytes)] = records.as_slice() {
            return with_lazy_timers(|| quietly(|| self.db()?.insert(number, *bytes).map(drop)));
        }
        let mut batch = sled::Batch::default();
        records.into_iter().for_each(|(number, bytes)| batch.insert(&number, bytes));
        with_lazy_timers(|| quietly(|| self.db()?.apply_batch(batch)))
    }

    /// Makes everything added survive a power loss.
    pub(super) fn commit(&self) -> Result<(), SpoolError> {
        killpoint::write(&self.path)?;
        let written = with_lazy_timers(|| quietly(|| self.db()?.flush()))?;
        STARTED.fetch_or(written > 0, Ordering::AcqRel);
        if cfg!(target_os = "linux") { Ok(self.log.sync_data()?) } else { Ok(()) }
    }

    /// Shows the records of `numbers` in order, and before them the one that begins below and may reach in.
    pub(super) fn read(
        &self,
        numbers: Range<u64>,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SpoolError> {
        killpoint::read(&self.path)?;
        let below = self.last_below(numbers.start)?.map(Ok);
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

    /// The entry with the highest number below this one, looked for forward in growing steps: sled's way back
    /// would put a key of a mebibyte into the program.
    fn last_below(&self, number: u64) -> Result<Option<(sled::IVec, sled::IVec)>, SpoolError> {
        let mut step = 1000_u64;
        loop {
            let from = number.saturating_sub(step);
            let last = quietly(|| {
                let mut last = None;
                for entry in self.db()?.range(from.to_be_bytes()..number.to_be_bytes()) {
                    last = Some(entry?);
                }
                Ok(last)
            })?;
            if last.is_some() || from == 0 {
                return Ok(last);
            }
            step = step.saturating_mul(1000);
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
        let _ = with_lazy_timers(|| {
            quietly(|| {
                drop(self.db.take());
                Ok(())
            })
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

/// Set when something was committed: then sled's seven threads run. More of them end after a second without work.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether sled can still be used in this process.
pub(super) fn check_threads() -> Result<(), SpoolError> {
    if POISONED.load(Ordering::Acquire) { Err(SpoolError::Poisoned) } else { Ok(()) }
}

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
    check_threads()?;
    outcome.map_err(|_| SpoolError::Damaged)?.map_err(error_of)
}

/// What an error of sled means. Only what speaks of the file's content is damage: a lack of descriptors or rights, or a
/// disk that does not give the bytes now, must not send a healthy store to the carver.
fn error_of(error: sled::Error) -> SpoolError {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    match error {
        sled::Error::Io(io) if io.to_string().starts_with("could not acquire lock") => SpoolError::Locked,
        sled::Error::Io(io) if matches!(io.kind(), InvalidData | InvalidInput | NotFound | UnexpectedEof) => {
            SpoolError::Damaged
        }
        sled::Error::Io(io) => SpoolError::from(io),
        _ => SpoolError::Damaged,
    }
}

/// The threads that sled starts, at its first write, wake once a second for ever and do nothing. They inherit
/// the timer slack of the thread that starts them, so the kernel may join these wake-ups with others.
#[cfg(target_os = "linux")]
fn with_lazy_timers<T>(write: impl FnOnce() -> T) -> T {
    use nix::sys::prctl::set_timerslack;
    if STARTED.load(Ordering::Acquire) {
        return write();
    }
    // A kernel that refuses only costs wake-ups. Zero gives the thread its own default back.
    let _ = set_timerslack(u64::MAX as _);
    let written = write();
    let _ = set_timerslack(0);
    written
}

#[cfg(not(target_os = "linux"))]
fn with_lazy_timers<T>(write: impl FnOnce() -> T) -> T {
    write()
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use test_support::peer;

    use super::*;

    #[test]
    fn an_iteration_shows_the_record_that_reaches_in_and_ends_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let generation = Generation::create(&dir.path().join("0")).unwrap();
        let bytes = [7; 100];
        generation.add((0..10).map(|n| (n * 10, bytes.as_slice()))).unwrap();
        generation.commit().unwrap();
        let mut seen = Vec::new();
        let flow = generation.read(35..80, |number, _| {
            seen.push(number);
            if number == 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((flow, seen), (Ok(ControlFlow::Break(())), vec![30, 40, 50, 60]));
    }

    #[test]
    fn a_panic_inside_is_damage_and_what_is_outside_still_panics() {
        let quiet = quietly::<()>(|| panic!("as sled does on a damaged page"));
        assert_eq!(quiet, Err(SpoolError::Damaged));
        assert!(!QUIET.get());
        assert!(panic::catch_unwind(|| panic!("loud, and so is this line")).is_err());
    }

    #[test]
    fn only_what_speaks_of_the_content_is_damage() {
        let io = |kind: io::ErrorKind| error_of(sled::Error::Io(kind.into()));
        assert_eq!(io(io::ErrorKind::UnexpectedEof), SpoolError::Damaged);
        assert_eq!(error_of(sled::Error::Corruption { at: None, bt: () }), SpoolError::Damaged);
        assert_eq!(io(io::ErrorKind::StorageFull), SpoolError::Full);
        let denied = io::ErrorKind::PermissionDenied;
        assert_eq!(io(denied), SpoolError::Io(denied));
        #[cfg(target_os = "linux")]
        {
            const EMFILE: i32 = 24;
            const EIO: i32 = 5;
            for not_now in [EMFILE, EIO] {
                let error = error_of(sled::Error::Io(io::Error::from_raw_os_error(not_now)));
                assert!(matches!(error, SpoolError::Io(_)), "{not_now}");
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_threads_of_sled_sleep_lazily() {
        let dir = tempfile::tempdir().unwrap();
        let generation = Generation::create(&dir.path().join("0")).unwrap();
        // More than one of sled's buffers, so that it starts its threads.
        let bytes = [7; 7000];
        generation.add((0..200).map(|number| (number, bytes.as_slice()))).unwrap();
        generation.commit().unwrap();
        let read = |path: std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
        let mut slacks = Vec::new();
        for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
            if read(task.path().join("comm")).starts_with("sled-io") {
                slacks.push(read(Path::new("/proc").join(task.file_name()).join("timerslack_ns")));
            }
        }
        assert!(slacks.len() >= 7, "sled keeps seven threads for ever");
        let readable = slacks.iter().any(|slack| !slack.is_empty());
        if !peer::can(readable, "reading another thread's timer slack needs CAP_SYS_NICE") {
            return;
        }
        let lazy = slacks.iter().filter(|slack| slack.trim().parse::<u64>().is_ok_and(|ns| ns > 1 << 32));
        assert!(lazy.count() >= 7, "{slacks:?}");
        let own = read("/proc/thread-self/timerslack_ns".into());
        assert!(own.is_empty() || own.trim().parse::<u64>().is_ok_and(|ns| ns < 1 << 32), "{own}");
    }
}

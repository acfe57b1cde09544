//! All that outlives a power cut.
//!
//! ```text
//! rules      what becomes of a request: no clock, disk or SQL; every engine shares them
//! sqlite     the engine: one database file, one thread that writes, connections that read
//! postgres   a cluster: which host takes writes, and whether what it acknowledges is kept
//! files      the bytes of support bundles
//! backup     copies of all of it, for another machine
//! tables     files of an export
//! requests   privacy requests and their tickets
//!
//! collector.db, -wal, -shm   devices, consents, envelopes, requests, audit
//! collector.witness          how far the database has come
//! collector.turn             whose turn it is to write
//! bundles/, uploads/         support bundles that are whole, and on their way
//! lock                       held while serving
//! reserve                    limit for what has to be done on a full disk
//! ```
//!
//! What is answered with a success was synced before. Commands of the command line open the store beside a running
//! server.

pub(crate) mod backup;
pub(crate) mod files;
#[cfg(test)]
mod measure;
pub(crate) mod postgres;
pub(crate) mod requests;
pub(crate) mod rules;
mod sqlite;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use protocol::Digest;
use rusqlite::Connection;
use time::OffsetDateTime;

pub(crate) use rules::consent::Refused;
pub(crate) use rules::decide::{Standing, Verdict};
pub(crate) use sqlite::rows::{micros, rfc3339, text, time};
pub(crate) use sqlite::{
    Announced, Answer, Asked, Count, Cursor, Filed, Kept, MAX_BUNDLE, Order, Put, Redeemed, Restricted, Seen,
    Stored, Wanted,
};
use sqlite::{Readers, Reply, Tx, Writer};

use crate::failure::Failure;
use crate::metrics::StoreTimes;

/// The store of a data directory.
pub(crate) struct Store {
    data: PathBuf,
    /// Closed before the writer, whose connection then empties and removes the write-ahead log.
    readers: Readers,
    writer: Writer,
    times: StoreTimes,
    _lock: Option<File>,
}

impl Store {
    /// Opens the store for the one server that a data directory has at a time.
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let path = data.join("lock");
        let lock = File::create(&path).map_err(Failure::at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!(
                    "{} is being served already; stop that first",
                    data.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(Failure::at(&path)(error)),
        }
        files::sweep_imports(data)?;
        Self::start(data, Some(lock))
    }

    /// Opens the store for a command, beside a server or without one.
    pub(crate) fn beside(data: &Path) -> Result<Self, Failure> {
        Self::start(data, None)
    }

    fn start(data: &Path, lock: Option<File>) -> Result<Self, Failure> {
        let (sql, store, seen) = sqlite::open(data, micros(OffsetDateTime::now_utc()))?;
        let times = StoreTimes::default();
        let writer = Writer::start(data, sql, &store, seen, lock.is_some(), times.clone())?;
        Ok(Self { data: data.to_owned(), writer, readers: Readers::of(data), times, _lock: lock })
    }

    /// How long transactions take.
    pub(crate) fn times(&self) -> &StoreTimes {
        &self.times
    }

    /// The text of a policy that an operator put beside the store.
    pub(crate) fn policy(&self, sha256: Digest) -> Result<Option<String>, Failure> {
        files::policy(self.data(), sha256)
    }

    fn data(&self) -> &Path {
        &self.data
    }

    /// Runs `work` in a transaction; its answer comes after the commit. What ends or erases something `is_vital`.
    fn submit<T: Send + 'static>(
        &self,
        is_vital: bool,
        work: impl FnMut(&Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<T> {
        self.writer.submit(is_vital, work)
    }

    /// The same, and waits for it on this thread.
    fn write<T: Send + 'static>(
        &self,
        is_vital: bool,
        work: impl FnMut(&Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.submit(is_vital, work).block()
    }

    /// Runs `work` on one moment of the store.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let begun = std::time::Instant::now();
        let done = self.readers.read(work);
        self.times.read(begun.elapsed());
        done
    }
}

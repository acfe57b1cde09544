//! An open store: its transactions, its reads, and where it is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::engine::Connection;
use super::folder::Folder;
use super::jobs::{Reply, Scope, Threads, job};
use super::keystore::KeyStore;
use super::postgres;
use super::readers::{Readers, Source};
use super::sqlite::Tx;
use crate::failure::Failure;
use crate::metrics::StoreTimes;

/// The store of a data directory.
pub(crate) struct Store {
    pub(super) data: PathBuf,
    /// Where its bundles are.
    pub(super) folder: Folder,
    /// Closed before the writer, whose connection then empties and removes the write-ahead log.
    pub(super) readers: Readers,
    pub(super) writer: Threads,
    pub(super) times: StoreTimes,
    /// What its envelopes are sealed under.
    pub(super) keys: Arc<KeyStore>,
    pub(super) _lock: Option<File>,
}

/// Until it is dropped, no other process does what one front does for all.
pub(crate) struct UpkeepTurn {
    /// The connection whose end gives the turn back, also where the process is killed.
    _held: Option<Box<postgres::Lane>>,
}

impl Store {
    /// Whether its rows are in PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.readers.source(), Source::Postgres(_))
    }

    /// What the cluster is now, and whether that is as it is demanded; `None` of a database file.
    pub(crate) fn cluster(&self) -> Option<postgres::Looked> {
        match self.readers.source() {
            Source::Sqlite(_) => None,
            Source::Postgres(cluster) => Some(postgres::look(cluster)),
        }
    }

    /// What has to be true before a cluster acknowledges; `None` of a database file.
    pub(crate) fn durability(&self) -> Option<&'static str> {
        match self.readers.source() {
            Source::Sqlite(_) => None,
            Source::Postgres(cluster) => Some(cluster.demand.word()),
        }
    }

    /// What is wrong with how a cluster keeps what it acknowledges.
    pub(super) fn check_cluster(&self) -> Result<Vec<String>, Failure> {
        let wrong = self.cluster().transpose()?.and_then(|(_, judged)| judged.err());
        Ok(wrong.map(|failure| failure.to_string()).into_iter().collect())
    }

    /// How long transactions take.
    pub(crate) fn times(&self) -> &StoreTimes {
        &self.times
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The turn of this process to do what one of several fronts does for all; `None` while another one has it.
    pub(crate) fn upkeep_turn(&self) -> Result<Option<UpkeepTurn>, Failure> {
        match self.readers.source() {
            // One process serves it, and its commands are the operator's.
            Source::Sqlite(_) => Ok(Some(UpkeepTurn { _held: None })),
            Source::Postgres(cluster) => {
                let lane = postgres::Lane::open(cluster)?;
                Ok(lane.take_upkeep()?.then(|| UpkeepTurn { _held: Some(Box::new(lane)) }))
            }
        }
    }

    /// Runs `work` in a transaction; its answer comes after the commit.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnMut(&Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<T> {
        let (job, reply) = job(scope, work);
        self.writer.submit(job);
        reply
    }

    /// The same for the whole store, and waits for it on this thread. What ends or erases something `is_vital`.
    pub(super) fn write<T: Send + 'static>(
        &self,
        is_vital: bool,
        work: impl FnMut(&Tx<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.submit(Scope::Whole { is_vital }, work).block()
    }

    /// Runs `work` on one moment of the store.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let begun = std::time::Instant::now();
        let done = self.readers.read(work);
        self.times.read(begun.elapsed());
        done
    }
}

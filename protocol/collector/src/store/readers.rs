//! Connections that only read. Readers and writers never wait for each other.

use std::path::PathBuf;
use std::sync::Mutex;

use super::engine::Connection;
use super::postgres::{Cluster, Lane};
use super::sqlite::connect;
use crate::failure::Failure;

/// Connections that are kept open.
const KEPT: usize = 8;

/// Where connections come from.
pub(crate) enum Source {
    /// The database file of a data directory.
    Sqlite(PathBuf),
    /// A PostgreSQL cluster.
    Postgres(Cluster),
}

/// Connections that nobody uses now.
pub(crate) struct Readers {
    source: Source,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Of a source; none is opened yet.
    pub(crate) fn of(source: Source) -> Self {
        Self { source, idle: Mutex::default() }
    }

    /// Where they come from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Runs `work` in one read transaction: all that it reads is of one moment.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.lock().pop();
        // A connection that idled may have been ended by the server meanwhile.
        let sql = match idle.filter(|sql| sql.begin_reading().is_ok()) {
            Some(sql) => sql,
            None => {
                let sql = self.connect()?;
                sql.begin_reading()?;
                sql
            }
        };
        let done = work(&sql);
        // A connection whose transaction cannot be ended is closed; what was read was read.
        if sql.end_reading().is_ok() {
            let mut idle = self.lock();
            if idle.len() < KEPT {
                idle.push(sql);
            }
        }
        done
    }

    fn connect(&self) -> Result<Connection, Failure> {
        Ok(match &self.source {
            Source::Sqlite(data) => Connection::Sqlite(connect::reading(data)?),
            Source::Postgres(cluster) => Connection::Postgres(Box::new(Lane::open(cluster)?)),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of connections is whole whoever panicked beside it.
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! Read-only connections. Readers and the writer never wait for each other.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use super::connect;
use crate::failure::Failure;

/// Connections that are kept open.
const KEPT: usize = 8;

/// Connections that nobody uses now.
pub(crate) struct Readers {
    data: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Of a data directory; none is opened yet.
    pub(crate) fn of(data: &Path) -> Self {
        Self { data: data.to_owned(), idle: Mutex::default() }
    }

    /// Runs `work` in one read transaction: all that it reads is of one moment.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.lock().pop();
        let mut sql = match idle {
            Some(sql) => sql,
            None => connect::reading(&self.data)?,
        };
        let transaction = sql.transaction()?;
        let done = work(&transaction);
        transaction.finish()?;
        let mut idle = self.lock();
        if idle.len() < KEPT {
            idle.push(sql);
        }
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of connections is whole whoever panicked beside it.
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

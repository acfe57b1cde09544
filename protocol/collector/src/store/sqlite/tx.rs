//! A transaction, as seen by the jobs of a group.

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use protocol::Digest;
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::witness::Seen;
use crate::failure::Failure;

/// The row `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// How far the store is.
    pub(crate) seen: Seen,
    /// The latest time of a transaction, microseconds.
    pub(crate) newest: i64,
    /// Devices that were ever enrolled.
    pub(crate) devices: i64,
    /// Whole bundles.
    pub(crate) bundles: i64,
    /// Lines of the audit.
    pub(crate) audits: i64,
    /// Digest of the last of them.
    pub(crate) audit_chain: Digest,
}

/// A transaction that writes.
pub(crate) struct Tx<'a> {
    sql: &'a Connection,
    written: RefCell<Option<Context>>,
    truncate: Cell<bool>,
    /// Counts that jobs change.
    pub(crate) state: RefCell<State>,
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.sql
    }
}

impl<'a> Tx<'a> {
    /// In the transaction that `sql` began.
    pub(crate) fn new(sql: &'a Connection) -> Result<Self, Failure> {
        let state = RefCell::new(state(sql)?);
        Ok(Self { sql, written: RefCell::new(None), truncate: Cell::new(false), state })
    }

    /// Runs a statement that writes a row whose digest is `sum`.
    pub(crate) fn put(&self, statement: &str, params: impl Params, sum: Digest) -> Result<(), Failure> {
        self.prepare_cached(statement)?.execute(params)?;
        let mut written = self.written.borrow_mut();
        written.get_or_insert_with(|| Context::new(&SHA256)).update(&sum.to_bytes());
        Ok(())
    }

    /// Runs a statement that removes rows; how many.
    pub(crate) fn remove(&self, statement: &str, params: impl Params) -> Result<u64, Failure> {
        let count = self.prepare_cached(statement)?.execute(params)?;
        if count > 0 {
            let mut written = self.written.borrow_mut();
            written.get_or_insert_with(|| Context::new(&SHA256)).update(&(count as u64).to_le_bytes());
        }
        Ok(count as u64)
    }

    /// Empties the write-ahead log after the commit: what was erased or ended must not come back with a lost log.
    pub(crate) fn truncate_after(&self) {
        self.truncate.set(true);
    }

    /// Says when this happens.
    pub(crate) fn at(&self, now: i64) {
        let mut state = self.state.borrow_mut();
        state.newest = state.newest.max(now);
    }

    /// Writes the row `state`, if anything was written; the commit that it makes, and whether the log is to be
    /// emptied.
    pub(crate) fn end(self) -> Result<(Option<Seen>, bool), Failure> {
        let Some(mut context) = self.written.into_inner() else { return Ok((None, false)) };
        let mut state = self.state.into_inner();
        let commits = state.seen.commits + 1;
        context.update(&state.seen.digest.to_bytes());
        context.update(&commits.to_le_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        state.seen = Seen { commits, digest: Digest::from_bytes(digest) };
        save(self.sql, &state)?;
        Ok((Some(state.seen), self.truncate.get()))
    }
}

/// Reads the row `state`.
pub(crate) fn state(sql: &Connection) -> Result<State, Failure> {
    let read = |row: &Row<'_>| {
        Ok(State {
            seen: Seen { commits: row.get(0)?, digest: Digest::from_bytes(row.get(1)?) },
            newest: row.get(2)?,
            devices: row.get(3)?,
            bundles: row.get(4)?,
            audits: row.get(5)?,
            audit_chain: Digest::from_bytes(row.get(6)?),
        })
    };
    let statement =
        "SELECT commits, digest, newest, devices, bundles, audits, audit_chain FROM state WHERE one = 1";
    let state = sql.prepare_cached(statement)?.query_row([], read).optional()?;
    state.ok_or_else(|| Failure::damaged("the store's row `state` is gone; `restore` brings a backup back"))
}

/// Writes the row `state`.
pub(crate) fn save(sql: &Connection, state: &State) -> Result<(), Failure> {
    let statement = "UPDATE state SET commits = ?1, digest = ?2, newest = ?3, devices = ?4, bundles = ?5, audits = ?6, \
                     audit_chain = ?7 WHERE one = 1";
    sql.prepare_cached(statement)?.execute((
        state.seen.commits,
        state.seen.digest.to_bytes(),
        state.newest,
        state.devices,
        state.bundles,
        state.audits,
        state.audit_chain.to_bytes(),
    ))?;
    Ok(())
}

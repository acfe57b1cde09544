//! A transaction, as seen by the jobs of a group.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Deref;

use crate::store::engine::{Connection, OptionalRow, Params, Row};
use protocol::{CaseId, DeviceId, Digest, Purpose};
use ring::digest::{Context, SHA256};

use super::witness::Seen;
use crate::failure::Failure;
use crate::store::keystore::{Key, KeyStore};
use crate::store::replay::Entry;

/// The row of `meta` that says up to where the log is done.
pub(super) const LOG: &str = "log";

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

/// Whether a transaction may change the counts of the whole store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// It is the only one that writes now.
    Changed,
    /// Others write beside it, each to its own devices.
    Untouched,
}

/// A transaction that writes.
pub(crate) struct Tx<'a> {
    sql: &'a Connection,
    counts: Counts,
    written: RefCell<Option<Context>>,
    truncate: Cell<bool>,
    /// Devices whose new keys have to be on the disk before the commit.
    new_keys: RefCell<BTreeSet<DeviceId>>,
    /// What envelopes are sealed under.
    pub(crate) keys: &'a KeyStore,
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
    pub(crate) fn new(sql: &'a Connection, counts: Counts, keys: &'a KeyStore) -> Result<Self, Failure> {
        let state = RefCell::new(state(sql)?);
        let (written, truncate) = (RefCell::new(None), Cell::new(false));
        Ok(Self { sql, counts, written, truncate, new_keys: RefCell::default(), keys, state })
    }

    /// The key for new envelopes of a device, which is on the disk before the commit.
    pub(crate) fn key(
        &self,
        device: DeviceId,
        purpose: Purpose,
        case: Option<&CaseId>,
        now: i64,
    ) -> Result<Key, Failure> {
        let key = self.keys.current(device, purpose, case, now)?;
        if key.is_new {
            self.new_keys.borrow_mut().insert(device);
        }
        Ok(key)
    }

    /// Runs a statement that writes a row whose digest is `sum`.
    pub(crate) fn put(&self, statement: &str, params: impl Params, sum: Digest) -> Result<(), Failure> {
        self.prepare_cached(statement)?.send(params)?;
        let mut written = self.written.borrow_mut();
        written.get_or_insert_with(|| Context::new(&SHA256)).update(&sum.to_bytes());
        Ok(())
    }

    /// The same for a statement that returns the number of the row.
    pub(crate) fn put_numbered(
        &self,
        statement: &str,
        params: impl Params,
        sum: Digest,
    ) -> Result<i64, Failure> {
        let number = self.prepare_cached(statement)?.query_row(params, |row| row.get(0))?;
        let mut written = self.written.borrow_mut();
        written.get_or_insert_with(|| Context::new(&SHA256)).update(&sum.to_bytes());
        Ok(number)
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

    /// The same for one row that is there.
    pub(crate) fn remove_one(&self, statement: &str, params: impl Params) -> Result<(), Failure> {
        self.prepare_cached(statement)?.send(params)?;
        let mut written = self.written.borrow_mut();
        written.get_or_insert_with(|| Context::new(&SHA256)).update(&1_u64.to_le_bytes());
        Ok(())
    }

    /// Says that something was written that has no digest of its own.
    pub(crate) fn touch(&self) {
        self.written.borrow_mut().get_or_insert_with(|| Context::new(&SHA256));
    }

    /// Makes `given` the last place that an envelope was given.
    pub(crate) fn set_given(&self, given: i64) -> Result<(), Failure> {
        if !self.is_postgres() {
            self.execute("DELETE FROM sqlite_sequence WHERE name = 'envelope'", ())?;
            self.execute("INSERT INTO sqlite_sequence(name, seq) VALUES('envelope', ?1)", [given])?;
            return Ok(());
        }
        let statement = "SELECT setval('envelope_place_seq', greatest(?1, 1::bigint), ?1 > 0), \
                         setval('finding_place_seq', (SELECT coalesce(max(place), 0) + 1 FROM finding), false)";
        Ok(self.query_row(statement, [given], |_| Ok(()))?)
    }

    /// Empties the write-ahead log after the commit: what was erased or ended must not come back with a lost log.
    pub(crate) fn truncate_after(&self) {
        self.truncate.set(true);
    }

    /// Puts into the log what a restored database has to do again; of a transaction that has the store to itself.
    pub(crate) fn again(&self, entry: &Entry) -> Result<(), Failure> {
        let at = self.state.borrow().newest;
        match self.keys.log.append(at, entry)? {
            Some(position) => self.keep_position(&position.to_string()),
            None => Ok(()),
        }
    }

    /// Keeps up to where the log is done.
    pub(crate) fn keep_position(&self, position: &str) -> Result<(), Failure> {
        self.execute("REPLACE INTO meta(name, value) VALUES(?1, ?2)", (LOG, position))?;
        self.touch();
        Ok(())
    }

    /// Says when this happens.
    pub(crate) fn at(&self, now: i64) {
        let mut state = self.state.borrow_mut();
        state.newest = state.newest.max(now);
    }

    /// Keeps the new keys and writes the row `state`, if anything was written; the commit that it makes, and whether the
    /// log is to be emptied.
    pub(crate) fn end(self) -> Result<(Option<Seen>, bool), Failure> {
        self.keys.keep(&self.new_keys.borrow())?;
        let mut state = self.state.into_inner();
        if self.counts == Counts::Untouched {
            let before = self::state(self.sql)?;
            let is_same = (state.devices, state.bundles) == (before.devices, before.bundles);
            return if is_same && state.audits == before.audits {
                Ok((None, false))
            } else {
                Err(Failure::new(
                    "a batch changed what is counted for the whole store: nothing is acknowledged",
                ))
            };
        }
        // On PostgreSQL every transaction writes: the answer "known already" then waits for the replicas too.
        let written = self.written.into_inner();
        let written = written.or_else(|| self.sql.is_postgres().then(|| Context::new(&SHA256)));
        let Some(mut context) = written else { return Ok((None, false)) };
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
    let state = sql.prepare_cached(statement)?.query_row((), read).optional()?;
    state.ok_or_else(|| Failure::damaged("the store's row `state` is gone; `restore` brings a backup back"))
}

/// What a row of `meta` says.
pub(crate) fn meta(sql: &Connection, name: &str) -> Result<Option<String>, Failure> {
    let statement = "SELECT value FROM meta WHERE name = ?1";
    Ok(sql.prepare_cached(statement)?.query_row([name], |row| row.get(0)).optional()?)
}

/// The latest time of a transaction. Batches write it to the rows of their devices where several write at once.
pub(crate) fn newest(sql: &Connection) -> Result<i64, Failure> {
    let newest = state(sql)?.newest;
    if !sql.is_postgres() {
        return Ok(newest);
    }
    let seen: i64 = sql.query_row("SELECT coalesce(max(seen), 0) FROM device", (), |row| row.get(0))?;
    Ok(newest.max(seen))
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

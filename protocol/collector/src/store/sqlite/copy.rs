//! Backup and restore of the whole database.

use std::path::Path;

use protocol::Digest;

use super::tx;
use super::witness::Witness;
use super::{bundles, connect, device, id};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::engine::{Connection, OptionalRow};
use crate::store::ids::new_id;

/// What a copy of the database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Id of the store.
    pub(crate) store: String,
    /// Its last commit.
    pub(crate) commits: i64,
    /// Devices that were ever enrolled.
    pub(crate) devices: i64,
    /// The whole bundles that it knows of, and their sizes.
    pub(crate) bundles: Vec<(Digest, u64)>,
}

impl Store {
    /// Writes a copy of the database, of one moment, to a new file; others go on meanwhile.
    pub(crate) fn copy_database(&self, to: &Path) -> Result<(), Failure> {
        if self.is_postgres() {
            return Err(Failure::new(
                "the store is in PostgreSQL, and `backup` copies a database file: back the cluster up by its own means \
                 (pg_basebackup, pgBackRest), and copy the data directory for the bundles and the keys",
            ));
        }
        let name = to.to_str().ok_or_else(|| Failure::new("name the backup in plain UTF-8"))?;
        let sql = connect::reading(self.data())?;
        // The copy is written by the connection that reads.
        sql.pragma_update(None, "query_only", "OFF")?;
        sql.execute("VACUUM INTO ?1", [name])?;
        let written = std::fs::File::open(to).and_then(|file| file.sync_all());
        written.map_err(Failure::at(to))
    }

    /// Looks at the pages and indexes of the database, as SQLite does, or at how PostgreSQL keeps what it
    /// acknowledges; what is wrong.
    pub(crate) fn check(&self) -> Result<Vec<String>, Failure> {
        if self.is_postgres() {
            return self.check_cluster();
        }
        self.read(|sql| {
            let mut statement = sql.sqlite()?.prepare("PRAGMA integrity_check(100)")?;
            let said = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>();
            // A database that is damaged enough ends the check itself.
            let said = said.unwrap_or_else(|error| vec![Failure::from(error).to_string()]);
            Ok(said.into_iter().filter(|line| line != "ok").collect())
        })
    }
}

/// What a copy of the database holds, whose file is in the directory `dir`.
pub(crate) fn look(dir: &Path) -> Result<Copied, Failure> {
    let sql = Connection::Sqlite(connect::reading(dir)?);
    let (state, mut filed) = (tx::state(&sql)?, Vec::new());
    bundles::all(&sql, |bundle| {
        let bundle = bundle?;
        filed.push((bundle.sha256, bundle.size));
        Ok(())
    })?;
    Ok(Copied { store: id(&sql)?, commits: state.seen.commits, devices: device::last(&sql)?, bundles: filed })
}

/// Makes a copy that was put into `data` the store: with a witness and a new life for cursors.
pub(crate) fn revive(data: &Path) -> Result<(), Failure> {
    let sql = Connection::Sqlite(connect::writing(data, &new_id()?)?);
    let (store, seen) = (id(&sql)?, tx::state(&sql)?.seen);
    drop(Witness::open(data, &store, seen)?);
    connect::renew_life(sql.sqlite()?)?;
    drop(sql);
    Ok(())
}

/// Writes the whole database anew, which nobody else has open: where pages were joined, parts of what was taken out of
/// them stay behind, also with `secure_delete`.
pub(crate) fn rewrite(data: &Path) -> Result<(), Failure> {
    let sql = connect::writing(data, &new_id()?)?;
    sql.execute_batch("VACUUM")?;
    Ok(sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// The life of the store.
pub(crate) fn life(sql: &Connection) -> Result<String, Failure> {
    let life =
        sql.query_row("SELECT value FROM meta WHERE name = 'life'", (), |row| row.get(0)).optional()?;
    life.ok_or_else(|| {
        Failure::damaged("the store has lost the name of its life; `restore` brings a backup back")
    })
}

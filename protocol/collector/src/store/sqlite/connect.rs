//! Connections to the database file, and its migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::failure::Failure;
use crate::store::ids::new_life;

/// The database in a data directory.
pub(crate) const FILE: &str = "collector.db";
/// `application_id` of the file: "KCOL".
const APPLICATION: i64 = 0x4b43_4f4c;
/// One file for each schema, in order; a file once released never changes.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];
/// How long a connection waits for another process that writes.
pub(crate) const BUSY: Duration = Duration::from_secs(30);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 96;
/// KiB of pages that a connection keeps.
const CACHE: i64 = 16 << 10;
/// KiB for a connection that only reads.
const READ_CACHE: i64 = 2 << 10;
/// Bytes that the write-ahead log keeps on the disk when it is emptied.
const LOG: i64 = 16 << 20;

/// Where the database of a data directory is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// A connection that writes. Makes the database if there is none, and brings an older schema up to date.
pub(crate) fn writing(data: &Path, store: &str) -> Result<Connection, Failure> {
    let path = path(data);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut sql = Connection::open_with_flags(&path, flags)?;
    sql.busy_timeout(BUSY)?;
    let read = |sql: &Connection, name: &str| sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = read(&sql, "user_version")?;
    if version == 0 && read(&sql, "schema_version")? == 0 {
        let mode: String = sql.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(Failure::new(format!(
                "{}: this file system has no write-ahead log (a network share?); use a local disk",
                path.display()
            )));
        }
    } else if read(&sql, "application_id")? != APPLICATION {
        return Err(Failure::new(format!("{} is not a database of this program", path.display())));
    }
    settings(&sql, CACHE)?;
    // ON, not FAST: what was erased must not be left in free pages. Of each connection that writes.
    sql.pragma_update(None, "secure_delete", "ON")?;
    sql.pragma_update(None, "synchronous", "FULL")?;
    sql.pragma_update(None, "journal_size_limit", LOG)?;
    check_version(version, &path)?;
    // Only what has to be brought up to date waits for its turn to write: a command opens the store at once, however
    // busy the server is.
    if version < MIGRATIONS.len() as i64 {
        migrate(&mut sql, store)?;
    }
    private(&path)?;
    Ok(sql)
}

/// A connection that only reads, beside the one that writes.
pub(crate) fn reading(data: &Path) -> Result<Connection, Failure> {
    let path = path(data);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(&path, flags)?;
    sql.busy_timeout(BUSY)?;
    settings(&sql, READ_CACHE)?;
    sql.pragma_update(None, "query_only", "ON")?;
    check_version(sql.pragma_query_value(None, "user_version", |row| row.get(0))?, &path)?;
    Ok(sql)
}

fn settings(sql: &Connection, cache: i64) -> Result<(), Failure> {
    // Without it the bundled build (STAT4) plans a cached statement anew for each new value that is bound to it: a
    // quarter of the processor time of the thread that writes.
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    sql.set_prepared_statement_cache_capacity(STATEMENTS);
    sql.pragma_update(None, "cache_size", -cache)?;
    sql.pragma_update(None, "trusted_schema", "OFF")?;
    sql.pragma_update(None, "cell_size_check", "ON")?;
    Ok(())
}

fn check_version(version: i64, path: &Path) -> Result<(), Failure> {
    let known = MIGRATIONS.len() as i64;
    if version <= known {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{}: its schema {version} is of a later kathea-collector; this one reads up to {known}: install the later one",
        path.display()
    )))
}

fn migrate(sql: &mut Connection, store: &str) -> Result<(), Failure> {
    loop {
        let transaction = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Read again under the lock: another process may have done it meanwhile.
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let Some(statements) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version))
        else {
            return Ok(transaction.commit()?);
        };
        transaction.execute_batch(statements)?;
        if version == 0 {
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.execute("INSERT INTO meta(name, value) VALUES('store', ?1)", [store])?;
            renew_life(&transaction)?;
            transaction
                .execute("INSERT INTO state VALUES(1, 0, zeroblob(32), 0, 0, 0, 0, zeroblob(32))", [])?;
        }
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
    }
}

/// Cursors of exports name the life of the store that they are of: a restored store gives places again that another
/// life gave before.
pub(crate) fn renew_life(sql: &Connection) -> Result<(), Failure> {
    let life = new_life()?;
    sql.execute("REPLACE INTO meta(name, value) VALUES('life', ?1)", [life])?;
    Ok(())
}

/// Makes of a database that nobody serves the one that the version before left; refused if it holds what that one did not
/// know. For a simulation of upgrades.
pub(crate) fn downgrade(data: &Path) -> Result<(), Failure> {
    let sql = Connection::open(path(data))?;
    let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let newer: i64 =
        sql.query_row("SELECT (SELECT count(*) FROM response) + (SELECT count(*) FROM part)", (), |row| {
            row.get(0)
        })?;
    if version != 4 || newer > 0 {
        return Err(Failure::new(format!(
            "schema {version}, with {newer} rows that the one before does not have"
        )));
    }
    Ok(sql.execute_batch("BEGIN; DROP TABLE part; DROP TABLE response; PRAGMA user_version = 3; COMMIT;")?)
}

/// Keeps other accounts out of the database and the files beside it.
fn private(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt;
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        if path.exists() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .map_err(Failure::at(&path))?;
        }
    }
    Ok(())
}

/// The library's errors carry statements and names of columns, never values; what is said is what to do.
impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(format!(
                "{FILE} is damaged; `verify` says what is lost, `restore` brings a backup back"
            )),
            Some(ErrorCode::DiskFull) => Self::full(),
            Some(ErrorCode::ReadOnly) => Self::new(format!(
                "{FILE} cannot be written: the disk or the file is read-only for this account"
            )),
            Some(ErrorCode::CannotOpen) => Self::new(format!(
                "{FILE} cannot be opened: it is gone, the disk is read-only, or this account may not write beside it"
            )),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::new(format!(
                "{FILE} is in use by another process; try again when that process has ended"
            )),
            Some(ErrorCode::SystemIoFailure) => Self::new(format!("{FILE}: the disk failed: {error}")),
            _ => match error {
                // A value of another type than its column has: damage that no index saw.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => {
                    Self::damaged(format!("a row of {FILE} is damaged; `verify` names it"))
                }
                _ => Self::new(format!("the store failed: {}", reason(&error))),
            },
        }
    }
}

fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => error.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_cached_statement_is_planned_once_whatever_is_bound_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let writing = writing(dir.path(), &"0".repeat(32)).unwrap();
        for sql in [&writing, &reading(dir.path()).unwrap()] {
            for round in 2..6 {
                let statement = "SELECT content FROM envelope WHERE device = ?1 AND lo > ?2 AND class = ?3 ORDER BY place LIMIT ?4";
                let mut statement = sql.prepare_cached(statement).unwrap();
                assert!(statement.query((round, round * 7, round, round)).unwrap().next().unwrap().is_none());
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
            }
        }
    }
}

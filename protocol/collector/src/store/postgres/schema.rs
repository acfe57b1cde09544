//! The tables of a store in PostgreSQL: made once, brought up to date, and of one data directory.

use super::cluster::Cluster;
use super::lane::{Lane, Lock};
use super::migrations::{MIGRATIONS, later};
use crate::failure::Failure;
use crate::store::engine::{Connection, OptionalRow};
use crate::store::ids::{new_id, new_life};
use crate::store::place::Claim;

/// Makes the tables if there are none, and sees that they are those of the data directory that claims them: the bundles
/// of a store are files of one directory.
pub(crate) fn prepare(cluster: &Cluster, claim: &Claim) -> Result<(), Failure> {
    let sql = Connection::Postgres(Box::new(Lane::open(cluster)?));
    let lane = sql.postgres()?;
    // What is there already is looked at without a lock: a command comes in beside a busy server, and operators can read
    // while a replica is missing.
    lane.begin_reading()?;
    let is_done = claim.is_confirmed && is_current(&sql, claim)?;
    lane.undo()?;
    if is_done {
        return Ok(());
    }
    // Alone: another process may make them at this moment.
    lane.begin(Lock::Tables)?;
    match migrate(&sql, lane, claim) {
        Ok(()) => lane.commit(),
        Err(failure) => {
            // What cannot be undone ends with the connection.
            let _ = lane.undo();
            Err(failure)
        }
    }
}

/// Whether the tables are there, of this schema, and of the data directory.
fn is_current(sql: &Connection, claim: &Claim) -> Result<bool, Failure> {
    let is_here = has_tables(sql)?
        && meta(sql, "schema")? == Some(MIGRATIONS.len().to_string())
        && meta(sql, "directory")?.as_ref() == Some(&claim.directory);
    Ok(is_here)
}

fn has_tables(sql: &Connection) -> Result<bool, Failure> {
    let known = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'";
    Ok(sql.query_row(known, (), |row| row.get::<i64>(0))? > 0)
}

fn migrate(sql: &Connection, lane: &Lane, claim: &Claim) -> Result<(), Failure> {
    let is_new = !has_tables(sql)?;
    let mut version = 0;
    if !is_new {
        let meta = meta(sql, "schema")?.and_then(|text| text.parse::<usize>().ok());
        version =
            meta.ok_or_else(|| Failure::new("the database is not of this program; name an empty one"))?;
    }
    if is_new && claim.is_confirmed {
        return Err(Failure::new(
            "the database is empty, and the data directory has a store: correct the URL, or restore the cluster",
        ));
    }
    if version > MIGRATIONS.len() {
        return Err(Failure::new(later(version)));
    }
    for statements in &MIGRATIONS[version..] {
        lane.batch(statements)?;
    }
    if is_new {
        let directory = claim.directory.clone();
        for (name, value) in [("store", new_id()?), ("life", new_life()?), ("directory", directory)] {
            sql.execute("INSERT INTO meta(name, value) VALUES(?1, ?2)", (name, value))?;
        }
    }
    sql.execute("REPLACE INTO meta(name, value) VALUES('schema', ?1)", [MIGRATIONS.len().to_string()])?;
    if meta(sql, "directory")?.as_ref() == Some(&claim.directory) {
        return Ok(());
    }
    Err(Failure::new(
        "the database is the store of another data directory, which has its bundles: correct the URL, or use that \
         directory",
    ))
}

fn meta(sql: &Connection, name: &str) -> Result<Option<String>, Failure> {
    let statement = "SELECT value FROM meta WHERE name = ?1";
    Ok(sql.query_row(statement, [name], |row| row.get(0)).optional()?)
}

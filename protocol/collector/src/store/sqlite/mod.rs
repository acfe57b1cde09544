//! The store's SQL, which both engines run, and the engine SQLite: one database file beside the bundles.
//!
//! A write is a job (`store::jobs`); it loads what a rule needs, asks the rule, and stores what the rule says, in one
//! transaction. On SQLite one thread writes (`writer`). Readers have connections of their own and never wait for it.
//! Of SQLite alone are `connect`, `copy`, `reserve`, `witness` and `writer`.

mod answers;
mod audit;
mod batches;
mod bundles;
pub(crate) mod connect;
mod consents;
pub(crate) mod copy;
mod device;
mod duties;
mod enrolment;
mod erase;
mod export;
mod figures;
pub(crate) mod finding;
mod invitations;
mod labels;
mod ledger_end;
mod listing;
mod reached;
mod requests;
mod requests_end;
mod reserve;
mod responses;
mod restrictions;
mod rights;
pub(crate) mod rows;
mod sealing;
mod sticks;
mod streams;
mod terms;
pub(crate) mod transfer;
mod tx;
mod uploads;
pub(crate) mod verify;
mod verify_pages;
mod verify_rows;
mod verify_streams;
mod versions;
mod witness;
pub(crate) mod writer;

use std::path::Path;

use crate::store::engine::{Connection, OptionalRow};

pub(crate) use batches::{Answer, Put};
pub(crate) use bundles::Filed;
pub(crate) use consents::Kept;
pub(crate) use enrolment::Redeemed;
pub(crate) use export::{Cursor, Restricted, Stored, Wanted};
pub(crate) use listing::{Count, Seen};
pub(crate) use reached::Reached;
pub(crate) use requests::Asked;
pub(crate) use responses::Response;
pub(crate) use rights::Order;
pub(crate) use tx::{Counts, Tx};
pub(crate) use uploads::{Announced, MAX_BUNDLE};

use crate::failure::Failure;
use crate::store::ids::new_id;
use witness::{Said, Seen as Commit};

/// One of a list: a damaged one is the sentence that names it, and does not stop the list.
pub(crate) type Listed<T> = Result<T, Failure>;

/// What a database and its witness say of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// The database is as far as the witness, or further: the witness was not written before a kill.
    Whole,
    /// The witness is gone or damaged: nothing says whether the end of the store is lost.
    NoWitness,
    /// Commits that were acknowledged are gone.
    Behind {
        /// How many.
        commits: i64,
    },
    /// The same number of commits, but not the same ones: another copy of the store.
    Other,
}

/// Opens the connection that writes, and says how far the store is. Keeps a loss that the witness shows as a
/// finding, because the next commit covers it up.
pub(crate) fn open(data: &Path, now: i64) -> Result<(Connection, String, Commit), Failure> {
    let said = witness::read(data).or_else(|failure| {
        log::error!("{failure}");
        std::fs::remove_file(witness::path(data)).map_err(Failure::at(&witness::path(data)))?;
        Ok::<_, Failure>(None)
    })?;
    let exists = connect::path(data).try_exists().map_err(Failure::at(data))?;
    if let Some(Said { newest: Some(seen), .. }) = &said
        && !exists
        && seen.commits > 0
    {
        return Err(Failure::damaged(format!(
            "{} is gone, and it had {} commits; `restore` brings a backup back",
            connect::path(data).display(),
            seen.commits
        )));
    }
    let sql = Connection::Sqlite(connect::writing(data, &new_id()?)?);
    let store = id(&sql)?;
    let mut state = tx::state(&sql)?;
    let agreement = agreement(&store, state.seen, said.as_ref())?;
    let lost = match agreement {
        Agreement::Whole => None,
        Agreement::NoWitness if state.seen.commits == 0 => None,
        Agreement::NoWitness => {
            Some("the witness file was gone: a lost end of the store would not be seen".to_owned())
        }
        Agreement::Behind { commits } => {
            state.seen.commits += commits;
            Some(format!("{commits} commits that were acknowledged are gone from the end of the store"))
        }
        Agreement::Other => Some("the store is another copy than the one that was served last".to_owned()),
    };
    if let Some(what) = lost {
        log::error!("{what}; `verify` and a backup say what is missing");
        sql.execute("INSERT INTO finding(found, what) VALUES(?1, ?2)", (now, what))?;
        tx::save(&sql, &state)?;
    }
    Ok((sql, store, state.seen))
}

/// Compares a database with its witness. It is an error if the witness belongs to another store.
pub(crate) fn agreement(store: &str, seen: Commit, said: Option<&Said>) -> Result<Agreement, Failure> {
    let Some(said) = said else { return Ok(Agreement::NoWitness) };
    if said.store != store {
        return Err(Failure::new(format!(
            "{} is the database of another collector; put this one's back, or `restore` a backup",
            connect::FILE
        )));
    }
    let Some(newest) = said.newest else { return Ok(Agreement::NoWitness) };
    Ok(match newest.commits - seen.commits {
        behind if behind > 0 => Agreement::Behind { commits: behind },
        0 if newest.digest != seen.digest => Agreement::Other,
        _ => Agreement::Whole,
    })
}

fn id(sql: &Connection) -> Result<String, Failure> {
    let id = sql.query_row("SELECT value FROM meta WHERE name = 'store'", (), |row| row.get(0)).optional()?;
    id.ok_or_else(|| Failure::damaged("the store has lost its own name; `restore` brings a backup back"))
}

#[cfg(test)]
mod tests;

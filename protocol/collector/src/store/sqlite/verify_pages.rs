//! Whether the pages of the database and its indexes are whole, at half of what SQLite's `integrity_check` costs: it looks
//! up each envelope in each index, and most of a store are envelopes.
//!
//! ```text
//! every page, every row's columns         quick_check, of SQLite
//! every other table and its indexes       integrity_check of that table, of SQLite
//! the indexes of `envelope`               read in their order: ascending, and together exactly what the rows have
//! ```
//!
//! An index that ascends and has the same entries as the table is the one that SQLite would build anew. Whatever does not fit
//! is no finding yet, only the reason to ask `integrity_check`: something may have been erased meanwhile.

use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::batches::Envelope;
use super::rows::Word;
use super::verify_streams::Seen;
use crate::failure::Failure;
use crate::store::Store;

/// The entries of an index, whatever their order: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set {
    count: u64,
    sum: u64,
}

impl Set {
    fn add(&mut self, entry: impl Hash) {
        let mut hasher = DefaultHasher::new();
        entry.hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// What both indexes of `envelope` have to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    stream: Set,
    age: Set,
}

impl Entries {
    /// Takes a row.
    pub(crate) fn add(&mut self, place: i64, envelope: &Envelope) {
        let name = &envelope.name;
        self.stream.add((name.device, name.purpose.place(), name.epoch.to_bytes(), envelope.lo, place));
        self.age.add((envelope.class, envelope.received, place));
    }
}

/// An entry of the index by stream: device, purpose, epoch, first number, place.
type ByStream = (i64, i64, [u8; 16], i64, i64);

const BY_STREAM: &str = "SELECT device, purpose, epoch, lo, place FROM envelope INDEXED BY envelope_stream \
                         ORDER BY device, purpose, epoch, lo, place";
const BY_AGE: &str = "SELECT class, received, place FROM envelope INDEXED BY envelope_age \
                      ORDER BY class, received, place";

impl Store {
    /// Whether pages and indexes are whole, and the indexes have what was `seen`. `false` is a doubt, and no damage yet.
    pub(crate) fn pages_are_whole(&self, seen: &Seen) -> Result<bool, Failure> {
        if self.is_postgres() {
            return Ok(false);
        }
        self.read(|sql| {
            let sql = sql.sqlite()?;
            // A database that is damaged enough ends a check itself.
            Ok(are_whole(sql, seen).unwrap_or(false))
        })
    }
}

fn are_whole(sql: &rusqlite::Connection, seen: &Seen) -> rusqlite::Result<bool> {
    if !says_ok(sql, "PRAGMA quick_check(1)")? {
        return Ok(false);
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'envelope'";
    let tables: Vec<String> =
        sql.prepare(tables)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in tables {
        if !says_ok(sql, &format!("PRAGMA integrity_check('{table}')"))? {
            return Ok(false);
        }
    }
    let by_stream = |row: &Row<'_>| -> rusqlite::Result<ByStream> {
        let epoch = match row.get_ref(2)? {
            ValueRef::Blob(epoch) => epoch.try_into().ok(),
            _ => None,
        };
        let epoch = epoch.ok_or(rusqlite::Error::InvalidQuery)?;
        Ok((row.get(0)?, row.get(1)?, epoch, row.get(3)?, row.get(4)?))
    };
    let by_age =
        |row: &Row<'_>| -> rusqlite::Result<(i64, i64, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let stream = in_order(sql, BY_STREAM, by_stream, |entry| entry.4 <= seen.last)?;
    let age = in_order(sql, BY_AGE, by_age, |entry| entry.2 <= seen.last)?;
    Ok((stream, age) == (Some(seen.entries.stream), Some(seen.entries.age)))
}

fn says_ok(sql: &rusqlite::Connection, pragma: &str) -> rusqlite::Result<bool> {
    let said: Vec<String> =
        sql.prepare(pragma)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(said == ["ok"])
}

/// The entries of an index that are to be counted; `None` if it does not ascend.
fn in_order<T: Ord + Hash + Copy>(
    sql: &rusqlite::Connection,
    statement: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    counts: impl Fn(&T) -> bool,
) -> rusqlite::Result<Option<Set>> {
    let mut statement = sql.prepare(statement)?;
    let mut found = statement.query([])?;
    let (mut before, mut set) = (None, Set::default());
    while let Some(row) = found.next()? {
        let entry = read(row)?;
        if before.is_some_and(|before| before >= entry) {
            return Ok(None);
        }
        before = Some(entry);
        // What came after the rows were looked at.
        if counts(&entry) {
            set.add(entry);
        }
    }
    Ok(Some(set))
}

#[cfg(test)]
mod tests;

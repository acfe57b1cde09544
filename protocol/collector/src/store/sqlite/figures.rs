//! Figures for operators, and whether the store can be written.

use std::path::Path;

use crate::store::engine::OptionalRow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::rows::micros;
use super::tx::meta;
use super::{connect, erase};
use crate::audit::{Deed, Line};
use crate::failure::Failure;
use crate::store::Store;

/// The row of `meta` that says when retention was last carried out.
const RETAINED: &str = "retained";

impl Store {
    /// Writes and syncs something that nobody misses, or says why that can't be done.
    pub(crate) fn ready(&self, now: OffsetDateTime) -> Result<(), Failure> {
        self.folder.check()?;
        let now = micros(now).to_string();
        self.write(false, move |tx| {
            let mut statement = tx.prepare_cached("REPLACE INTO meta(name, value) VALUES('ready', ?1)")?;
            statement.execute([&now])?;
            Ok(())
        })
    }

    /// Bytes of the database and its log.
    pub(crate) fn database_bytes(&self) -> Result<u64, Failure> {
        if self.is_postgres() {
            let statement = "SELECT pg_database_size(current_database())";
            let bytes: i64 = self.read(|sql| Ok(sql.query_row(statement, (), |row| row.get(0))?))?;
            return Ok(u64::try_from(bytes).unwrap_or(0));
        }
        Ok(size(&connect::path(self.data()))? + self.log_bytes()?)
    }

    /// Bytes of the write-ahead log.
    pub(crate) fn log_bytes(&self) -> Result<u64, Failure> {
        if self.is_postgres() {
            // PostgreSQL's log is of the whole server.
            return Ok(0);
        }
        size(&connect::path(self.data()).with_extension("db-wal"))
    }

    /// When retention was last carried out by a clock that was believed or confirmed.
    pub(crate) fn retained(&self) -> Result<Option<i64>, Failure> {
        Ok(self.read(|sql| meta(sql, RETAINED))?.and_then(|text| text.parse().ok()))
    }

    /// Keeps that retention was carried out.
    pub(crate) fn keep_retained(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now).to_string();
        self.write(true, move |tx| {
            tx.prepare_cached("REPLACE INTO meta(name, value) VALUES(?1, ?2)")?.execute([RETAINED, &now])?;
            Ok(())
        })
    }

    /// A place before every envelope that was received at `since` or later; the last place if there is none.
    pub(crate) fn place_since(&self, since: i64) -> Result<i64, Failure> {
        let last = self.last_place()?;
        self.read(|sql| {
            let mut statement =
                sql.prepare_cached("SELECT min(place) FROM envelope WHERE class = ?1 AND received >= ?2")?;
            erase::classes(sql)?.into_iter().try_fold(last, |before, class| {
                let place: Option<i64> = statement.query_row((class, since), |row| row.get(0))?;
                Ok(place.map_or(before, |place| before.min(place - 1)))
            })
        })
    }

    /// When a backup was last written, by the audit.
    pub(crate) fn last_backup(&self) -> Result<Option<OffsetDateTime>, Failure> {
        let text = self.read(|sql| {
            let statement =
                "SELECT line FROM audit WHERE line LIKE '%\"backup\"%' ORDER BY place DESC LIMIT 1";
            Ok(sql.prepare_cached(statement)?.query_row((), |row| row.get::<String>(0)).optional()?)
        })?;
        let line = text.and_then(|text| serde_json::from_str::<Line>(&text).ok());
        let line = line.filter(|line| line.deed == Deed::Backup);
        Ok(line.and_then(|line| OffsetDateTime::parse(&line.at, &Rfc3339).ok()))
    }
}

fn size(path: &Path) -> Result<u64, Failure> {
    match std::fs::metadata(path) {
        Ok(about) => Ok(about.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Failure::at(path)(error)),
    }
}

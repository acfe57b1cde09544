//! Figures for those who run the collector, and whether the store can be written.

use rusqlite::OptionalExtension;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::connect;
use super::rows::micros;
use crate::audit::{Deed, Line};
use crate::failure::Failure;
use crate::store::Store;

impl Store {
    /// Writes and syncs something that nobody misses, or says why that can't be done.
    pub(crate) fn ready(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now).to_string();
        self.write(false, move |tx| {
            let mut statement = tx.prepare_cached("REPLACE INTO meta(name, value) VALUES('ready', ?1)")?;
            statement.execute([&now])?;
            Ok(())
        })
    }

    /// Bytes of the database and its log.
    pub(crate) fn database_bytes(&self) -> Result<u64, Failure> {
        let path = connect::path(self.data());
        let size = |path: &std::path::Path| match std::fs::metadata(path) {
            Ok(about) => Ok(about.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Failure::at(path)(error)),
        };
        Ok(size(&path)? + size(&path.with_extension("db-wal"))?)
    }

    /// When a backup was last written, by the audit.
    pub(crate) fn last_backup(&self) -> Result<Option<OffsetDateTime>, Failure> {
        let text = self.read(|sql| {
            let statement =
                "SELECT line FROM audit WHERE line LIKE '%\"backup\"%' ORDER BY place DESC LIMIT 1";
            Ok(sql.prepare_cached(statement)?.query_row([], |row| row.get::<_, String>(0)).optional()?)
        })?;
        let line = text.and_then(|text| serde_json::from_str::<Line>(&text).ok());
        let line = line.filter(|line| line.deed == Deed::Backup);
        Ok(line.and_then(|line| OffsetDateTime::parse(&line.at, &Rfc3339).ok()))
    }
}

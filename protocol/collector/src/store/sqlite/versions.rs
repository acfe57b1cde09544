//! Versions of the components of devices: kept beside the envelopes that said them, and erased with them.

use std::collections::BTreeMap;

use crate::store::engine::{Connection, OptionalRow, Row};

use super::tx::Tx;
use crate::failure::Failure;
use crate::store::rules::versions::{Installed, Since};

/// Keeps what the envelope at `place` says: a row for each change, which the last envelope that confirms it carries on.
pub(crate) fn keep(tx: &Tx<'_>, device: i64, place: i64, said: &[Installed]) -> Result<(), Failure> {
    for Installed { component, day, version } in said {
        let statement = "SELECT first, last, version FROM version WHERE device = ?1 AND component = ?2 AND first <= ?3 \
                         ORDER BY first DESC LIMIT 1";
        let read = |row: &Row<'_>| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<String>(2)?));
        let before = tx.prepare_cached(statement)?.query_row((device, component, day), read).optional()?;
        match before {
            Some((first, last, known)) if known == *version => {
                if *day > last {
                    let statement = "UPDATE version SET last = ?4, place = ?5 WHERE device = ?1 AND component = ?2 \
                                     AND first = ?3";
                    tx.prepare_cached(statement)?.execute((device, component, first, day, place))?;
                }
            }
            _ => {
                let statement = "REPLACE INTO version VALUES(?1, ?2, ?3, ?3, ?4, ?5)";
                tx.prepare_cached(statement)?.execute((device, component, day, version, place))?;
            }
        }
    }
    Ok(())
}

/// Erases what the envelope at `place` was the last to say.
pub(crate) fn erase(tx: &Tx<'_>, place: i64) -> Result<(), Failure> {
    tx.remove("DELETE FROM version WHERE place = ?1", [place]).map(drop)
}

/// The versions of a device by component, ascending by day.
pub(crate) fn of(sql: &Connection, device: i64) -> Result<BTreeMap<String, Vec<Since>>, Failure> {
    let statement =
        "SELECT component, first, version FROM version WHERE device = ?1 ORDER BY component, first";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query([device])?;
    let mut out = BTreeMap::<String, Vec<Since>>::new();
    while let Some(row) = found.next()? {
        out.entry(row.get(0)?).or_default().push(Since { first: row.get(1)?, version: row.get(2)? });
    }
    Ok(out)
}

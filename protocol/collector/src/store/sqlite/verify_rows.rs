//! Verification of a device's rows: every checksum matches, and no row is missing.

use crate::store::engine::{Connection, Row, Value};
use protocol::Digest;

use super::device::Device;
use super::finding::{Finding, Tell};
use crate::failure::Failure;
use crate::store::rules::sums::{Column, sum};

/// Tables whose rows are of one device and have their sum in the last column.
const TABLES: [&str; 12] = [
    "ledger",
    "stream",
    "held",
    "gap",
    "request",
    "invitation",
    "upload",
    "label",
    "answer",
    "response",
    "part",
    "reached",
];

/// Looks at the rows of a device.
pub(crate) fn tables(sql: &Connection, device: &Device, tell: Tell<'_>) -> Result<(), Failure> {
    let mut counts = [0_i64; TABLES.len()];
    for (table, count) in TABLES.iter().zip(&mut counts) {
        *count = one(sql, table, device, tell)?;
    }
    let [lines, streams, spans, gaps, requests, ..] = counts;
    let (all_spans, all_gaps) = sql
        .prepare_cached(
            "SELECT CAST(coalesce(sum(spans), 0) AS BIGINT), CAST(coalesce(sum(gaps), 0) AS BIGINT) FROM stream WHERE device = ?1",
        )?
        .query_row([device.no], |row| Ok((row.get(0)?, row.get(1)?)))
        // What cannot be read was reported already.
        .unwrap_or((spans, gaps));
    let expected = [
        ("ledger entries", device.lines, lines),
        ("streams", device.used.streams, streams),
        ("privacy requests", device.requests, requests),
        ("held ranges", all_spans, spans),
        ("gaps", all_gaps, gaps),
    ];
    for (what, all, here) in expected {
        if all != here {
            tell(Finding::of(device.id, format!("of {all} {what} {here} are here")))?;
        }
    }
    Ok(())
}

/// Number of rows of a device in a table; each damaged row is reported.
fn one(sql: &Connection, table: &str, device: &Device, tell: Tell<'_>) -> Result<i64, Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT * FROM {table} WHERE device = ?1"))?;
    let columns = statement.column_count();
    let mut found = statement.query([device.no])?;
    let mut count = 0;
    loop {
        match found.next() {
            Ok(None) => return Ok(count),
            Ok(Some(row)) => {
                count += 1;
                if !is_whole(table, &row, columns) {
                    tell(Finding::of(device.id, format!("row {count} of the device's {table} was changed")))?;
                }
            }
            Err(error) => {
                let failure = Failure::from(error);
                tell(Finding::of(
                    device.id,
                    format!("the device's {table} cannot be read further: {failure}"),
                ))?;
                return Ok(count);
            }
        }
    }
}

/// Whether the last column is the sum of the others.
fn is_whole(table: &str, row: &Row<'_>, columns: usize) -> bool {
    let column = |at: usize| match row.value(at).ok()? {
        Value::Null => Some(Column::Maybe(None)),
        Value::Int(value) => Some(Column::Int(value)),
        Value::Text(value) => Some(Column::Text(value)),
        Value::Bytes(value) => Some(Column::Bytes(value)),
    };
    let Some(values) = (0..columns - 1).map(column).collect::<Option<Vec<_>>>() else { return false };
    row.get(columns - 1).is_ok_and(|stored| Digest::from_bytes(stored) == sum(table, &values))
}

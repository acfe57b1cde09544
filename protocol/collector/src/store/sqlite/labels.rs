//! Labels of devices: shown to operators and the clinic, never exported.

use crate::store::engine::{Connection, OptionalRow};
use protocol::{DeviceId, Digest};

use super::device;
use super::rows;
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::sums::{Column, sum};

/// Characters of a label.
const LONGEST: usize = 64;

impl Store {
    /// Calls a device `text`; an empty text takes its label away.
    pub(crate) fn label(&self, device: DeviceId, text: &str) -> Result<(), Failure> {
        let text = if text.trim().is_empty() { String::new() } else { read(text)? };
        self.write(false, move |tx| {
            let device = device::enrolled(tx, device)?;
            if text.is_empty() {
                return tx.remove("DELETE FROM label WHERE device = ?1", [device.no]).map(drop);
            }
            put(tx, device.no, &text)
        })
    }
}

/// A label as it is kept: one line, no control characters.
pub(crate) fn read(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    if fits {
        return Ok(text.to_owned());
    }
    Err(Failure::new(format!(
        "a label is one line of 1 to {LONGEST} characters; use a place, never a person's name"
    )))
}

/// Writes a label.
pub(crate) fn put(tx: &Tx<'_>, device: i64, text: &str) -> Result<(), Failure> {
    let sum = row_sum(device, text);
    tx.put("REPLACE INTO label VALUES(?1, ?2, ?3)", (device, text, sum.to_bytes()), sum)
}

/// The label of a device, if it has one that is whole.
pub(crate) fn of(sql: &Connection, device: i64) -> Result<Option<String>, Failure> {
    let mut statement = sql.prepare_cached("SELECT text, sum FROM label WHERE device = ?1")?;
    let found = statement.query_row([device], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((text, stored)) = found else { return Ok(None) };
    let text: String = text;
    rows::check(stored, row_sum(device, &text), || format!("the label of device number {device}"))?;
    Ok(Some(text))
}

/// The sum of a row.
pub(crate) fn row_sum(device: i64, text: &str) -> Digest {
    sum("label", &[Column::Int(device), Column::Text(text)])
}

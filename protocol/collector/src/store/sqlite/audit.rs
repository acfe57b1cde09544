//! The lines of the audit: a chain whose length and end stand in the row `state`.

use protocol::Digest;
use rusqlite::Connection;
use time::OffsetDateTime;

use super::Listed;
use super::rows::{self, micros};
use super::tx::{self, Tx};
use crate::audit::account;
pub(crate) use crate::audit::{Deed, Line, Note};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::sums::START;

impl Store {
    /// Adds a line. It is on the disk when this returns.
    pub(crate) fn note(&self, note: Note, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now);
        self.write(true, move |tx| add(tx, note.clone(), now))
    }

    /// Hands `each` every line; one that is damaged, or that does not follow the one before, as its sentence.
    pub(crate) fn audit(&self, each: impl FnMut(Listed<Line>) -> Result<(), Failure>) -> Result<(), Failure> {
        self.read(|sql| all(sql, each))
    }
}

/// Adds a line in a transaction.
pub(crate) fn add(tx: &Tx<'_>, note: Note, now: i64) -> Result<(), Failure> {
    let mut state = tx.state.borrow_mut();
    let previous = (state.audits > 0).then_some(state.audit_chain);
    let Note { deed, device, purpose, case, count, to, why } = note;
    let (at, who) = (rows::text(now), account());
    let line = Line { at, who, deed, device, purpose, case, count, to, why, previous };
    let text = serde_json::to_string(&line).map_err(|_| Failure::new("the audit line has no JSON form"))?;
    let hash = Digest::of(text.as_bytes());
    state.audits += 1;
    state.audit_chain = hash;
    drop(state);
    tx.at(now);
    tx.put("INSERT INTO audit(line) VALUES(?1)", [text], hash)
}

/// Hands `each` every line, and at last what is missing at the end.
pub(crate) fn all(
    sql: &Connection,
    mut each: impl FnMut(Listed<Line>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let state = tx::state(sql)?;
    let mut statement = sql.prepare_cached("SELECT place, line FROM audit ORDER BY place")?;
    let mut found = statement.query([])?;
    let (mut previous, mut next) = (None, 1);
    while let Some(row) = found.next()? {
        let (place, text): (i64, Result<String, _>) = (row.get(0)?, row.get(1));
        let broken = |what: &str| Failure::damaged(format!("audit line {place} {what}"));
        if place != next {
            each(Err(broken("does not follow: lines before it are gone")))?;
        }
        let text = text.unwrap_or_default();
        match serde_json::from_str::<Line>(&text) {
            Ok(line) if line.previous == previous || place != next => each(Ok(line))?,
            Ok(_) => each(Err(broken("does not follow the one before: one of them was changed")))?,
            Err(_) => each(Err(broken("is damaged")))?,
        }
        previous = Some(Digest::of(text.as_bytes()));
        next = place + 1;
    }
    if next - 1 != state.audits || previous.unwrap_or(START) != state.audit_chain {
        each(Err(Failure::damaged(format!(
            "the audit has {} lines, and the last of {} is not as it was written",
            next - 1,
            state.audits
        ))))?;
    }
    Ok(())
}

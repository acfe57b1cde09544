//! The lines of the audit: a chain whose length and end stand in the row `state`.

use crate::store::engine::{Connection, OptionalRow};
use protocol::Digest;
use time::OffsetDateTime;

use super::Listed;
use super::rows::{self, micros};
use super::tx::{self, Tx};
use crate::audit::account;
pub(crate) use crate::audit::{Deed, Line, Note};
use crate::failure::Failure;
use crate::heads;
use crate::store::Store;

impl Store {
    /// Adds a line. It is on the disk when this returns.
    pub(crate) fn note(&self, note: Note, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now);
        self.write(true, move |tx| add(tx, note.clone(), now))?;
        heads::keep(self)
    }

    /// How many lines there are, and the digest of the last one.
    pub(crate) fn audit_head(&self) -> Result<(i64, Digest), Failure> {
        self.read(|sql| tx::state(sql).map(|state| (state.audits, state.audit_chain)))
    }

    /// The digest of the line at this place; none if it is not there.
    pub(crate) fn audit_digest(&self, place: i64) -> Result<Option<Digest>, Failure> {
        self.read(|sql| {
            let mut statement = sql.prepare_cached("SELECT line FROM audit WHERE place = ?1")?;
            let text = statement.query_row([place], |row| row.get::<String>(0)).optional()?;
            Ok(text.map(|text| Digest::of(text.as_bytes())))
        })
    }

    /// Hands `each` the lines behind this place that can be read, and returns the place of the last one.
    pub(crate) fn audit_since(&self, place: i64, mut each: impl FnMut(Line)) -> Result<i64, Failure> {
        self.read(|sql| {
            let last = tx::state(sql)?.audits;
            let mut statement = sql.prepare_cached("SELECT line FROM audit WHERE place = ?1")?;
            for place in place + 1..=last {
                let text = statement.query_row([place], |row| row.get::<String>(0)).optional()?;
                match text.as_deref().map(serde_json::from_str) {
                    Some(Ok(line)) => each(line),
                    // `verify` names it.
                    _ => log::error!("audit line {place} is damaged or gone: devices get no receipt of it"),
                }
            }
            Ok(last)
        })
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
    let Note { deed, device, purpose, case, count, to, why, role, notice } = note;
    let (at, who) = (rows::text(now), account());
    let line = Line { at, who, deed, device, purpose, case, count, to, why, role, notice, previous };
    let text = serde_json::to_string(&line).map_err(|_| Failure::new("the audit line has no JSON form"))?;
    let hash = Digest::of(text.as_bytes());
    state.audits += 1;
    state.audit_chain = hash;
    let place = state.audits;
    drop(state);
    tx.at(now);
    if tx.is_postgres() {
        // Its sequences have holes where a transaction was undone, and a hole is a line that is gone.
        return tx.put("INSERT INTO audit(place, line) VALUES(?1, ?2)", (place, text), hash);
    }
    tx.put("INSERT INTO audit(line) VALUES(?1)", [text], hash)
}

/// Hands `each` every line; what is damaged or gone as its sentence, without stopping.
pub(crate) fn all(
    sql: &Connection,
    mut each: impl FnMut(Listed<Line>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let state = tx::state(sql)?;
    let mut statement = sql.prepare_cached("SELECT line FROM audit WHERE place = ?1")?;
    // What the next line has to name; unknown behind one that can't be read.
    let mut previous = Some(None);
    for place in 1..=state.audits {
        let broken = |what: &str| Failure::damaged(format!("audit line {place} {what}"));
        let text: Option<String> = statement.query_row([place], |row| row.get(0)).ok();
        let line = text.as_ref().and_then(|text| serde_json::from_str::<Line>(text).ok());
        let follows =
            line.as_ref().is_some_and(|line| previous.is_none_or(|previous| previous == line.previous));
        previous = line.as_ref().and(text).map(|text| Some(Digest::of(text.as_bytes())));
        each(match line {
            Some(line) if follows => Ok(line),
            Some(_) => Err(broken("does not follow the one before: one of them was changed")),
            None => Err(broken("is damaged or gone")),
        })?;
    }
    if state.audits > 0 && previous.is_some_and(|last| last != Some(state.audit_chain)) {
        each(Err(Failure::damaged("the last line of the audit was changed")))?;
    }
    Ok(())
}

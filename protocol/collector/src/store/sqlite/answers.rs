//! What became of privacy requests beside their end: more time, a hold, a revocation, the certificate of an erasure.

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::Digest;
use protocol::rights::ExtensionReason;

use super::rows::{self, Word};
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::requests::Answer;
use crate::store::rules::sums::{Column, sum};

impl Word for ExtensionReason {
    const LIST: &'static [Self] = Self::ALL;
}

/// What became of a device's request number `n`.
pub(crate) fn find(sql: &Connection, device: i64, n: i64) -> Result<Answer, Failure> {
    let statement = "SELECT extended, hold, revoked, certificate, signature, sum FROM answer WHERE device = ?1 AND n = ?2";
    let read =
        |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?));
    let found = sql.prepare_cached(statement)?.query_row((device, n), read).optional()?;
    let Some((extended, hold, revoked, certificate, signature, stored)) = found else {
        return Ok(Answer::default());
    };
    let (extended, hold): (Option<i64>, Option<String>) = (extended, hold);
    let what = || format!("the answer to privacy request {n} of device number {device}");
    let damaged = || Failure::damaged(format!("{} is damaged; `verify` says what is lost", what()));
    let answer = Answer {
        extended: extended.map(ExtensionReason::at).transpose()?,
        hold: hold.as_deref().map(serde_json::from_str).transpose().map_err(|_| damaged())?,
        revoked,
        certificate,
        signature,
    };
    rows::check(stored, answer.sum(device, n, hold.as_deref()), what)?;
    Ok(answer)
}

/// Writes what became of a request.
pub(crate) fn save(tx: &Tx<'_>, device: i64, n: i64, answer: &Answer) -> Result<(), Failure> {
    let hold = answer.hold.as_ref().map(serde_json::to_string).transpose();
    let hold = hold.map_err(|_| Failure::new("the hold has no JSON form"))?;
    let sum = answer.sum(device, n, hold.as_deref());
    let params = (
        device,
        n,
        answer.extended.map(Word::place),
        hold,
        answer.revoked,
        &answer.certificate,
        &answer.signature,
        sum.to_bytes(),
    );
    tx.put("REPLACE INTO answer VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", params, sum)
}

impl Answer {
    fn sum(&self, device: i64, n: i64, hold: Option<&str>) -> Digest {
        sum(
            "answer",
            &[
                Column::Int(device),
                Column::Int(n),
                Column::Maybe(self.extended.map(Word::place)),
                Column::MaybeText(hold),
                Column::Maybe(self.revoked),
                Column::MaybeText(self.certificate.as_deref()),
                Column::MaybeText(self.signature.as_deref()),
            ],
        )
    }
}

//! What the vendor answers a privacy request: a refusal with its reason, or everything that is held, sealed for the device.

use protocol::Digest;
use protocol::answer::{KEPT_DAYS, MAX, PART, RefusalReason, SealedAnswer};
use protocol::reply::PrivacyRequest;
use protocol::rights::PrivacyKind;
use time::OffsetDateTime;

use super::rights::asked;
use super::rows::{self, Word, micros};
use super::tx::Tx;
use super::{device, requests};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::engine::{Connection, OptionalRow, Row};
use crate::store::requests::{Ticket, is_refusable};
use crate::store::rules::retention::DAY;
use crate::store::rules::sums::{Column, sum};

/// The row of a response. A request without one has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    /// Why the request is refused.
    pub(crate) refused: Option<RefusalReason>,
    /// What is held, sealed, as long as it is kept.
    pub(crate) sealed: Option<SealedAnswer>,
    /// When that was made, microseconds.
    made: Option<i64>,
}

/// A request to see what is held that waits for its answer: the ticket, and whom it is sealed for.
pub(crate) type Waiting = (Ticket, String);

impl Word for RefusalReason {
    const LIST: &'static [Self] = Self::ALL;
}

impl Store {
    /// Refuses an open request.
    pub(crate) fn refuse_request(
        &self,
        ticket: Ticket,
        why: RefusalReason,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let now = micros(now);
        self.write(true, move |tx| {
            let (device, mut row) = asked(tx, ticket)?;
            if row.done.is_some() {
                return Err(Failure::new("the request is done: there is nothing to refuse"));
            }
            if !is_refusable(row.kind, why) {
                return Err(Failure::new(format!(
                    "this request can't be refused as {}: unfounded and excessive are for requests to see, to correct and to \
                     object, accurate for one to correct, compelling_grounds and legal_claim for an objection",
                    why.as_str()
                )));
            }
            row.done = Some(now);
            tx.at(now);
            requests::save(tx, device.no, &row)?;
            save(tx, device.no, row.n, Response { refused: Some(why), ..Response::default() })
        })
    }

    /// Whom the answer to an open request to see what is held is sealed for.
    pub(crate) fn recipient(&self, ticket: Ticket) -> Result<String, Failure> {
        self.read(|sql| {
            let (device, row) = asked(sql, ticket)?;
            if row.kind != PrivacyKind::Access || row.done.is_some() {
                return Err(Failure::new("only an open request to see what is held can be answered so"));
            }
            let PrivacyRequest { recipient, .. } = row.request(&device)?;
            recipient.ok_or_else(|| {
                Failure::new(
                    "the request names no recipient, because the agent is an older one: `access DEVICE --seal-to` makes the \
                     answer for a key that the clinic gives you; then `requests --done TICKET`",
                )
            })
        })
    }

    /// The requests to see what is held that name a recipient and have no answer, the oldest of each device first. Devices
    /// whose rows are damaged are left out: `verify` names them.
    pub(crate) fn unanswered(&self) -> Result<Vec<Waiting>, Failure> {
        let mut waiting = Vec::new();
        self.requests(|kept| {
            if let Ok(kept) = kept
                && kept.kind == PrivacyKind::Access
                && kept.due.is_some()
                && let Some(recipient) = kept.request.recipient
            {
                waiting.push((kept.ticket, recipient));
            }
            Ok(())
        })?;
        Ok(waiting)
    }

    /// Keeps the sealed answer to a request, which is done with it. An earlier answer to the device goes.
    pub(crate) fn keep_answer(
        &self,
        ticket: Ticket,
        sealed: Vec<u8>,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let now = micros(now);
        let size = sealed.len() as u64;
        if size > MAX {
            return Err(Failure::new(
                "the answer is larger than 64 MiB; hand it over: `access DEVICE --seal-to`",
            ));
        }
        let whole = SealedAnswer { size, sha256: Digest::of(&sealed) };
        self.write(true, move |tx| {
            let (device, mut row) = asked(tx, ticket)?;
            remove_parts(tx, device.no, i64::MAX)?;
            for (part, bytes) in (0_i64..).zip(sealed.chunks(PART as usize)) {
                let sum = part_sum(device.no, row.n, part, bytes);
                let params = (device.no, row.n, part, bytes, sum.to_bytes());
                tx.put("REPLACE INTO part VALUES(?1, ?2, ?3, ?4, ?5)", params, sum)?;
            }
            row.done = row.done.or(Some(now));
            tx.at(now);
            requests::save(tx, device.no, &row)?;
            save(tx, device.no, row.n, Response { sealed: Some(whole), made: Some(now), refused: None })
        })
    }

    /// A part of the sealed answer to a request; `None` if there is none, or no longer.
    pub(crate) fn answer_part(&self, ticket: Ticket, part: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Ok(part) = i64::try_from(part) else { return Ok(None) };
        self.read(|sql| {
            let Some(device) = device::find(sql, ticket.device)? else { return Ok(None) };
            let Some(row) = requests::find(sql, &device, ticket)? else { return Ok(None) };
            let statement = "SELECT bytes, sum FROM part WHERE device = ?1 AND n = ?2 AND part = ?3";
            let read = |row: &Row<'_>| Ok((row.get::<Vec<u8>>(0)?, row.get::<[u8; 32]>(1)?));
            let found =
                sql.prepare_cached(statement)?.query_row((device.no, row.n, part), read).optional()?;
            let Some((bytes, stored)) = found else { return Ok(None) };
            let what = || format!("part {part} of the answer to privacy request {}", row.n);
            rows::check(stored, part_sum(device.no, row.n, part, &bytes), what)?;
            Ok(Some(bytes))
        })
    }

    /// Removes the sealed answers that are too old; how many.
    pub(crate) fn end_sealed_answers(&self, now: OffsetDateTime) -> Result<u64, Failure> {
        let until = micros(now) - KEPT_DAYS * DAY;
        let old = self.read(|sql| {
            let mut statement = sql.prepare_cached(
                "SELECT DISTINCT device FROM response WHERE made IS NOT NULL AND made < ?1 ORDER BY device",
            )?;
            let mut found = statement.query([until])?;
            let mut devices = Vec::new();
            while let Some(row) = found.next()? {
                devices.push(row.get::<i64>(0)?);
            }
            Ok(devices)
        })?;
        let count = old.len() as u64;
        for device in old {
            self.write(true, move |tx| remove_parts(tx, device, until))?;
        }
        Ok(count)
    }
}

/// Removes the sealed answers to a device that were made before `until`; that the requests are done stays.
fn remove_parts(tx: &Tx<'_>, device: i64, until: i64) -> Result<(), Failure> {
    let mut old = Vec::new();
    {
        let statement =
            "SELECT n FROM response WHERE device = ?1 AND made IS NOT NULL AND made < ?2 ORDER BY n";
        let mut statement = tx.prepare_cached(statement)?;
        let mut found = statement.query((device, until))?;
        while let Some(row) = found.next()? {
            old.push(row.get::<i64>(0)?);
        }
    }
    for n in old {
        tx.remove("DELETE FROM part WHERE device = ?1 AND n = ?2", (device, n))?;
        tx.remove("DELETE FROM response WHERE device = ?1 AND n = ?2", (device, n))?;
        tx.truncate_after();
    }
    Ok(())
}

/// The vendor's answer to a device's request number `n`.
pub(crate) fn find(sql: &Connection, device: i64, n: i64) -> Result<Response, Failure> {
    let statement = "SELECT refused, made, size, digest, sum FROM response WHERE device = ?1 AND n = ?2";
    let read = |row: &Row<'_>| {
        let refused: Option<i64> = row.get(0)?;
        let (made, size): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        Ok((refused, made, size, row.get::<Option<String>>(3)?, row.get::<[u8; 32]>(4)?))
    };
    let found = sql.prepare_cached(statement)?.query_row((device, n), read).optional()?;
    let Some((refused, made, size, digest, stored)) = found else { return Ok(Response::default()) };
    let what = || format!("the response to privacy request {n} of device number {device}");
    let computed = row_sum(device, n, (refused, made, size, digest.as_deref()));
    rows::check(stored, computed, what)?;
    let sealed = size.zip(digest.and_then(|digest| digest.parse().ok()));
    Ok(Response {
        refused: refused.map(RefusalReason::at).transpose()?,
        sealed: sealed.map(|(size, sha256)| SealedAnswer { size: rows::seq(size), sha256 }),
        made,
    })
}

fn save(tx: &Tx<'_>, device: i64, n: i64, response: Response) -> Result<(), Failure> {
    let Response { refused, sealed, made } = response;
    let refused = refused.map(Word::place);
    let size = sealed.map(|sealed| rows::number(sealed.size));
    let digest = sealed.map(|sealed| sealed.sha256.to_string());
    let sum = row_sum(device, n, (refused, made, size, digest.as_deref()));
    let params = (device, n, refused, made, size, digest, sum.to_bytes());
    tx.put("REPLACE INTO response VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", params, sum)
}

type Columns<'a> = (Option<i64>, Option<i64>, Option<i64>, Option<&'a str>);

fn row_sum(device: i64, n: i64, (refused, made, size, digest): Columns<'_>) -> Digest {
    sum(
        "response",
        &[
            Column::Int(device),
            Column::Int(n),
            Column::Maybe(refused),
            Column::Maybe(made),
            Column::Maybe(size),
            Column::MaybeText(digest),
        ],
    )
}

fn part_sum(device: i64, n: i64, part: i64, bytes: &[u8]) -> Digest {
    sum("part", &[Column::Int(device), Column::Int(n), Column::Int(part), Column::Bytes(bytes)])
}

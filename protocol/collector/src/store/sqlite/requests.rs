//! Privacy requests: kept, and what can't wait done in the same transaction.

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::Digest;
use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::rights::PrivacyKind;
use time::OffsetDateTime;

use super::device::{self, Device};
use super::rows::{self, Word, micros};
use super::tx::Tx;
use super::{Listed, answers, consents, responses};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::replay::Entry;
use crate::store::requests::{Answer, Kept, Ticket, is_carried_out_at_once, is_carried_out_by_hand};
use crate::store::rules::decide::Standing;
use crate::store::rules::limits;
use crate::store::rules::restriction::Step;
use crate::store::rules::rights::{self, Erasure};
use crate::store::rules::sums::{Column, sum};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is on the disk.
    Kept(PrivacyReply),
    /// Its id is another request's.
    Conflict,
    /// The device has made more than are kept.
    Full,
    /// The device may not come.
    NotServed(Standing),
}

/// The row of a request.
pub(crate) struct Request {
    pub(crate) n: i64,
    id: [u8; 16],
    pub(crate) kind: PrivacyKind,
    body: String,
    pub(crate) received: i64,
    pub(crate) done: Option<i64>,
}

const COLUMNS: &str = "n, id, kind, body, received, done, sum";

impl Store {
    /// Keeps a privacy request of an enrolled device and does at once what can't wait: takes no more after a
    /// withdrawal, or at all after a decommissioning.
    pub(crate) fn put_request(
        &self,
        ticket: Ticket,
        kind: PrivacyKind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
    ) -> Result<Asked, Failure> {
        self.keep_request(ticket, kind, request, now, |standing| standing != Standing::Revoked)
    }

    /// Keeps the request of an owner whose device can't ask, whatever the vendor thinks of the device.
    pub(crate) fn claim_request(
        &self,
        ticket: Ticket,
        kind: PrivacyKind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
    ) -> Result<Asked, Failure> {
        self.keep_request(ticket, kind, request, now, |_| true)
    }

    fn keep_request(
        &self,
        ticket: Ticket,
        kind: PrivacyKind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
        may_ask: impl Fn(Standing) -> bool + Send + 'static,
    ) -> Result<Asked, Failure> {
        let now = micros(now);
        // One that is sent again is the same request: it was received when it first was.
        let received = rights::received(request.first_received.as_deref(), now);
        let request = PrivacyRequest { first_received: None, ..request.clone() };
        let body =
            serde_json::to_string(&request).map_err(|_| Failure::new("the request has no JSON form"))?;
        self.write(true, move |tx| {
            let Some(mut device) = device::find(tx, ticket.device)? else {
                return Ok(Asked::NotServed(Standing::Unknown));
            };
            if !may_ask(device.standing) {
                return Ok(Asked::NotServed(device.standing));
            }
            match find(tx, &device, ticket)? {
                Some(row) if row.kind != kind || row.body != body => return Ok(Asked::Conflict),
                Some(_) => {}
                None if device.requests >= limits::PRIVACY_REQUESTS => return Ok(Asked::Full),
                None => {
                    let done = is_carried_out_at_once(kind).then_some(now);
                    let row = Request {
                        n: device.requests,
                        id: ticket.id(),
                        kind,
                        body: body.clone(),
                        received: if kind == PrivacyKind::Erase { received } else { now },
                        done,
                    };
                    save(tx, device.no, &row)?;
                    let (name, body) = (ticket.to_string(), body.clone());
                    tx.again(&Entry::Request { ticket: name, kind, body, at: row.received })?;
                    if kind == PrivacyKind::Erase {
                        tx.keys.end(device.id, &request.purposes)?;
                    }
                    device.requests += 1;
                    device.seen = device.seen.max(now);
                    if kind == PrivacyKind::Withdraw {
                        consents::withdraw(tx, &device, &request.purposes, request.case.as_ref())?;
                    }
                    if kind == PrivacyKind::Revoke {
                        revoke(tx, &device, &request, now)?;
                    }
                    if kind == PrivacyKind::Decommission && device.standing == Standing::Active {
                        (device.standing, device.retired) = (Standing::Retired, Some(now));
                    }
                    device::save(tx, &mut device)?;
                    tx.at(now);
                    tx.truncate_after();
                }
            }
            let kept = find(tx, &device, ticket)?.ok_or_else(|| Failure::damaged("a request is gone"))?;
            Ok(Asked::Kept(reply(tx, &device, ticket, &kept)?))
        })
    }

    /// How far a request is; `None` if there is no such request.
    pub(crate) fn request_state(&self, ticket: Ticket) -> Result<Option<PrivacyReply>, Failure> {
        self.read(|sql| {
            let Some(device) = device::find(sql, ticket.device)? else { return Ok(None) };
            let row = find(sql, &device, ticket)?;
            row.map(|row| reply(sql, &device, ticket, &row)).transpose()
        })
    }

    /// Marks a request as carried out that only people can carry out.
    pub(crate) fn finish_request(&self, ticket: Ticket, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now);
        let none = || Failure::new("there is no request with this ticket; `requests` lists them");
        self.write(true, move |tx| {
            let device = device::find(tx, ticket.device)?.ok_or_else(none)?;
            let mut row = find(tx, &device, ticket)?.ok_or_else(none)?;
            if row.done.is_some() {
                return Ok(());
            }
            if !is_carried_out_by_hand(row.kind) {
                return Err(Failure::new(
                    "an erasure is done when it was carried out: `erase --ticket TICKET` does that, and the server by \
                     itself when it can't be taken back any more",
                ));
            }
            row.done = Some(now);
            tx.at(now);
            tx.again(&Entry::Done { ticket: ticket.to_string(), at: now })?;
            save(tx, device.no, &row)
        })
    }

    /// Hands `each` every request, device by device in the order they came; a damaged one as its sentence.
    pub(crate) fn requests(
        &self,
        mut each: impl FnMut(Listed<Kept>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read(|sql| {
            device::all(sql, |device| {
                let device = match device {
                    Ok(device) => device,
                    Err(failure) => return each(Err(failure)),
                };
                for n in 0..device.requests {
                    each(kept(sql, &device, n))?;
                }
                Ok(())
            })
        })
    }
}

fn kept(sql: &Connection, device: &Device, n: i64) -> Listed<Kept> {
    let row = numbered(sql, device, n)?;
    let answer = answers::find(sql, device.no, n)?;
    let due = due(&row, &answer);
    let response = responses::find(sql, device.no, n)?;
    Ok(Kept {
        ticket: row.ticket(device),
        kind: row.kind,
        request: row.request(device)?,
        received_at: rows::text(row.received),
        state: state(row.done),
        received: row.received,
        answer,
        response,
        due,
    })
}

/// A device's request number `n`.
pub(crate) fn numbered(sql: &Connection, device: &Device, n: i64) -> Result<Request, Failure> {
    let damaged = || damaged(device, n);
    let statement = format!("SELECT {COLUMNS} FROM request WHERE device = ?1 AND n = ?2");
    let mut statement = sql.prepare_cached(&statement)?;
    let row = statement.query_row((device.no, n), |row| Ok(read(row, 0, device.no)));
    row.map_err(|_| damaged())?.map_err(|_| damaged())
}

fn damaged(device: &Device, n: i64) -> Failure {
    Failure::damaged(format!("privacy request {n} of device {} is damaged or gone", device.id))
}

/// What a device's requests restrict and release, in the order they came.
pub(crate) fn restrictions(sql: &Connection, device: &Device) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for n in 0..device.requests {
        let row = numbered(sql, device, n)?;
        let is_step = match row.kind {
            PrivacyKind::Restrict | PrivacyKind::Release => true,
            // What is objected to is used no more, unless the objection is refused.
            PrivacyKind::Object => responses::find(sql, device.no, n)?.refused.is_none(),
            _ => false,
        };
        if is_step {
            let PrivacyRequest { purposes, case, ledger_sha256: entry, .. } = row.request(device)?;
            steps.push(Step { restricts: row.kind != PrivacyKind::Release, purposes, case, entry });
        }
    }
    Ok(steps)
}

/// What the rules need of an erasure that was asked for.
pub(crate) fn erasure(row: &Request, device: &Device, answer: &Answer) -> Result<Erasure, Failure> {
    Ok(Erasure {
        received: row.received,
        is_done: row.done.is_some(),
        is_revoked: answer.revoked.is_some(),
        is_done_in_part: answer.certificate.is_some(),
        purposes: row.request(device)?.purposes,
        held: answer.held()?,
    })
}

/// Takes back the erasures that a request names by its purposes and its case, as long as that is possible.
fn revoke(tx: &Tx<'_>, device: &Device, request: &PrivacyRequest, now: i64) -> Result<(), Failure> {
    for n in 0..device.requests {
        let row = numbered(tx, device, n)?;
        if row.kind != PrivacyKind::Erase {
            continue;
        }
        let asked = row.request(device)?;
        let mut answer = answers::find(tx, device.no, n)?;
        let is_meant = asked.case == request.case
            && asked.purposes.iter().all(|purpose| request.purposes.contains(purpose));
        if is_meant && rights::is_revocable(&erasure(&row, device, &answer)?, now) {
            answer.revoked = Some(now);
            answers::save(tx, device.no, n, &answer)?;
        }
    }
    Ok(())
}

/// When the answer to an open request is due.
fn due(row: &Request, answer: &Answer) -> Option<i64> {
    let is_open = row.done.is_none() && answer.outcome().is_none();
    is_open.then(|| micros(rights::due(rows::time(row.received), answer.extended.is_some())))
}

/// What the collector answers a device about its request.
fn reply(sql: &Connection, device: &Device, ticket: Ticket, row: &Request) -> Result<PrivacyReply, Failure> {
    let answer = answers::find(sql, device.no, row.n)?;
    let response = responses::find(sql, device.no, row.n)?;
    let is_pending = row.kind == PrivacyKind::Erase && due(row, &answer).is_some();
    Ok(PrivacyReply {
        due: due(row, &answer).map(rows::text),
        extended: answer.extended,
        revocable_until: is_pending.then(|| rows::text(row.received.saturating_add(rights::REVOCABLE))),
        outcome: answer.outcome(),
        certificate: answer.certificate.filter(|_| answer.signature.is_some()),
        signature: answer.signature,
        sealed: response.sealed,
        refused: response.refused,
        ..PrivacyReply::new(ticket.to_string(), state(row.done))
    })
}

const fn state(done: Option<i64>) -> TicketState {
    if done.is_some() { TicketState::Done } else { TicketState::Open }
}

/// The row of a ticket.
pub(crate) fn find(sql: &Connection, device: &Device, ticket: Ticket) -> Result<Option<Request>, Failure> {
    let statement = format!("SELECT {COLUMNS} FROM request WHERE device = ?1 AND id = ?2");
    let mut statement = sql.prepare_cached(&statement)?;
    let found =
        statement.query_row((device.no, ticket.id()), |row| Ok(read(row, 0, device.no))).optional()?;
    found.transpose()
}

fn read(row: &Row<'_>, first: usize, device: i64) -> Result<Request, Failure> {
    let kind: i64 = row.get(first + 2)?;
    let read = Request {
        n: row.get(first)?,
        id: row.get(first + 1)?,
        kind: PrivacyKind::at(kind)?,
        body: row.get(first + 3)?,
        received: row.get(first + 4)?,
        done: row.get(first + 5)?,
    };
    let what = || format!("privacy request {} of device number {device}", read.n);
    rows::check(row.get(first + 6)?, read.sum(device), what)?;
    Ok(read)
}

/// Writes the row of a request.
pub(crate) fn save(tx: &Tx<'_>, device: i64, row: &Request) -> Result<(), Failure> {
    let sum = row.sum(device);
    let params = (device, row.n, row.id, row.kind.place(), &row.body, row.received, row.done, sum.to_bytes());
    tx.put("REPLACE INTO request VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", params, sum)
}

impl Request {
    /// Its ticket.
    pub(crate) fn ticket(&self, device: &Device) -> Ticket {
        Ticket::from_id(device.id, self.id)
    }

    /// Its body.
    pub(crate) fn request(&self, device: &Device) -> Result<PrivacyRequest, Failure> {
        serde_json::from_str(&self.body).map_err(|_| damaged(device, self.n))
    }

    fn sum(&self, device: i64) -> Digest {
        sum(
            "request",
            &[
                Column::Int(device),
                Column::Int(self.n),
                Column::Bytes(&self.id),
                Column::Int(self.kind.place()),
                Column::Text(&self.body),
                Column::Int(self.received),
                Column::Maybe(self.done),
            ],
        )
    }
}

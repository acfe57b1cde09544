//! Privacy requests: kept for ever, and what can't wait done in the same transaction.

use protocol::Digest;
use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use rusqlite::{Connection, OptionalExtension, Row};
use time::OffsetDateTime;

use super::device::{self, Device};
use super::rows::{self, Word, micros};
use super::tx::Tx;
use super::{Listed, consents};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::requests::{Kept, Kind, Ticket};
use crate::store::rules::decide::Standing;
use crate::store::rules::limits;
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
struct Request {
    n: i64,
    id: [u8; 16],
    kind: Kind,
    body: String,
    received: i64,
    done: Option<i64>,
}

const COLUMNS: &str = "n, id, kind, body, received, done, sum";

impl Store {
    /// Keeps a privacy request of an enrolled device and does at once what can't wait: takes no more after a
    /// withdrawal, or at all after a decommissioning.
    pub(crate) fn put_request(
        &self,
        ticket: Ticket,
        kind: Kind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
    ) -> Result<Asked, Failure> {
        self.keep_request(ticket, kind, request, now, |standing| standing != Standing::Revoked)
    }

    /// Keeps the request of an owner whose device can't ask, whatever the vendor thinks of the device.
    pub(crate) fn claim_request(
        &self,
        ticket: Ticket,
        kind: Kind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
    ) -> Result<Asked, Failure> {
        self.keep_request(ticket, kind, request, now, |_| true)
    }

    fn keep_request(
        &self,
        ticket: Ticket,
        kind: Kind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
        may_ask: impl Fn(Standing) -> bool + Send + 'static,
    ) -> Result<Asked, Failure> {
        let now = micros(now);
        let body =
            serde_json::to_string(request).map_err(|_| Failure::new("the request has no JSON form"))?;
        let request = request.clone();
        self.write(true, move |tx| {
            let Some(mut device) = device::find(tx, ticket.device)? else {
                return Ok(Asked::NotServed(Standing::Unknown));
            };
            if !may_ask(device.standing) {
                return Ok(Asked::NotServed(device.standing));
            }
            let state = match find(tx, &device, ticket)? {
                Some(row) if row.kind != kind || row.body != body => return Ok(Asked::Conflict),
                Some(row) => state(row.done),
                None if device.requests >= limits::PRIVACY_REQUESTS => return Ok(Asked::Full),
                None => {
                    let done = kind.is_carried_out_at_once().then_some(now);
                    let row = Request {
                        n: device.requests,
                        id: ticket.id(),
                        kind,
                        body: body.clone(),
                        received: now,
                        done,
                    };
                    save(tx, device.no, &row)?;
                    device.requests += 1;
                    device.seen = device.seen.max(now);
                    if kind == Kind::Withdraw {
                        consents::withdraw(tx, &device, &request.purposes, request.case.as_ref())?;
                    }
                    if kind == Kind::Decommission && device.standing == Standing::Active {
                        (device.standing, device.retired) = (Standing::Retired, Some(now));
                    }
                    device::save(tx, &mut device)?;
                    tx.at(now);
                    tx.truncate_after();
                    state(done)
                }
            };
            Ok(Asked::Kept(PrivacyReply { ticket: ticket.to_string(), state }))
        })
    }

    /// How far a request is; `None` if there is no such request.
    pub(crate) fn request_state(&self, ticket: Ticket) -> Result<Option<PrivacyReply>, Failure> {
        self.read(|sql| {
            let Some(device) = device::find(sql, ticket.device)? else { return Ok(None) };
            let row = find(sql, &device, ticket)?;
            Ok(row.map(|row| PrivacyReply { ticket: ticket.to_string(), state: state(row.done) }))
        })
    }

    /// Marks a request as carried out.
    pub(crate) fn finish_request(&self, ticket: Ticket, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now);
        let none = || Failure::new("there is no request with this ticket; `requests` lists them");
        self.write(true, move |tx| {
            let device = device::find(tx, ticket.device)?.ok_or_else(none)?;
            let mut row = find(tx, &device, ticket)?.ok_or_else(none)?;
            row.done = row.done.or(Some(now));
            tx.at(now);
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
    let id = device.id;
    let damaged = || Failure::damaged(format!("privacy request {n} of device {id} is damaged or gone"));
    let statement = format!("SELECT {COLUMNS} FROM request WHERE device = ?1 AND n = ?2");
    let mut statement = sql.prepare_cached(&statement)?;
    let row = statement.query_row((device.no, n), |row| Ok(read(row, 0, device.no)));
    let row = row.map_err(|_| damaged())?.map_err(|_| damaged())?;
    Ok(Kept {
        ticket: Ticket::from_id(id, row.id),
        kind: row.kind,
        request: serde_json::from_str(&row.body).map_err(|_| damaged())?,
        received_at: rows::text(row.received),
        state: state(row.done),
    })
}

const fn state(done: Option<i64>) -> TicketState {
    if done.is_some() { TicketState::Done } else { TicketState::Open }
}

fn find(sql: &Connection, device: &Device, ticket: Ticket) -> Result<Option<Request>, Failure> {
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
        kind: Kind::at(kind)?,
        body: row.get(first + 3)?,
        received: row.get(first + 4)?,
        done: row.get(first + 5)?,
    };
    let what = || format!("privacy request {} of device number {device}", read.n);
    rows::check(row.get(first + 6)?, read.sum(device), what)?;
    Ok(read)
}

fn save(tx: &Tx<'_>, device: i64, row: &Request) -> Result<(), Failure> {
    let sum = row.sum(device);
    let params = (device, row.n, row.id, row.kind.place(), &row.body, row.received, row.done, sum.to_bytes());
    tx.put("REPLACE INTO request VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", params, sum)
}

impl Request {
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

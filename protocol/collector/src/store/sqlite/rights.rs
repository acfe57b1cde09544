//! What operators and the daily upkeep do about privacy requests: more time, a hold, an erasure and its certificate.

use crate::store::engine::Connection;
use protocol::rights::PrivacyKind;
use protocol::rights::{ExtensionReason, Hold};
use protocol::{CaseId, Purpose};
use time::OffsetDateTime;

use super::answers;
use super::device::{self, Device};
use super::requests::{self, Request};
use super::rows::{self, micros};
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::replay::Entry;
use crate::store::requests::{Answer, Ticket};
use crate::store::rules::rights::{self, Next};

/// An erasure that is to be carried out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) ticket: Ticket,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) case: Option<CaseId>,
    /// What is kept, and why.
    pub(crate) kept: Option<Hold>,
    /// When the request came, RFC 3339.
    pub(crate) asked_at: String,
    /// The same in microseconds: what came later is under a later yes, and stays.
    pub(crate) until: i64,
}

impl Store {
    /// Gives the answer to an open request two months more.
    pub(crate) fn extend_request(
        &self,
        ticket: Ticket,
        why: ExtensionReason,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        self.change_answer(ticket, now, move |row, answer| {
            if row.done.is_some() {
                return Err(Failure::new("the request is done: there is nothing to extend"));
            }
            if micros(now) > micros(rights::due(rows::time(row.received), false)) {
                return Err(Failure::new(
                    "a month is over since the request came: it is too late to extend it",
                ));
            }
            answer.extended = Some(why);
            Ok(())
        })
    }

    /// Keeps something although its erasure was asked for.
    pub(crate) fn hold_request(
        &self,
        ticket: Ticket,
        hold: Hold,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        self.change_answer(ticket, now, move |row, answer| {
            if row.kind != PrivacyKind::Erase || row.done.is_some() || answer.revoked.is_some() {
                return Err(Failure::new("only what an open request to erase is about can be held"));
            }
            answer.hold = Some(hold.clone());
            Ok(())
        })
    }

    fn change_answer(
        &self,
        ticket: Ticket,
        now: OffsetDateTime,
        mut change: impl FnMut(&Request, &mut Answer) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let now = micros(now);
        self.write(true, move |tx| {
            let (device, row) = asked(tx, ticket)?;
            let mut answer = answers::find(tx, device.no, row.n)?;
            change(&row, &mut answer)?;
            tx.at(now);
            answered(tx, ticket, &answer, None, now)?;
            answers::save(tx, device.no, row.n, &answer)
        })
    }

    /// What is to be erased for a request now; an error says why nothing is.
    pub(crate) fn erasure_order(
        &self,
        ticket: Ticket,
        at_once: bool,
        now: OffsetDateTime,
    ) -> Result<Order, Failure> {
        let now = micros(now);
        self.read(|sql| {
            let (device, row) = asked(sql, ticket)?;
            if row.kind != PrivacyKind::Erase {
                return Err(Failure::new("this request asks for no erasure"));
            }
            match order(sql, &device, &row, at_once, now)? {
                Ok(order) => Ok(order),
                Err(Next::Wait(until)) => Err(Failure::new(format!(
                    "nothing is erased for this request before {}: until then it can be taken back, or something of \
                     it is held",
                    rows::text(until)
                ))),
                Err(_) => Err(Failure::new("the request was carried out already, or taken back")),
            }
        })
    }

    /// The erasures that are due, device by device; a device whose rows are damaged is left out and named.
    pub(crate) fn due_erasures(&self, now: OffsetDateTime) -> Result<(Vec<Order>, Vec<Failure>), Failure> {
        let now = micros(now);
        self.read(|sql| {
            let (mut orders, mut damaged) = (Vec::new(), Vec::new());
            device::all(sql, |device| {
                let of_device = device.and_then(|device| {
                    let mut due = Vec::new();
                    for n in 0..device.requests {
                        let row = requests::numbered(sql, &device, n)?;
                        if row.kind == PrivacyKind::Erase {
                            due.extend(order(sql, &device, &row, false, now)?.ok());
                        }
                    }
                    Ok(due)
                });
                match of_device {
                    Ok(due) => orders.extend(due),
                    Err(failure) => damaged.push(failure),
                }
                Ok(())
            })?;
            Ok((orders, damaged))
        })
    }

    /// Keeps the certificate of an erasure that was carried out; the request is done unless something is held.
    pub(crate) fn keep_certificate(
        &self,
        order: &Order,
        certificate: &str,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let (ticket, is_all, text) = (order.ticket, order.kept.is_none(), certificate.to_owned());
        let now = micros(now);
        self.write(true, move |tx| {
            let (device, mut row) = asked(tx, ticket)?;
            let mut answer = answers::find(tx, device.no, row.n)?;
            (answer.certificate, answer.signature) = (Some(text.clone()), None);
            if is_all {
                (answer.hold, row.done) = (None, row.done.or(Some(now)));
                requests::save(tx, device.no, &row)?;
            }
            tx.at(now);
            tx.truncate_after();
            answered(tx, ticket, &answer, row.done, now)?;
            answers::save(tx, device.no, row.n, &answer)
        })
    }

    /// Keeps again what became of a request, as the log says it.
    pub(crate) fn answer_again(
        &self,
        ticket: Ticket,
        answer: Answer,
        done: Option<i64>,
        now: i64,
    ) -> Result<(), Failure> {
        self.write(true, move |tx| {
            let (device, mut row) = asked(tx, ticket)?;
            if done.is_some() {
                row.done = row.done.or(done);
                requests::save(tx, device.no, &row)?;
            }
            tx.at(now);
            answers::save(tx, device.no, row.n, &answer)
        })
    }

    /// The certificates that no key has signed yet.
    pub(crate) fn unsigned_certificates(&self) -> Result<Vec<(Ticket, String)>, Failure> {
        let mut unsigned = Vec::new();
        self.requests(|kept| {
            let kept = kept?;
            if kept.answer.signature.is_none()
                && let Some(text) = kept.answer.certificate
            {
                unsigned.push((kept.ticket, text));
            }
            Ok(())
        })?;
        Ok(unsigned)
    }

    /// Keeps the signature of a certificate, if that still is the certificate.
    pub(crate) fn sign_certificate(
        &self,
        ticket: Ticket,
        certificate: &str,
        signature: &str,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let (text, signature) = (certificate.to_owned(), signature.to_owned());
        self.change_answer(ticket, now, move |_, answer| {
            if answer.certificate.as_ref() != Some(&text) {
                return Err(Failure::new("the certificate has changed meanwhile; sign it again"));
            }
            answer.signature = Some(signature.clone());
            Ok(())
        })
    }
}

fn answered(tx: &Tx<'_>, ticket: Ticket, answer: &Answer, done: Option<i64>, at: i64) -> Result<(), Failure> {
    tx.again(&Entry::Answered { ticket: ticket.to_string(), answer: answer.clone(), done, at })
}

/// The request of a ticket, and its device.
pub(super) fn asked(sql: &Connection, ticket: Ticket) -> Result<(Device, Request), Failure> {
    let none = || Failure::new("there is no request with this ticket; `requests` lists them");
    let device = device::find(sql, ticket.device)?.ok_or_else(none)?;
    let row = requests::find(sql, &device, ticket)?.ok_or_else(none)?;
    Ok((device, row))
}

fn order(
    sql: &Connection,
    device: &Device,
    row: &Request,
    at_once: bool,
    now: i64,
) -> Result<Result<Order, Next>, Failure> {
    let answer = answers::find(sql, device.no, row.n)?;
    let erasure = requests::erasure(row, device, &answer)?;
    Ok(match rights::next(&erasure, at_once, now) {
        Next::Erase { purposes, kept } => {
            let hold = answer.hold.filter(|_| !kept.is_empty());
            Ok(Order {
                ticket: row.ticket(device),
                purposes,
                case: row.request(device)?.case,
                kept: hold.map(|hold| Hold { purposes: kept, ..hold }),
                asked_at: rows::text(row.received),
                until: row.received,
            })
        }
        nothing => Err(nothing),
    })
}

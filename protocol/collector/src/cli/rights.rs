//! The options of `requests`, `erase` and `certify`, and what they do.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use protocol::answer::RefusalReason;
use protocol::rights::{ExtensionReason, Hold, HoldReason};
use protocol::{CaseId, DeviceId, Purpose};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::data::Data;
use super::output::{list, print, ticket};
use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::requests::Ticket;
use crate::store::rfc3339;
use crate::{answering, erasure, held, listing};

/// The privacy requests.
#[derive(Args)]
pub(super) struct Requests {
    #[command(flatten)]
    data: Data,
    /// Mark a request to see or to correct data, or to object, as carried out. An erasure is done when `erase` carried it out
    #[arg(long, value_name = "TICKET", value_parser = ticket, group = "deed")]
    done: Option<Ticket>,
    /// Answer this request to see what is held: everything, sealed for the device, which fetches it. The server does that
    /// once a day by itself
    #[arg(long, value_name = "TICKET", value_parser = ticket, group = "deed")]
    answer: Option<Ticket>,
    /// Refuse this request to see or correct data, or to object; the clinic is shown the ground
    #[arg(long, value_name = "TICKET", value_parser = ticket, group = "deed", requires = "ground")]
    refuse: Option<Ticket>,
    /// Why it is refused: unfounded, excessive, accurate, compelling_grounds or legal_claim
    #[arg(long, value_name = "REASON", requires = "refuse")]
    ground: Option<RefusalReason>,
    /// Take two months more to answer this request; the clinic is shown the reason
    #[arg(long, value_name = "TICKET", value_parser = ticket, group = "deed", requires = "because")]
    extend: Option<Ticket>,
    /// Why it takes longer: complexity or many_requests
    #[arg(long, value_name = "REASON", requires = "extend")]
    because: Option<ExtensionReason>,
    /// Keep something although this request asks for its erasure; the clinic is shown what, why and until when
    #[arg(long, value_name = "TICKET", value_parser = ticket, group = "deed", requires_all = ["why", "until"])]
    hold: Option<Ticket>,
    /// Why it is kept: legal_claim, vigilance_record or complaint_record
    #[arg(long, value_name = "REASON", requires = "hold")]
    why: Option<HoldReason>,
    /// Until when it is kept at most, as 2028-05-16T00:00:00Z; what is left is then erased
    #[arg(long, value_name = "TIME", requires = "hold", value_parser = moment)]
    until: Option<OffsetDateTime>,
    /// What is kept; repeat for several [default: everything that the request is about]
    #[arg(long, requires = "hold")]
    purpose: Vec<Purpose>,
}

/// An erasure, of a device or for a request.
#[derive(Args)]
#[command(group(ArgGroup::new("of").required(true).args(["device", "ticket", "bundle", "due"])))]
pub(super) struct Erase {
    #[command(flatten)]
    data: Data,
    /// The device's id, 32 hexadecimal digits
    #[arg(long)]
    device: Option<DeviceId>,
    /// Carry out this request, and keep the certificate of it
    #[arg(long, value_parser = ticket)]
    ticket: Option<Ticket>,
    /// Erase this support bundle alone, whoever it is of: its number or its digest, as `bundles` prints them
    #[arg(long, value_name = "ID")]
    bundle: Option<String>,
    /// Carry out every request that can't be taken back any more, as the server does once a day
    #[arg(long)]
    due: bool,
    /// Before the 14 days are over in which the clinic can take the request back: because it asked not to wait
    #[arg(long, requires_all = ["ticket", "why"])]
    at_once: bool,
    /// How the clinic asked not to wait; noted in the audit
    #[arg(long, value_name = "REASON", requires = "at_once")]
    why: Option<String>,
    /// usage_statistics, support_case or support_scan_data; repeatable [default: all]
    #[arg(long, conflicts_with = "ticket")]
    purpose: Vec<Purpose>,
    /// Only what belongs to this support case
    #[arg(long, conflicts_with = "ticket")]
    case: Option<CaseId>,
}

/// The signing of certificates.
#[derive(Args)]
pub(super) struct Certify {
    #[command(flatten)]
    data: Data,
    /// The file that `signing-key` made for erasure_certificate; it is read and not kept
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// The answer to an access request.
#[derive(Args)]
pub(super) struct Access {
    #[command(flatten)]
    data: Data,
    /// The device's id, 32 hexadecimal digits
    device: DeviceId,
    /// Seal it with age for this recipient, age1..., whose key the clinic has [default: plain text]
    #[arg(long, value_name = "RECIPIENT", value_parser = recipient)]
    seal_to: Option<age::x25519::Recipient>,
}

/// `access`.
pub(super) fn access(asked: Access, now: OffsetDateTime) -> Result<(), Failure> {
    let Access { data, device, seal_to } = asked;
    let store = data.store()?;
    // Before the first byte: an unknown device leaves nothing that looks like an answer.
    store.enrolled(device)?;
    let mut lines = seal_to.as_ref().map_or_else(|| Ok(Lines::stdout()), Lines::sealed)?;
    held::print(&store, device, now, &mut lines)?;
    lines.end()
}

fn recipient(text: &str) -> Result<age::x25519::Recipient, &'static str> {
    text.parse().map_err(|_| "not an age recipient; it begins with age1 and has 62 characters")
}

/// `requests`.
pub(super) fn requests(asked: Requests, now: OffsetDateTime) -> Result<(), Failure> {
    let Requests { data, done, answer, refuse, ground, extend, because, hold, why, until, purpose } = asked;
    let store = data.store()?;
    if let Some(ticket) = answer {
        return answering::answer(&store, ticket, now);
    }
    if let Some((ticket, ground)) = refuse.zip(ground) {
        return store.refuse_request(ticket, ground, now);
    }
    match (done, extend.zip(because), hold.zip(why.zip(until))) {
        (Some(ticket), ..) => store.finish_request(ticket, now),
        (_, Some((ticket, because)), _) => store.extend_request(ticket, because, now),
        (.., Some((ticket, (why, until)))) => {
            if until <= now {
                return Err(Failure::new("--until is over already; name the day until which it is kept"));
            }
            let purposes = if purpose.is_empty() { Purpose::ALL.to_vec() } else { purpose };
            store.hold_request(ticket, Hold { why, until: rfc3339(until), purposes }, now)
        }
        _ => list(|lines| listing::requests(&store, lines)),
    }
}

/// `erase`.
pub(super) fn erase(asked: Erase, now: OffsetDateTime) -> Result<(), Failure> {
    let Erase { data, device, ticket, bundle, due, at_once, why, purpose, case } = asked;
    let store = data.store()?;
    if due {
        return list(|lines| erasure::carry_out_due(&store, now, |erased| lines.put(erased)));
    }
    if let Some(bundle) = bundle {
        store.erase_bundle(&bundle)?;
        return store.note(Note::new(Deed::Erase, 1), now);
    }
    if let Some(ticket) = ticket {
        let order = store.erasure_order(ticket, at_once, now)?;
        if at_once {
            let note = Note { device: Some(ticket.device), why, ..Note::new(Deed::Erase, 0) };
            store.note(note, now)?;
        }
        return list(|lines| erasure::carry_out(&store, &order, now, |erased| lines.put(erased)));
    }
    let Some(device) = device else { return Ok(()) };
    let purposes = if purpose.is_empty() { Purpose::ALL } else { &purpose };
    list(|lines| {
        erasure::erase(&store, device, purposes, case.as_ref(), i64::MAX, now, |erased| lines.put(erased))
    })
}

/// `certify`.
pub(super) fn certify(asked: Certify, now: OffsetDateTime) -> Result<(), Failure> {
    let Certify { data, key } = asked;
    let signed = erasure::certify(&data.store()?, &key, now)?;
    signed.iter().try_for_each(|ticket| print(&ticket.to_string()))
}

fn moment(text: &str) -> Result<OffsetDateTime, &'static str> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "not a time; write it as 2028-05-16T00:00:00Z")
}

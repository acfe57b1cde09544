//! The vendor's tickets: requests about data that was sent, and their state.
//!
//! A small file beside the ledger. An open ticket is asked about once at each start and once a day, also when
//! everything else is off, until the vendor says that it is done. Where the configuration trusts a key for it, an erasure
//! is done only with a certificate that this key signed: the vendor's word alone leaves it open.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use protocol::answer::{RefusalReason, SealedAnswer};
use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::rights::PrivacyKind;
use protocol::rights::{Certificate, ExtensionReason, NotProven, Outcome};
use protocol::signature::{Context, TrustedKeys};
use protocol::{CaseId, DeviceId, Purpose};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::problem::{NotProvenText, Problem};
use super::vendor_request::VendorRequest;
use crate::presence::{self, Presence};
use crate::texts::{Said, Text};
use crate::{durable, limits};

/// One request that the vendor took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The vendor's number for it.
    pub ticket: String,
    /// What was asked.
    pub kind: PrivacyKind,
    /// What it is about.
    pub purposes: Vec<Purpose>,
    /// Of this case only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// When the vendor took it, RFC 3339.
    pub taken_at: String,
    /// How far it is.
    pub state: TicketState,
    /// When the vendor's answer is due, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Why the vendor takes longer than a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<ExtensionReason>,
    /// Until when the erasure can be taken back, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocable_until: Option<String>,
    /// What became of it, where that is more than `done`; of an erasure as a certificate says that was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The text of that certificate, as it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Its signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The vendor's answer to a request to see what it holds, as it can be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedAnswer>,
    /// Why the vendor refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusalReason>,
}

impl Ticket {
    /// What the certificate of an erasure says. It was verified before it was kept.
    pub fn proof(&self) -> Option<Certificate> {
        serde_json::from_str(self.certificate.as_ref()?).ok()
    }

    /// Whether the vendor has something left to say.
    pub fn is_open(&self) -> bool {
        self.state == TicketState::Open && self.outcome.is_none()
    }

    /// When the vendor received it, by the vendor's own clock: known of an erasure.
    fn first_received(&self) -> Option<String> {
        let until = OffsetDateTime::parse(self.revocable_until.as_deref()?, &Rfc3339).ok()?;
        until.checked_sub(REVOCABLE)?.format(&Rfc3339).ok()
    }

    /// Takes what the vendor said of it. An error says why its certificate proves nothing.
    fn take(&mut self, said: &PrivacyReply, keys: &TrustedKeys, device: DeviceId) -> Result<(), NotProven> {
        self.due.clone_from(&said.due);
        self.extended = said.extended;
        self.revocable_until.clone_from(&said.revocable_until);
        if self.kind != PrivacyKind::Erase || !keys.trust(Context::ErasureCertificate) {
            self.state = said.state;
            self.outcome = said.outcome;
            self.sealed = said.sealed.filter(|_| self.kind == PrivacyKind::Access);
            self.refused = said.refused;
            return Ok(());
        }
        if said.outcome == Some(Outcome::Revoked) {
            self.outcome = said.outcome;
            return Ok(());
        }
        let (Some(text), Some(signature)) = (&said.certificate, &said.signature) else { return Ok(()) };
        let asked = (self.ticket.as_str(), device, self.purposes.as_slice(), self.case.as_ref());
        let certificate = Certificate::verify(text, signature, keys, asked)?;
        self.outcome = Some(certificate.outcome());
        if certificate.kept.is_none() {
            self.state = TicketState::Done;
        }
        (self.certificate, self.signature) = (Some(text.clone()), Some(signature.clone()));
        Ok(())
    }
}

/// How long an erasure can be taken back (WIRE.md 2.1).
const REVOCABLE: time::Duration = time::Duration::days(14);

/// A ticket with the request that it is for.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    ticket: Ticket,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<PrivacyRequest>,
}

/// All of them, the oldest first.
#[derive(Debug)]
pub struct Tickets {
    path: PathBuf,
    tickets: Vec<Ticket>,
    /// Requests of those that are open, by ticket.
    requests: BTreeMap<String, PrivacyRequest>,
    /// When the next round of questions is due, since the start.
    due: Duration,
    /// How many were asked about in this round.
    asked: usize,
    /// Tickets whose newest certificate proves nothing, and why.
    refused: BTreeMap<String, NotProven>,
}

impl Tickets {
    /// Reads the file at `path`. A damaged one is put aside: the vendor knows its tickets. True if it was.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn open(path: PathBuf) -> io::Result<(Self, bool)> {
        let read: Result<Vec<Stored>, ()> = match presence::read(&path)? {
            Presence::Found(bytes) => serde_json::from_slice(&bytes).map_err(drop),
            Presence::Absent => Ok(Vec::new()),
        };
        let damaged = read.is_err();
        if damaged {
            // Only for looking at; it is written anew with the next ticket.
            let _ = std::fs::rename(&path, path.with_extension("damaged"));
        }
        let (mut tickets, mut requests) = (Vec::new(), BTreeMap::new());
        for Stored { ticket, request } in read.unwrap_or_default() {
            requests.extend(request.map(|request| (ticket.ticket.clone(), request)));
            tickets.push(ticket);
        }
        let refused = BTreeMap::new();
        Ok((Self { path, tickets, requests, due: Duration::ZERO, asked: 0, refused }, damaged))
    }

    /// For `status` and the export.
    pub fn all(&self) -> &[Ticket] {
        &self.tickets
    }

    /// The next ticket to ask about at `elapsed` since the start.
    pub fn next(&self, elapsed: Duration) -> Option<&str> {
        let mut open = self.open_tickets();
        if self.due <= elapsed { open.nth(self.asked) } else { None }
    }

    /// When the next question is due, since the start; none without an open ticket.
    pub fn due(&self) -> Option<Duration> {
        self.open_tickets().next().map(|_| self.due)
    }

    /// The vendor took a request.
    pub fn taken(
        &mut self,
        kind: PrivacyKind,
        request: &PrivacyRequest,
        reply: PrivacyReply,
        at: String,
    ) -> io::Result<()> {
        if self.tickets.iter().any(|known| known.ticket == reply.ticket) {
            return Ok(());
        }
        let ticket = Ticket {
            ticket: reply.ticket,
            kind,
            purposes: request.purposes.clone(),
            case: request.case.clone(),
            taken_at: at,
            // A vendor that claims to have erased at once has shown nothing yet: it is asked again.
            state: if kind == PrivacyKind::Erase { TicketState::Open } else { reply.state },
            due: reply.due,
            extended: reply.extended,
            revocable_until: reply.revocable_until,
            outcome: None,
            certificate: None,
            signature: None,
            sealed: None,
            refused: None,
        };
        if ticket.is_open() {
            self.requests.insert(ticket.ticket.clone(), request.clone());
        }
        self.tickets.push(ticket);
        self.save()
    }

    /// The request of an open ticket that the vendor does not know: it goes on from a backup, and has to get it again.
    pub fn again(&self, ticket: &str) -> Option<VendorRequest> {
        let known = self.tickets.iter().find(|known| known.ticket == ticket && known.is_open())?;
        let request = self.requests.get(ticket)?.clone();
        let request = PrivacyRequest { first_received: known.first_received(), ..request };
        Some(VendorRequest::Privacy { kind: known.kind, request })
    }

    /// The vendor said how far `ticket` of this `device` is, or nothing that is understood.
    pub fn answered(
        &mut self,
        ticket: &str,
        said: Option<&PrivacyReply>,
        keys: &TrustedKeys,
        device: DeviceId,
        elapsed: Duration,
    ) -> io::Result<()> {
        self.asked += 1;
        let (mut is_changed, mut is_over) = (false, false);
        for known in self.tickets.iter_mut().filter(|known| known.ticket == ticket) {
            let before = known.clone();
            match said.map(|said| known.take(said, keys, device)) {
                Some(Err(why)) => drop(self.refused.insert(ticket.to_owned(), why)),
                Some(Ok(())) => drop(self.refused.remove(ticket)),
                None => {}
            }
            is_changed |= *known != before;
            is_over |= !known.is_open();
        }
        if is_over {
            self.asked -= 1;
            self.requests.remove(ticket);
        }
        if self.asked >= self.open_tickets().count() {
            (self.asked, self.due) = (0, elapsed + limits::TICKET_EVERY);
        }
        if is_changed { self.save() } else { Ok(()) }
    }

    /// No file that the vendor answered with is here any longer.
    ///
    /// # Errors
    /// The tickets cannot be written now.
    pub fn forget_answers(&mut self) -> io::Result<()> {
        self.tickets.iter_mut().for_each(|ticket| ticket.sealed = None);
        self.save()
    }

    /// What the clinic should know of the vendor's answers, at this time (RFC 3339).
    pub fn problems(&self, now: &str) -> Vec<Said> {
        let refused = self.refused.iter().map(|(ticket, why)| {
            Problem::NotProven { ticket: ticket.clone(), why: NotProvenText(*why) }.said()
        });
        let is_late =
            |ticket: &&Ticket| ticket.is_open() && ticket.due.as_deref().is_some_and(|due| due < now);
        let late = self.tickets.iter().filter(is_late).map(|ticket| {
            let due = ticket.due.clone().unwrap_or_default();
            Problem::Late { ticket: ticket.ticket.clone(), due }.said()
        });
        refused.chain(late).collect()
    }

    fn open_tickets(&self) -> impl Iterator<Item = &str> {
        let open = self.tickets.iter().filter(|ticket| ticket.is_open());
        open.map(|ticket| ticket.ticket.as_str())
    }

    fn save(&self) -> io::Result<()> {
        let stored = self.tickets.iter().map(|ticket| Stored {
            ticket: ticket.clone(),
            request: self.requests.get(&ticket.ticket).cloned(),
        });
        let text = serde_json::to_vec(&stored.collect::<Vec<_>>()).map_err(|_| io::ErrorKind::InvalidData)?;
        durable::replace(&self.path, &text)
    }
}

#[cfg(test)]
mod tests;

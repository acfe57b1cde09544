//! The vendor's tickets: requests about data that was sent, and their state.
//!
//! A small file beside the ledger. An open ticket is asked about once at each start and once a day, also when
//! everything else is off, until the vendor says that it is done. Where the configuration trusts a key for it, an erasure
//! is done only with a certificate that this key signed: the vendor's word alone leaves it open.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::rights::{Certificate, ExtensionReason, NotProven, Outcome};
use protocol::signature::{Context, TrustedKeys};
use protocol::{CaseId, DeviceId, Purpose};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::problem::{NotProvenText, Problem};
use super::vendor_request::{PrivacyKind, VendorRequest};
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
}

impl Ticket {
    /// What the certificate of an erasure says. It was verified before it was kept.
    pub fn proof(&self) -> Option<Certificate> {
        serde_json::from_str(self.certificate.as_ref()?).ok()
    }

    /// Whether the vendor has something left to say.
    fn is_open(&self) -> bool {
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
mod tests {
    use protocol::Digest;
    use protocol::signature::{PublicKey, Signature, TrustedKey};
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::consent::Flag;

    fn take(tickets: &mut Tickets, name: &str) {
        let request = VendorRequest::privacy(
            PrivacyKind::Erase,
            &Flag::UsageStatistics,
            protocol::Digest::of(name.as_bytes()),
        );
        let VendorRequest::Privacy { kind, request } = request else { panic!("a privacy request") };
        let reply = PrivacyReply::new(name.to_owned(), TicketState::Open);
        tickets.taken(kind, &request, reply, "2026-11-21T10:00:00Z".to_owned()).unwrap();
    }

    const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);

    fn answer(tickets: &mut Tickets, name: &str, state: Option<TicketState>, at: Duration) {
        let said = state.map(|state| PrivacyReply::new(name.to_owned(), state));
        tickets.answered(name, said.as_ref(), &TrustedKeys::default(), DEVICE, at).unwrap();
    }

    #[test]
    fn a_request_that_the_vendor_lost_goes_again_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tickets.json");
        let (mut tickets, _) = Tickets::open(path.clone()).unwrap();
        take(&mut tickets, "t-1");
        let mut said = PrivacyReply::new("t-1".to_owned(), TicketState::Open);
        said.revocable_until = Some("2026-12-05T09:30:00Z".to_owned());
        tickets.answered("t-1", Some(&said), &TrustedKeys::default(), DEVICE, Duration::ZERO).unwrap();
        let (tickets, _) = Tickets::open(path.clone()).unwrap();
        let Some(VendorRequest::Privacy { kind: PrivacyKind::Erase, request }) = tickets.again("t-1") else {
            panic!("an erasure")
        };
        assert_eq!(request.first_received.as_deref(), Some("2026-11-21T09:30:00Z"));
        assert_eq!(request.ledger_sha256, protocol::Digest::of(b"t-1"));
        assert_eq!(tickets.again("t-2"), None);
        let (mut tickets, _) = Tickets::open(path).unwrap();
        answer(&mut tickets, "t-1", Some(TicketState::Done), Duration::ZERO);
        assert_eq!(tickets.again("t-1"), None, "what is done stays done");
    }

    /// A key that is trusted for certificates, and what it signs.
    fn signer() -> (TrustedKeys, impl Fn(&str, Context) -> String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
        let keys = TrustedKeys::new(vec![TrustedKey {
            key,
            signs: vec![Context::ErasureCertificate, Context::Notice],
        }]);
        let sign = move |text: &str, context| {
            let content = Digest::of(text.as_bytes());
            Signature::new(context, key, content, |bytes| pair.sign(bytes).as_ref().to_vec())
                .unwrap()
                .to_string()
        };
        (keys, sign)
    }

    #[test]
    fn an_erasure_is_done_by_a_certificate_and_by_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (mut tickets, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
        take(&mut tickets, "t-1");
        let (keys, sign) = signer();
        let text = |ticket: &str, kept: &str| {
            format!(
                r#"{{"format":"kathea-erasure-1","ticket":"{ticket}","device":"{DEVICE}","purposes":["usage_statistics"],"asked_at":"","erased_at":"","records":3,"bundles":0,"parts":0,{kept}"copies":[]}}"#
            )
        };
        let mut said = PrivacyReply {
            outcome: Some(Outcome::Erased),
            ..PrivacyReply::new("t-1".into(), TicketState::Done)
        };
        let mut tell = |said: &PrivacyReply| {
            tickets.answered("t-1", Some(said), &keys, DEVICE, Duration::ZERO).unwrap();
            let ticket = tickets.all()[0].clone();
            (ticket.state, ticket.outcome, tickets.problems("2026").len())
        };
        // The vendor's word alone.
        assert_eq!(tell(&said), (TicketState::Open, None, 0));
        let right = text("t-1", "");
        let other = text("t-2", "");
        for (forged, signature) in [
            (other.clone(), sign(&other, Context::ErasureCertificate)),
            (right.clone(), sign(&right, Context::Notice)),
            (right.clone(), sign(&other, Context::ErasureCertificate)),
            (right[..right.len() - 9].to_owned(), sign(&right, Context::ErasureCertificate)),
            (right.replace(":3,", ":9,"), sign(&right, Context::ErasureCertificate)),
            (right.clone(), "none".to_owned()),
        ] {
            (said.certificate, said.signature) = (Some(forged), Some(signature));
            assert_eq!(tell(&said), (TicketState::Open, None, 1));
        }
        let kept = text(
            "t-1",
            r#""kept":{"why":"legal_claim","until":"2030-01-01T00:00:00Z","purposes":["usage_statistics"]},"#,
        );
        (said.certificate, said.signature) =
            (Some(kept.clone()), Some(sign(&kept, Context::ErasureCertificate)));
        assert_eq!(tell(&said), (TicketState::Open, Some(Outcome::RefusedInPart), 0), "not done");
        (said.certificate, said.signature) =
            (Some(right.clone()), Some(sign(&right, Context::ErasureCertificate)));
        assert_eq!(tell(&said), (TicketState::Done, Some(Outcome::Erased), 0));
        let (again, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
        assert_eq!(again.all()[0].proof().unwrap().records, 3);
    }

    #[test]
    fn a_late_answer_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (mut tickets, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
        take(&mut tickets, "t-1");
        let due = Some("2026-12-21T10:00:00Z".to_owned());
        let said = PrivacyReply { due, ..PrivacyReply::new("t-1".into(), TicketState::Open) };
        tickets.answered("t-1", Some(&said), &TrustedKeys::default(), DEVICE, Duration::ZERO).unwrap();
        assert!(tickets.problems("2026-12-21T09:59:59Z").is_empty());
        assert!(tickets.problems("2026-12-21T10:00:01Z")[0].en.contains("t-1"));
    }

    #[test]
    fn every_open_ticket_is_asked_about_once_a_round_until_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tickets.json");
        let (mut tickets, damaged) = Tickets::open(path.clone()).unwrap();
        assert!(!damaged && tickets.due().is_none() && tickets.next(Duration::MAX).is_none());
        take(&mut tickets, "one");
        take(&mut tickets, "two");
        take(&mut tickets, "two");
        let start = Duration::from_secs(5);
        assert_eq!(tickets.next(start), Some("one"));
        answer(&mut tickets, "one", Some(TicketState::Done), start);
        assert_eq!(tickets.next(start), Some("two"));
        answer(&mut tickets, "two", None, start);
        assert_eq!(tickets.next(start), None, "not again in this round");
        let day = start + limits::TICKET_EVERY;
        assert_eq!((tickets.due(), tickets.next(day)), (Some(day), Some("two")));
        answer(&mut tickets, "two", Some(TicketState::Done), day);
        assert_eq!(tickets.due(), None);

        let (again, _) = Tickets::open(path.clone()).unwrap();
        assert_eq!(again.all(), tickets.all());
        assert_eq!(again.all().len(), 2);
        std::fs::write(&path, "{").unwrap();
        let (empty, damaged) = Tickets::open(path.clone()).unwrap();
        assert!(damaged && empty.all().is_empty());
        std::fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
        assert!(
            Tickets::open(path.clone()).is_err() && path.is_dir(),
            "what can't be read now is not damaged"
        );
    }
}

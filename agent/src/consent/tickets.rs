//! The vendor's tickets: what was asked of it about data that was sent, and how far that is.
//!
//! A small file beside the ledger. An open ticket is asked about once at each start and once a day, also when
//! everything else is off, until the vendor says that it is done.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::{CaseId, Purpose};
use serde::{Deserialize, Serialize};

use super::vendor_request::PrivacyKind;
use crate::presence::{self, Presence};
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
}

/// All of them, the oldest first.
#[derive(Debug)]
pub struct Tickets {
    path: PathBuf,
    tickets: Vec<Ticket>,
    /// When the next round of questions is due, since the start.
    due: Duration,
    /// How many were asked about in this round.
    asked: usize,
}

impl Tickets {
    /// Reads the file at `path`. A damaged one is put aside: the vendor knows its tickets. True if it was.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn open(path: PathBuf) -> io::Result<(Self, bool)> {
        let read = match presence::read(&path)? {
            Presence::Found(bytes) => serde_json::from_slice(&bytes).map_err(drop),
            Presence::Absent => Ok(Vec::new()),
        };
        let damaged = read.is_err();
        if damaged {
            // Only for looking at; it is written anew with the next ticket.
            let _ = std::fs::rename(&path, path.with_extension("damaged"));
        }
        Ok((Self { path, tickets: read.unwrap_or_default(), due: Duration::ZERO, asked: 0 }, damaged))
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
            state: reply.state,
        };
        self.tickets.push(ticket);
        self.save()
    }

    /// The vendor said how far `ticket` is, or nothing that is understood.
    pub fn heard(&mut self, ticket: &str, state: Option<TicketState>, elapsed: Duration) -> io::Result<()> {
        self.asked += 1;
        let mut done = false;
        for known in self.tickets.iter_mut().filter(|known| known.ticket == ticket) {
            done = state == Some(TicketState::Done);
            known.state = state.unwrap_or(known.state);
        }
        self.asked -= usize::from(done);
        if self.asked >= self.open_tickets().count() {
            (self.asked, self.due) = (0, elapsed + limits::TICKET_EVERY);
        }
        if done { self.save() } else { Ok(()) }
    }

    fn open_tickets(&self) -> impl Iterator<Item = &str> {
        let open = self.tickets.iter().filter(|ticket| ticket.state == TicketState::Open);
        open.map(|ticket| ticket.ticket.as_str())
    }

    fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.tickets).map_err(|_| io::ErrorKind::InvalidData)?;
        durable::replace(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Flag;
    use crate::consent::vendor_request::VendorRequest;

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
        tickets.heard("one", Some(TicketState::Done), start).unwrap();
        assert_eq!(tickets.next(start), Some("two"));
        tickets.heard("two", None, start).unwrap();
        assert_eq!(tickets.next(start), None, "not again in this round");
        let day = start + limits::TICKET_EVERY;
        assert_eq!((tickets.due(), tickets.next(day)), (Some(day), Some("two")));
        tickets.heard("two", Some(TicketState::Done), day).unwrap();
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

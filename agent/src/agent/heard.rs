//! What the collector answered: what it has for good is settled, everything else is kept.

use std::ops::Range;

use log::{info, warn};
use protocol::{Purpose, Reason};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::dispatch::{About, Answered, Line, Stream};
use super::{Agent, Trouble, connection, pause};
use crate::consent::vendor_request::VendorRequest;
use crate::ship::exchange::Outcome;
use crate::ship::pace::{Fate, Problem, Reply};
use crate::ship::parcel::Parcel;
use crate::ship::{routes, tus};
use crate::spool::Missing;
use crate::{durable, killpoint, limits};

impl Agent {
    /// Takes the answer: what the collector has for good is settled, everything else is kept.
    pub(super) fn heard(&mut self, answered: Answered) {
        let Answered { https, about, outcome } = answered;
        if matches!(self.dispatch.line, Line::InUse) {
            self.dispatch.line = Line::Free(https);
        }
        if let Ok(answer) = &outcome {
            if let Some((index, hash)) = answer.ledger_head() {
                self.book.compare_head(index, hash);
            }
            // What answers a renewal says nothing of the ledger, nor of wishes.
            if !matches!(about, About::Renewal) && (200..300).contains(&answer.status) {
                self.dispatch.head_known = true;
                self.note_wishes(answer, super::unix_now());
            }
        }
        let reply = about.reply(&outcome);
        self.note_contact(&reply, &outcome);
        let taken = match about {
            About::Batch(parcel, missing) => self.heard_of_batch(&parcel, &missing, reply),
            About::Request(numbers, request) => self.heard_of_request(numbers, &request, reply, &outcome),
            About::Ticket(ticket) => self.heard_of_ticket(&ticket, reply, &outcome),
            About::ConsentFirst(_) => {
                self.dispatch.consent_first = None;
                match reply {
                    Reply::Acknowledged { .. } => Ok(()),
                    reply => self.tell(Stream::Usage, reply, 0).map(drop),
                }
            }
            About::Head => self.tell(Stream::Usage, reply, 0).map(drop),
            About::Renewal => {
                self.heard_of_renewal(outcome);
                Ok(())
            }
            About::Bundle(stepping) => self.heard_of_bundle(&stepping, &outcome),
            About::Probe(stream) => self.tell(stream, reply, 0).map(drop),
        };
        if let Err(trouble) = taken {
            self.trouble("ship", &trouble);
        }
    }

    /// What `status` says of the way to the collector.
    fn note_contact(&mut self, reply: &Reply, outcome: &Outcome) {
        let what = match (outcome, reply) {
            (Err(failure), _) => failure.to_string(),
            (Ok(answer), Reply::Failed) => format!(
                "what answers is not the collector, or it does not work now (status {}): if this network asks \
                 for a login, log in; it is tried again",
                answer.status
            ),
            (Ok(_), _) => return self.problems.solved("collector"),
        };
        warn!("collector: {what}");
        self.problems.note("collector", what);
    }

    /// Tells the pace of `stream` what came of so many records, and people if it stops.
    pub(super) fn tell(&mut self, stream: Stream, reply: Reply, records: u32) -> Result<Fate, Trouble> {
        let (random, elapsed) = (self.random(), self.since_start());
        let pace = match stream {
            Stream::Usage => &mut self.dispatch.usage,
            Stream::Requests => &mut self.dispatch.requests,
            Stream::Bundles => &mut self.dispatch.bundles,
        };
        let told = if let Reply::Busy(told) = reply { Some(told) } else { None };
        let fate = pace.heard(reply, records, elapsed, random);
        if let Some(Err(e)) =
            told.map(|told| pause::keep(&stream.pause(&self.config), told, super::unix_now()))
        {
            warn!("the collector's pause is not remembered ({}): check the space of data_dir", e.kind());
        }
        if let Fate::Stop(problem) = &fate {
            warn!("collector: {problem}");
            if *problem == Problem::Retired {
                durable::replace(&connection::retired(&self.config), b"")?;
            }
        }
        Ok(fate)
    }

    fn heard_of_batch(&mut self, parcel: &Parcel, missing: &[Missing], reply: Reply) -> Result<(), Trouble> {
        let fate = self.tell(Stream::Usage, reply, parcel.records())?;
        let done = self.dispatch.progress.note(parcel, &fate);
        self.tally.note(match fate {
            Fate::Settle { .. } => "upload_ok",
            Fate::Reject(_) | Fate::Stop(_) => "upload_refused",
            Fate::Consent | Fate::Keep => "upload_retry",
        });
        if matches!(fate, Fate::Consent) {
            self.dispatch.consent_first = Some(parcel.consent());
        }
        killpoint::step("send.answered");
        if !done.given_up.is_empty() {
            self.usage.abandon(done.given_up, Reason::Rejected)?;
        }
        self.keep_sent(&done.settled)?;
        let told = missing.iter().take(done.gaps_told).map(|missing| missing.numbers.clone());
        let settled: Vec<Range<u64>> = done.settled.iter().cloned().chain(told).collect();
        if !settled.is_empty() {
            self.usage.settle(settled)?;
        }
        killpoint::step("send.settled");
        self.tally.drop(Reason::Rejected, done.rejected);
        if matches!(fate, Fate::Settle { .. }) {
            let bytes = parcel.bytes() as u64;
            self.tally.sent(
                Purpose::UsageStatistics.as_str(),
                done.accepted,
                bytes,
                utc_text(super::unix_now()),
            );
            info!("sent {} records of {}", parcel.records(), Purpose::UsageStatistics);
        }
        Ok(self.tally.save()?)
    }

    /// The newest of what the collector has now stays readable for a while, under its key.
    fn keep_sent(&mut self, settled: &[Range<u64>]) -> Result<(), Trouble> {
        let newest = settled.get(settled.len().saturating_sub(limits::SENT_ITEMS)..).unwrap_or_default();
        let Some(first) = newest.first() else { return Ok(()) };
        let mut held = self.usage.oldest(first.start, limits::SENT_ITEMS, limits::SENT_BYTES)?;
        held.retain(|sealed| newest.contains(&sealed.numbers()));
        self.sent.add(held);
        Ok(())
    }

    fn heard_of_ticket(&mut self, ticket: &str, reply: Reply, outcome: &Outcome) -> Result<(), Trouble> {
        self.tell(Stream::Requests, reply, 0)?;
        let state = routes::read_ticket(outcome).ok().map(|reply| reply.state);
        Ok(self.tickets.heard(ticket, state, self.since_start())?)
    }

    fn heard_of_request(
        &mut self,
        numbers: Range<u64>,
        request: &VendorRequest,
        reply: Reply,
        outcome: &Outcome,
    ) -> Result<(), Trouble> {
        if let VendorRequest::Privacy { kind, request } = request
            && let (_, Some(taken)) = routes::privacy_taken(outcome)
        {
            self.tickets.taken(*kind, request, taken, utc_text(super::unix_now()))?;
        }
        if let Fate::Settle { .. } = self.tell(Stream::Requests, reply, 1)? {
            killpoint::step("request.answered");
            self.requests.settle([numbers])?;
        }
        Ok(())
    }
}

impl About {
    /// What the outcome means to the pace.
    fn reply(&self, outcome: &Outcome) -> Reply {
        match self {
            Self::Batch(parcel, _) => parcel.reply(outcome),
            Self::Request(_, VendorRequest::Consent(entry)) | Self::ConsentFirst(entry) => {
                routes::consent_stored(outcome, *entry)
            }
            Self::Request(_, VendorRequest::Privacy { .. }) => routes::privacy_taken(outcome).0,
            Self::Ticket(_) => routes::read_ticket(outcome).map_or_else(|reply| reply, |_| Reply::Welcome),
            Self::Bundle(_) => tus::contact(outcome),
            Self::Probe(_) | Self::Head => routes::probed(outcome),
            Self::Renewal => routes::renewed(outcome),
        }
    }
}

/// RFC 3339, UTC.
pub(super) fn utc_text(now: i64) -> String {
    OffsetDateTime::from_unix_timestamp(now)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

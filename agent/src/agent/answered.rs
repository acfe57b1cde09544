//! Dispatch of responses: what the collector confirmed as durable is settled, everything else is kept.

use protocol::Digest;

use super::cases::upload::After;
use super::health::Subject;
use super::uplink::{About, Answered, Stream, note_contact};
use super::{Agent, Parts, Trouble};
use crate::consent::vendor_head;
use crate::consent::vendor_request::VendorRequest;
use crate::ship::exchange::Outcome;
use crate::ship::pace::{Fate, Reply};
use crate::ship::{routes, tus};

impl Agent {
    /// Takes the answer to a transfer.
    pub(super) fn take_answer(&mut self, answered: Answered) {
        let Answered { https, about, outcome } = answered;
        self.uplink.line.give_back(https);
        if let Ok(answer) = &outcome {
            let head = answer.ledger_head();
            let is_ours = head.is_none_or(|(index, hash)| self.note_head(index, hash));
            // What answers a renewal says nothing of the ledger, nor of what the vendor asks for.
            if !matches!(about, About::Renewal) && (200..300).contains(&answer.status) {
                let Parts { uplink, cx, .. } = self.parts();
                uplink.ledger_compared();
                uplink.invitations.note(&cx, answer);
                let Parts { requests, mut cx, .. } = self.parts();
                // The head that comes with a line is that line: what was known before it counts.
                let mut newest = head.map(|(index, _)| index);
                if let About::Request(_, VendorRequest::Consent(entry)) | About::ConsentFirst(entry) = &about
                    && let Some(expected) = routes::consent_expected(answer)
                {
                    requests.has(*entry);
                    newest = expected.checked_sub(1);
                }
                let (keys, news) = (&cx.config.vendor.keys, answer.news.as_deref());
                if let Err(e) = requests.news.offered(news, keys, cx.now) {
                    cx.trouble(Subject::Transfer, &e.into());
                }
                if is_ours && let Err(trouble) = requests.repeat_forgotten(&mut cx, newest) {
                    self.trouble(Subject::Transfer, &trouble);
                }
            }
        }
        let reply = meaning(&about, &outcome, self.registry.policy().residency());
        if matches!(about, About::Head(_) | About::Probe(_) | About::Contact) {
            self.uplink.note_place(&reply);
        }
        note_contact(&mut self.parts().cx, &reply, &outcome);
        match self.hand_over(about, reply, outcome) {
            Ok(()) => self.health.clear(Subject::Transfer),
            Err(trouble) => self.trouble(Subject::Transfer, &trouble),
        }
    }

    /// Whether the vendor's newest line of the ledger is one of ours. One that is ahead is kept for the next start.
    pub(super) fn note_head(&mut self, index: u64, hash: Digest) -> bool {
        let is_ours = self.registry.compare_head(index, hash);
        let kept = if is_ours { Ok(()) } else { vendor_head::keep(&self.config.data_dir, index, hash) };
        match kept {
            Ok(()) => self.health.clear(Subject::VendorHead),
            Err(e) => self.trouble(Subject::VendorHead, &e.into()),
        }
        is_ours
    }

    /// Gives the answer to the subsystem that it is for.
    fn hand_over(&mut self, about: About, reply: Reply, outcome: Outcome) -> Result<(), Trouble> {
        let Parts { uplink, usage, requests, cases, mut cx } = self.parts();
        match about {
            About::Batch(parcel, missing) => {
                let fate = uplink.tell(&mut cx, Stream::Usage, reply, parcel.records())?;
                if matches!(fate, Fate::Consent) {
                    uplink.consent_first = Some(parcel.consent());
                }
                usage.settle_batch(&mut cx, &parcel, &missing, &fate)
            }
            About::Request(numbers, request) => {
                let fate = uplink.tell(&mut cx, Stream::Requests, reply, 1)?;
                requests.answered(&cx, numbers, &request, &outcome, &fate)
            }
            About::Ticket(ticket) => {
                uplink.tell(&mut cx, Stream::Requests, reply, 0)?;
                // A vendor that was restored from a backup does not know the ticket: the request is sent again.
                let is_unknown = outcome.as_ref().is_ok_and(|answer| answer.status == 404);
                if is_unknown && let Some(request) = requests.tickets.again(&ticket) {
                    requests.put(&mut cx, request)?;
                }
                let said = routes::read_ticket(&outcome).ok();
                let (keys, device) = (&cx.config.vendor.keys, cx.vault.device());
                Ok(requests.tickets.answered(&ticket, said.as_ref(), keys, device, cx.elapsed)?)
            }
            About::News => {
                uplink.tell(&mut cx, Stream::Requests, reply, 0)?;
                if !routes::is_news_answered(&outcome) {
                    return Ok(());
                }
                let said = routes::read_news(&outcome).ok();
                let (keys, device) = (&cx.config.vendor.keys, cx.vault.device());
                Ok(requests.news.answered(said, keys, device, cx.now)?)
            }
            About::Part(fetch) => {
                uplink.tell(&mut cx, Stream::Requests, reply, 0)?;
                Ok(requests.answer.took(&fetch, &outcome, cx.elapsed)?)
            }
            About::ConsentFirst(_) => {
                // Cleared whatever the answer is: a collector that lacks the entry still names it again.
                uplink.consent_first = None;
                match reply {
                    Reply::Acknowledged { .. } => Ok(()),
                    reply => uplink.tell(&mut cx, Stream::Usage, reply, 0).map(drop),
                }
            }
            About::Renewal => {
                uplink.renewed(&mut cx, outcome);
                Ok(())
            }
            About::Bundle(stepping) => match cases.stepped(&mut cx, &stepping, &outcome)? {
                After::GoOn => {
                    uplink.goes_on(Stream::Bundles);
                    Ok(())
                }
                After::Tell(reply) => uplink.tell(&mut cx, Stream::Bundles, reply, 1).map(drop),
                After::TellAndGoOn(reply) => {
                    uplink.tell(&mut cx, Stream::Bundles, reply, 1)?;
                    uplink.goes_on(Stream::Bundles);
                    Ok(())
                }
            },
            About::Contact => {
                uplink.contacts.contacted(&cx, &reply);
                Ok(())
            }
            About::Head(stream) | About::Probe(stream) => uplink.tell(&mut cx, stream, reply, 0).map(drop),
        }
    }
}

/// What the outcome of a transfer means to its schedule. `place` is where the policy says that data is held.
fn meaning(about: &About, outcome: &Outcome, place: Option<&str>) -> Reply {
    match about {
        About::Batch(parcel, _) => parcel.reply(outcome),
        About::Request(_, VendorRequest::Consent(entry)) | About::ConsentFirst(entry) => {
            routes::consent_stored(outcome, *entry)
        }
        About::Request(_, VendorRequest::Privacy { .. }) => routes::privacy_taken(outcome).0,
        About::Ticket(_) => routes::read_ticket(outcome).map_or_else(|reply| reply, |_| Reply::Welcome),
        About::News => routes::news_asked(outcome),
        About::Part(fetch) => routes::part_taken(outcome, fetch.length()),
        About::Bundle(_) => tus::contact(outcome),
        About::Probe(_) | About::Head(_) | About::Contact => routes::probed(outcome, place),
        About::Renewal => routes::renewed(outcome),
    }
}

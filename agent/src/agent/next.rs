//! What goes next, opened under a fresh permit: a request of the clinic first, then bundles, then usage.

use std::ops::Range;
use std::time::Duration;

use protocol::Reason;

use super::dispatch::{About, Line, Stream, Transfer};
use super::{Agent, Trouble};
use crate::consent::permit::UsageStatistics;
use crate::consent::vendor_request::VendorRequest;
use crate::ship::exchange::Exchange;
use crate::ship::pace::{Reply, Step, Waiting};
use crate::ship::parcel::{Opened, Parcel};
use crate::ship::routes;
use crate::{killpoint, limits};

impl Agent {
    /// What goes now: a request of the clinic first, then, while permits live and no scan runs, bundles and usage.
    pub(super) fn next_transfer(&mut self, urgency: Waiting, now: i64) -> Result<Option<Transfer>, Trouble> {
        self.dispatch.due = None;
        if !matches!(self.dispatch.line, Line::Free(_)) {
            return Ok(None);
        }
        let elapsed = self.since_start();
        if !self.dispatch.ended && self.dispatch.life.is_some_and(|life| life.has_ended(now)) {
            self.dispatch.connect(&self.config, self.book.policy(), &self.vault, now)?;
        }
        let request = self.next_request(now)?;
        let ticket = self.tickets.next(elapsed);
        let ticket = ticket.and_then(|ticket| Some((ticket.to_owned(), routes::ticket(ticket)?)));
        if let Some(renewal) = self.next_renewal(now, request.is_some() || ticket.is_some()) {
            return Ok(Some(renewal));
        }
        if self.dispatch.ended {
            return Ok(None);
        }
        let waiting = if request.is_some() || ticket.is_some() { Waiting::Urgent } else { Waiting::Nothing };
        match (self.dispatch.requests.next(elapsed, waiting), request) {
            (Step::Send { .. }, Some((numbers, request, exchange))) => {
                return Ok(Some(Transfer { exchange, about: About::Request(numbers, request) }));
            }
            (Step::Send { .. }, None) => {
                if let Some((ticket, exchange)) = ticket {
                    return Ok(Some(Transfer { exchange, about: About::Ticket(ticket) }));
                }
            }
            (Step::Probe, _) => return Ok(Some(probe(Stream::Requests))),
            (Step::Wait(until), _) => self.due_at(until),
            _ => {}
        }
        if let Some(entry) = self.dispatch.consent_first
            && let Some(line) = self.book.sendable_line(entry, now)
        {
            let exchange = routes::consent(line);
            return Ok(Some(Transfer { exchange, about: About::ConsentFirst(entry) }));
        }
        if let Some(due) = self.tickets.due().filter(|due| *due > elapsed) {
            self.due_at(due);
        }
        if let Some(transfer) = self.next_bundle(now)? {
            return Ok(Some(transfer));
        }
        self.next_batch(urgency, elapsed, now)
    }

    pub(super) fn due_at(&mut self, at: Duration) {
        self.dispatch.due = Some(self.dispatch.due.map_or(at, |due| due.min(at)));
    }

    /// The oldest request that may leave. A consent that no longer stands has nothing to allow, and is let go; what waits
    /// for a key that was set aside goes on waiting.
    #[allow(clippy::type_complexity, reason = "what waits, what it says, how it goes")]
    fn next_request(&mut self, now: i64) -> Result<Option<(Range<u64>, VendorRequest, Exchange)>, Trouble> {
        let mut from = 0;
        while let Some(sealed) = self.requests.oldest(from, 1, limits::SEALED)?.pop() {
            from = sealed.numbers().end;
            let opened = sealed.open(&self.book.rights(), &self.vault);
            let exchange = match opened.as_ref().map(|clean| clean.get()) {
                Ok(VendorRequest::Consent(entry)) => {
                    self.book.sendable_line(*entry, now).map(routes::consent)
                }
                Ok(VendorRequest::Privacy { kind, request }) => Some(routes::privacy(*kind, request)),
                Err(_) => None,
            };
            match (opened, exchange) {
                (Ok(clean), Some(exchange)) => {
                    return Ok(Some((sealed.numbers(), clean.into_inner(), exchange)));
                }
                (Ok(clean), None) if self.may_leave_later(clean.get(), now) => {}
                (Ok(_), None) => self.requests.settle([sealed.numbers()])?,
                (Err(_), _) if self.vault.is_set_aside(sealed.key()) => {}
                (Err(_), _) => {
                    let lost = self.requests.abandon([sealed.numbers()], Reason::Damaged)?;
                    self.tally.drop(Reason::Damaged, lost);
                }
            }
        }
        Ok(None)
    }

    /// Whether a consent may leave once the clock or the registry is not in doubt any more.
    fn may_leave_later(&self, request: &VendorRequest, now: i64) -> bool {
        let is_steady = || self.look_at_clock(now).is_steady();
        matches!(request, VendorRequest::Consent(entry) if self.book.is_undecided(*entry, now, is_steady()))
    }

    fn next_batch(
        &mut self,
        urgency: Waiting,
        elapsed: Duration,
        now: i64,
    ) -> Result<Option<Transfer>, Trouble> {
        let busy = self.is_busy();
        let Some(permit) = self.book.permit::<UsageStatistics>(now) else { return Ok(None) };
        let waiting = if self.usage.waiting().records == 0 { Waiting::Nothing } else { urgency };
        if busy && waiting != Waiting::Nothing {
            let until = self.busy_until.unwrap_or(elapsed);
            self.due_at(until);
            return Ok(None);
        }
        let max_records = match self.dispatch.usage.next(elapsed, waiting) {
            Step::Send { max_records } => max_records,
            Step::Probe => return Ok(Some(probe(Stream::Usage))),
            Step::Wait(until) => {
                self.due_at(until);
                return Ok(None);
            }
            Step::Idle => return Ok(None),
        };
        if !self.dispatch.head_known {
            return Ok(Some(Transfer { exchange: routes::capabilities(), about: About::Head }));
        }
        let (mut opened, mut unreadable, mut records) = (Vec::new(), Vec::new(), 0);
        let mut from = 0;
        'pages: loop {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            for sealed in &page {
                match sealed.open(&permit, &self.vault) {
                    Ok(clean) => opened
                        .push(Opened { numbers: sealed.numbers(), batch: clean.into_inner().into_batch() }),
                    Err(_) if self.vault.is_set_aside(sealed.key()) => continue,
                    Err(_) => unreadable.push(sealed.numbers()),
                }
                records += sealed.records();
                if records >= max_records {
                    break 'pages;
                }
            }
        }
        let missing = self.usage.missing();
        let gaps: Vec<_> = missing.iter().map(|missing| missing.gap).collect();
        let packed = Parcel::pack(&opened, &gaps, &self.dispatch.progress, max_records, permit.lease());
        if !unreadable.is_empty() {
            let lost = self.usage.abandon(unreadable, Reason::Damaged)?;
            self.tally.drop(Reason::Damaged, lost);
            self.tally.save()?;
        }
        killpoint::step("send.packed");
        if packed.is_none() {
            let random = self.random();
            self.dispatch.usage.heard(Reply::Welcome, 0, elapsed, random);
        }
        Ok(packed.map(|(parcel, exchange)| Transfer { exchange, about: About::Batch(parcel, missing) }))
    }
}

pub(super) fn probe(stream: Stream) -> Transfer {
    Transfer { exchange: routes::capabilities(), about: About::Probe(stream) }
}

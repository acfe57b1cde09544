//! Order of sending, each under a fresh permit: requests of the clinic first, then bundles, then usage, which wait as long as
//! a request has not come.

use super::cx::Cx;
use super::health::Subject;
use super::uplink::{About, LedgerHead, Stream, Transfer, Uplink};
use super::{Agent, Parts, Trouble, Wake};
use crate::consent::permit::UsageStatistics;
use crate::ship::pace::{Reply, Step, Waiting};
use crate::ship::routes;

impl Agent {
    /// Starts the transfer that is due, if there is one.
    pub(super) fn start_transfer(&mut self) {
        if !self.uplink.is_free() {
            return self.uplink.not_due();
        }
        match self.next_transfer(Waiting::Usual) {
            Ok(Some(transfer)) => {
                let wakes = self.wakes.0.clone();
                let wake = move |answered| drop(wakes.send(Wake::Answered(Box::new(answered))));
                self.uplink.line.start(transfer, self.edges.transfers, wake);
            }
            Ok(None) => self.rest(),
            Err(trouble) => self.trouble(Subject::Transfer, &trouble),
        }
    }

    /// Sends everything that waits, here and now, until nothing is left or something asks to wait.
    pub(super) fn drain(&mut self) {
        // What is over is not sent any more.
        if self.usage.has_old()
            && let Err(trouble) = self.expire_all()
        {
            self.trouble(Subject::Expiry, &trouble);
        }
        loop {
            match self.next_transfer(Waiting::Urgent) {
                Ok(Some(transfer)) => match self.uplink.line.carry_out(transfer) {
                    Some(answered) => self.take_answer(answered),
                    None => break,
                },
                Ok(None) => break,
                Err(trouble) => return self.trouble(Subject::Transfer, &trouble),
            }
        }
        self.rest();
    }

    /// Nothing is due: nothing half-closed stays open until something is. Where nothing may leave at all, it is no problem
    /// that the collector did not answer.
    pub(super) fn rest(&mut self) {
        let Parts { uplink, usage, requests, mut cx, .. } = self.parts();
        uplink.line.rest();
        usage.rest(&mut cx);
        requests.rest(&mut cx);
        cx.health.clear(Subject::Transfer);
        if !cx.may_send() && requests.waiting().records == 0 {
            cx.health.clear(Subject::Collector);
            cx.health.clear(Subject::Certificate);
        }
    }

    /// What goes now: a request of the clinic first, then, while permits live and no scan runs, bundles and usage.
    fn next_transfer(&mut self, urgency: Waiting) -> Result<Option<Transfer>, Trouble> {
        let Parts { uplink, requests, mut cx, .. } = self.parts();
        if !uplink.is_ready(&mut cx)? {
            return Ok(None);
        }
        let request = requests.next(&mut cx)?;
        let ticket = requests.tickets.next(cx.elapsed);
        let ticket = ticket.and_then(|ticket| Some((ticket.to_owned(), routes::ticket(ticket)?)));
        let part = match (&request, &ticket) {
            (None, None) if cx.busy().is_none() => requests.answer.next(&requests.tickets, cx.elapsed)?,
            _ => None,
        };
        let asks = request.is_some() || ticket.is_some() || part.is_some();
        // An erasure reaches what the vendor has when it comes: what was said under a later yes must not be there before.
        let is_first = request.is_some();
        if let Some(renewal) = uplink.next_renewal(&cx, asks) {
            return Ok(Some(renewal));
        }
        if uplink.needs_renewal() {
            return Ok(None);
        }
        let news = requests.news.next(&cx.config.vendor.keys);
        let waiting = if asks || news.is_some() { Waiting::Urgent } else { Waiting::Nothing };
        match (uplink.next(Stream::Requests, cx.elapsed, waiting), request) {
            (Step::Send { .. }, Some(next)) => {
                let about = About::Request(next.numbers, next.request);
                return Ok(Some(Transfer { exchange: next.exchange, about }));
            }
            (Step::Send { .. }, None) => {
                if let Some((ticket, exchange)) = ticket {
                    return Ok(Some(Transfer { exchange, about: About::Ticket(ticket) }));
                }
                if let Some((fetch, exchange)) = part {
                    return Ok(Some(Transfer { exchange, about: About::Part(fetch) }));
                }
                if let Some(asked) = news {
                    requests.news.asking();
                    return Ok(Some(Transfer { exchange: routes::news(&asked), about: About::News }));
                }
            }
            (Step::Probe, _) => return Ok(Some(probe(Stream::Requests))),
            (Step::Wait(until), _) => uplink.due_at(until),
            _ => {}
        }
        if let Some(entry) = uplink.consent_first
            && let Some(line) = cx.registry.sendable_line(entry, cx.now)
        {
            let exchange = routes::consent(line);
            return Ok(Some(Transfer { exchange, about: About::ConsentFirst(entry) }));
        }
        if let Some(contact) = uplink.next_contact(&cx) {
            return Ok(Some(contact));
        }
        if let Some(due) = requests.answer.due(cx.elapsed) {
            uplink.due_at(due);
        }
        if let Some(due) = requests.tickets.due().filter(|due| *due > cx.elapsed) {
            uplink.due_at(due);
        }
        if is_first {
            return Ok(None);
        }
        if let Some(transfer) = self.next_bundle()? {
            return Ok(Some(transfer));
        }
        self.next_batch(urgency)
    }

    /// What goes now of the oldest bundle that may leave: at once, but not while a scan runs.
    fn next_bundle(&mut self) -> Result<Option<Transfer>, Trouble> {
        let Parts { uplink, cases, mut cx, .. } = self.parts();
        let due = cases.next_bundle(&cx);
        if let Some(again) = cases.next_try(cx.elapsed) {
            uplink.due_at(again);
        }
        if due.is_some() && is_held_up(uplink, &cx) {
            return Ok(None);
        }
        let waiting = if due.is_some() { Waiting::Urgent } else { Waiting::Nothing };
        match (uplink.next(Stream::Bundles, cx.elapsed, waiting), due) {
            (Step::Send { .. }, Some(_)) if !uplink.may_hold(cx.registry.policy()) => {
                Ok(Some(head(Stream::Bundles)))
            }
            (Step::Send { .. }, Some(id)) => match cases.next_step(&mut cx, &id) {
                Ok(Some((stepping, exchange))) => {
                    Ok(Some(Transfer { exchange, about: About::Bundle(stepping) }))
                }
                // It cannot be read: another one may go.
                unread => {
                    uplink.goes_on(Stream::Bundles);
                    unread.map(|_| None)
                }
            },
            (Step::Probe, _) => Ok(Some(probe(Stream::Bundles))),
            (Step::Wait(until), _) => {
                uplink.due_at(until);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn next_batch(&mut self, urgency: Waiting) -> Result<Option<Transfer>, Trouble> {
        let Parts { uplink, usage, mut cx, .. } = self.parts();
        if cx.registry.permit::<UsageStatistics>(cx.now).is_none() {
            return Ok(None);
        }
        let waiting = if usage.waiting_usage().records == 0 { Waiting::Nothing } else { urgency };
        if waiting != Waiting::Nothing && is_held_up(uplink, &cx) {
            return Ok(None);
        }
        let max_records = match uplink.next(Stream::Usage, cx.elapsed, waiting) {
            Step::Send { max_records } => max_records,
            Step::Probe => return Ok(Some(probe(Stream::Usage))),
            Step::Wait(until) => {
                uplink.due_at(until);
                return Ok(None);
            }
            Step::Idle => return Ok(None),
        };
        if uplink.ledger() == LedgerHead::Unknown || !uplink.may_hold(cx.registry.policy()) {
            return Ok(Some(head(Stream::Usage)));
        }
        // A batch that could not be read is asked for again.
        let batch = usage.next_batch(&mut cx, max_records).inspect_err(|_| uplink.goes_on(Stream::Usage));
        match batch? {
            Some((parcel, exchange, missing)) => {
                Ok(Some(Transfer { exchange, about: About::Batch(parcel, missing) }))
            }
            None => {
                uplink.tell(&mut cx, Stream::Usage, Reply::Welcome, 0)?;
                Ok(None)
            }
        }
    }
}

/// Whether a scan runs: then it goes when the scan lets go.
fn is_held_up(uplink: &mut Uplink, cx: &Cx<'_>) -> bool {
    let busy = cx.busy();
    if let Some(until) = busy {
        uplink.due_at(until);
    }
    busy.is_some()
}

fn head(stream: Stream) -> Transfer {
    Transfer { exchange: routes::capabilities(), about: About::Head(stream) }
}

fn probe(stream: Stream) -> Transfer {
    Transfer { exchange: routes::capabilities(), about: About::Probe(stream) }
}

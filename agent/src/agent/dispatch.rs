//! From the trays to the window: what may leave is opened under a fresh permit, sent by a thread that ends with its
//! answer, and settled when the collector has it.

use std::ops::Range;
use std::time::Duration;

use log::{error, warn};
use protocol::{Digest, Reason};
use ring::rand::SecureRandom;

use super::bundles::{Sending, Stepping};
use super::renewal::Life;
use super::{Agent, Trouble, Wake, connection};
use crate::config::Config;
use crate::consent::permit::UsageStatistics;
use crate::consent::vendor_request::VendorRequest;
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::https::{Https, Settings};
use crate::ship::pace::{Pace, Problem, Reply, Step, Waiting};
use crate::ship::parcel::{Opened, Parcel, Progress};
use crate::ship::routes;
use crate::spool::Missing;
use crate::vault::Vault;
use crate::{killpoint, limits};

/// What is known about sending.
pub(super) struct Dispatch {
    pub(super) usage: Pace,
    pub(super) requests: Pace,
    pub(super) bundles: Pace,
    pub(super) sending: Option<Sending>,
    pub(super) progress: Progress,
    pub(super) line: Line,
    /// A ledger entry that the collector asked for before it takes the batch again.
    pub(super) consent_first: Option<Digest>,
    /// The collector said which of the ledger's lines is its newest, since the start.
    pub(super) head_known: bool,
    /// How long the certificate holds, where it is known.
    pub(super) life: Option<Life>,
    /// The certificate has ended: nothing goes before its renewal.
    ended: bool,
    /// When a renewal that failed is tried again, since the start.
    pub(super) renew_again: Option<Duration>,
    /// When the next transfer is due, since the start.
    due: Option<Duration>,
}

/// The one connection outwards.
pub(super) enum Line {
    /// Nobody enrolled this device.
    NotEnrolled,
    /// The settings can't be used; why.
    Unusable(String),
    /// Free.
    Free(Box<Https>),
    /// A thread has it.
    InUse,
}

/// Something on its way.
pub(super) struct Transfer {
    pub(super) exchange: Exchange,
    pub(super) about: About,
}

/// What it is.
pub(super) enum About {
    Batch(Parcel, Vec<Missing>),
    Request(Range<u64>, VendorRequest),
    ConsentFirst(Digest),
    Renewal,
    /// How far the request of this ticket is.
    Ticket(String),
    /// What the collector's newest ledger line is, before anything is sent for the first time since the start.
    Head,
    Bundle(Stepping),
    Probe(Stream),
}

#[derive(Clone, Copy)]
pub(super) enum Stream {
    Usage,
    Requests,
    Bundles,
}

/// What came of it, with the connection back.
pub(crate) struct Answered {
    pub(super) https: Box<Https>,
    pub(super) about: About,
    pub(super) outcome: Outcome,
}

impl Dispatch {
    /// Nothing sent yet.
    pub(super) fn new(config: &Config, random: u64) -> Self {
        Self {
            usage: Pace::new(config.ship.interval, random),
            requests: Pace::new(Duration::ZERO, random),
            bundles: Pace::new(Duration::ZERO, random),
            sending: None,
            progress: Progress::default(),
            line: Line::NotEnrolled,
            consent_first: None,
            head_known: false,
            life: None,
            ended: false,
            renew_again: None,
            due: None,
        }
    }

    /// Uses the certificate, if there is one. One that has ended is not shown: TLS would refuse it.
    pub(super) fn connect(&mut self, config: &Config, vault: &Vault, now: i64) {
        self.life = Life::read(config);
        self.ended = self.life.is_some_and(|life| life.has_ended(now));
        self.line = match connection::settings(config, vault) {
            _ if connection::retired(config).exists() => Line::Unusable(Problem::Retired.to_string()),
            Ok(settings) if settings.identity.is_none() => Line::NotEnrolled,
            Ok(settings) => {
                match Https::new(Settings { identity: settings.identity.filter(|_| !self.ended), ..settings })
                {
                    Ok(https) => Line::Free(Box::new(https)),
                    Err(e) => Line::Unusable(e.to_string()),
                }
            }
            Err(what) => Line::Unusable(what),
        };
        if let Line::Unusable(what) = &self.line {
            error!("nothing can be sent: {what}");
        }
        self.usage.resume();
        self.requests.resume();
        self.bundles.resume();
    }

    /// Whether there is a certificate that can be used.
    pub(super) fn is_enrolled(&self) -> bool {
        matches!(self.line, Line::Free(_) | Line::InUse)
    }

    /// Whether something is on its way.
    pub(super) fn in_flight(&self) -> bool {
        matches!(self.line, Line::InUse)
    }

    /// Another entry may be asked for now.
    pub(super) fn consent_changed(&mut self) {
        self.consent_first = None;
        self.usage.resume();
        self.bundles.resume();
    }

    /// For `status`.
    pub(super) fn problems(&self) -> Vec<String> {
        let line = match &self.line {
            Line::Unusable(what) => Some(what.clone()),
            _ => None,
        };
        let paces = [self.usage.problem(), self.requests.problem(), self.bundles.problem()];
        let mut problems: Vec<String> =
            paces.into_iter().flatten().map(|problem| problem.to_string()).collect();
        problems.dedup();
        line.into_iter().chain(problems).collect()
    }
}

impl Agent {
    /// Starts the transfer that is due, if there is one.
    pub(super) fn start_transfer(&mut self, now: i64) {
        if !matches!(self.dispatch.line, Line::Free(_)) {
            self.dispatch.due = None;
            return;
        }
        let transfer = match self.next_transfer(Waiting::Usual, now) {
            Ok(transfer) => transfer,
            Err(trouble) => return self.trouble("ship", &trouble),
        };
        match (transfer, std::mem::replace(&mut self.dispatch.line, Line::InUse)) {
            (Some(Transfer { exchange, about }), Line::Free(mut https)) => {
                let wakes = self.wakes.0.clone();
                std::thread::spawn(move || {
                    let outcome = https.exchange(&exchange);
                    let _ = wakes.send(Wake::Answered(Box::new(Answered { https, about, outcome })));
                });
            }
            (_, line) => {
                self.dispatch.line = line;
                self.rest();
            }
        }
    }

    /// Sends everything that waits, here and now, until nothing is left or something asks to wait.
    pub(super) fn drain(&mut self) {
        loop {
            let transfer = match self.next_transfer(Waiting::Urgent, super::unix_now()) {
                Ok(Some(transfer)) => transfer,
                Ok(None) => break,
                Err(trouble) => return self.trouble("ship", &trouble),
            };
            let Line::Free(mut https) = std::mem::replace(&mut self.dispatch.line, Line::InUse) else {
                break;
            };
            let outcome = https.exchange(&transfer.exchange);
            self.heard(Answered { https, about: transfer.about, outcome });
        }
        self.rest();
    }

    /// When a transfer is due of itself, since the start.
    pub(super) fn transfer_deadline(&self) -> Option<Duration> {
        self.dispatch.due
    }

    /// Nothing half-closed stays open between two drains.
    fn rest(&mut self) {
        if let Line::Free(https) = &mut self.dispatch.line {
            https.rest();
        }
        self.usage.rest();
        self.open.rest();
        self.requests.rest();
        if let Err(e) = self.retire_keys() {
            warn!("an old key file cannot be erased ({}): check the rights of data_dir", e.kind());
        }
    }

    /// What goes now: a request of the clinic first, then, while permits live and no scan runs, bundles and usage.
    fn next_transfer(&mut self, urgency: Waiting, now: i64) -> Result<Option<Transfer>, Trouble> {
        self.dispatch.due = None;
        if !matches!(self.dispatch.line, Line::Free(_)) {
            return Ok(None);
        }
        let elapsed = self.since_start();
        if !self.dispatch.ended && self.dispatch.life.is_some_and(|life| life.has_ended(now)) {
            self.dispatch.connect(&self.config, &self.vault, now);
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
            && let Some(line) = self.book.line(entry)
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

    /// The oldest request that may leave. A consent that no longer stands has nothing to allow, and is let go.
    #[allow(clippy::type_complexity, reason = "what waits, what it says, how it goes")]
    fn next_request(&mut self, now: i64) -> Result<Option<(Range<u64>, VendorRequest, Exchange)>, Trouble> {
        while let Some(sealed) = self.requests.oldest(0, 1, limits::SEALED)?.pop() {
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
                (Ok(_), None) => self.requests.settle([sealed.numbers()])?,
                (Err(_), _) => {
                    let lost = self.requests.abandon([sealed.numbers()], Reason::Damaged)?;
                    self.tally.drop(Reason::Damaged, lost);
                }
            }
        }
        Ok(None)
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

    /// For jitter.
    pub(super) fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // Jitter only: without randomness a fleet is less spread, nothing else.
        let _ = self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

pub(super) fn probe(stream: Stream) -> Transfer {
    Transfer { exchange: routes::capabilities(), about: About::Probe(stream) }
}

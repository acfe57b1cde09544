//! The uplink: one connection, one transfer at a time, on a thread that ends with the response.
//!
//! The loop asks the schedule which stream may send, gets the exchange from the subsystem whose data it is, and hands the
//! answer back to it. Nothing here knows what is inside a record.
//!
//! ```text
//! run loop                            uplink                       thread of one transfer          collector
//! --------                            ------                       ----------------------          ---------
//! which stream is due? -- Pace -----> Line::Free --- Transfer ---> POST, PUT or PATCH over TLS ---> checks, stores
//! usage, requests, cases: settle <--- Pace, problems <- Answered - status, digest, Retry-After <--- answer
//! ```
//!
//! `retry-after.usage`, `.requests` and `.bundles` keep over a restart how long the collector asked to wait. A change of
//! consent ends a transfer in flight, and its answer counts for nothing.

pub(super) mod connection;
mod contact;
mod invitations;
mod line;
mod pause;
mod renewal;
mod transfer;

use std::io;
use std::time::Duration;

use log::{error, warn};
use protocol::Digest;

pub use renewal::certificate_life;
pub(crate) use transfer::Answered;
pub(super) use transfer::Stream;
pub(super) use transfer::{About, Transfer};

use super::Trouble;
use super::cx::Cx;
use super::health::{Cause, Subject};
use crate::config::Config;
use crate::consent::Policy;
use crate::ship::exchange::Outcome;
use crate::ship::https::Settings;
use crate::ship::pace::{Fate, Pace, Problem, Reply, Step, Waiting};
use crate::texts::{Said, Text};
use crate::{durable, presence};
use contact::Contacts;
use invitations::Invitations;
use line::Line;
use renewal::{Certificate, Life};

/// What is known about sending.
pub(super) struct Uplink {
    usage: Pace,
    requests: Pace,
    bundles: Pace,
    pub(super) line: Line,
    /// A ledger entry that the collector asked for before it takes the batch again.
    pub(super) consent_first: Option<Digest>,
    ledger: LedgerHead,
    place: Place,
    certificate: Certificate,
    /// When a renewal that failed is tried again, since the start.
    renew_again: Option<Duration>,
    /// When the next transfer is due, since the start.
    due: Option<Duration>,
    pub(super) invitations: Invitations,
    pub(super) contacts: Contacts,
}

/// Whether the collector said since the start which line of the ledger is its newest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LedgerHead {
    Unknown,
    Compared,
}

/// Whether the collector said since the start that it holds data where the policy says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Unknown,
    Compared,
}

impl Uplink {
    /// Nothing sent yet.
    ///
    /// # Errors
    /// What the collector asked to wait for, or for which bundles, cannot be read now.
    pub(super) fn new(config: &Config, random: u64, now: i64) -> io::Result<Self> {
        let pace = |stream: Stream, interval| -> io::Result<Pace> {
            let mut pace = Pace::new(interval, random);
            pace.not_before(pause::left(&stream.pause(config), now)?);
            Ok(pace)
        };
        Ok(Self {
            usage: pace(Stream::Usage, config.ship.interval)?,
            requests: pace(Stream::Requests, Duration::ZERO)?,
            bundles: pace(Stream::Bundles, Duration::ZERO)?,
            line: Line::NotEnrolled,
            consent_first: None,
            ledger: LedgerHead::Unknown,
            place: Place::Unknown,
            certificate: Certificate::Unknown,
            renew_again: None,
            due: None,
            invitations: Invitations::open(config)?,
            contacts: Contacts::default(),
        })
    }

    /// Uses the certificate, if there is one. One that has ended is not shown: TLS would refuse it.
    ///
    /// # Errors
    /// The certificate, or what is kept beside it, cannot be read now: nothing was changed.
    pub(super) fn connect(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        let config = cx.config;
        let life = Life::read(config)?;
        let is_retired = presence::is_there(&connection::retired(config))?;
        let identity = connection::identity(config, cx.vault)?;
        self.certificate = match life {
            None => Certificate::Unknown,
            Some(life) if life.has_ended(cx.now) => Certificate::Ended(life),
            Some(life) => Certificate::Valid(life),
        };
        let has_ended = self.certificate.has_ended();
        self.line = match connection::settings(config, cx.registry.policy(), identity) {
            _ if is_retired => Line::Unusable(Problem::Retired.said()),
            Ok(settings) if settings.identity.is_none() => Line::NotEnrolled,
            Ok(settings) => {
                let identity = settings.identity.filter(|_| !has_ended);
                match (cx.edges.connect)(Settings { identity, ..settings }) {
                    Ok(https) => Line::Free(https),
                    Err(e) => Line::Unusable(e.said()),
                }
            }
            Err(what) => Line::Unusable(what),
        };
        if let Line::Unusable(what) = &self.line {
            error!("nothing can be sent: {what}");
        }
        self.place = Place::Unknown;
        self.usage.resume();
        self.requests.resume();
        self.bundles.resume();
        cx.health.clear(Subject::Connection);
        if !has_ended {
            cx.health.clear(Subject::Certificate);
        }
        Ok(())
    }

    /// Whether there is a certificate that can be used.
    pub(super) fn is_enrolled(&self) -> bool {
        matches!(self.line, Line::Free(_) | Line::InUse)
    }

    /// Whether nobody enrolled this device.
    pub(super) fn is_unenrolled(&self) -> bool {
        matches!(self.line, Line::NotEnrolled)
    }

    /// Whether something is on its way.
    pub(super) fn in_flight(&self) -> bool {
        matches!(self.line, Line::InUse)
    }

    /// Whether a transfer could start.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.line, Line::Free(_))
    }

    /// Nothing is due of itself: an answer or an enrolment comes first.
    pub(super) fn not_due(&mut self) {
        self.due = None;
    }

    /// Whether a transfer can start now; begins a new look at what is due. A certificate that has just ended is no
    /// longer shown.
    pub(super) fn is_ready(&mut self, cx: &mut Cx<'_>) -> io::Result<bool> {
        self.due = None;
        if !self.is_free() {
            return Ok(false);
        }
        if let Certificate::Valid(life) = self.certificate
            && life.has_ended(cx.now)
        {
            self.connect(cx)?;
        }
        Ok(true)
    }

    /// Whether only a renewal may go.
    pub(super) fn needs_renewal(&self) -> bool {
        self.certificate.has_ended()
    }

    /// What the schedule of `stream` says now.
    pub(super) fn next(&mut self, stream: Stream, elapsed: Duration, waiting: Waiting) -> Step {
        self.pace(stream).next(elapsed, waiting)
    }

    /// The stream goes on at once: the answer said nothing about the collector's state.
    pub(super) fn goes_on(&mut self, stream: Stream) {
        self.pace(stream).goes_on();
    }

    fn pace(&mut self, stream: Stream) -> &mut Pace {
        match stream {
            Stream::Usage => &mut self.usage,
            Stream::Requests => &mut self.requests,
            Stream::Bundles => &mut self.bundles,
        }
    }

    /// Another entry may be asked for now.
    pub(super) fn consent_changed(&mut self) {
        self.consent_first = None;
        self.usage.resume();
        self.bundles.resume();
    }

    /// The contact that is due, of those that a person asked for.
    pub(super) fn next_contact(&mut self, cx: &Cx<'_>) -> Option<Transfer> {
        let due = self.contacts.due(cx)?;
        if due > cx.elapsed {
            self.due_at(due);
            return None;
        }
        Some(contact::contact())
    }

    /// Whether the collector said which line of the ledger is its newest.
    pub(super) fn ledger(&self) -> LedgerHead {
        self.ledger
    }

    /// It said so.
    pub(super) fn ledger_compared(&mut self) {
        self.ledger = LedgerHead::Compared;
    }

    /// Whether the collector may hold data: the policy names no place, or the collector said that it is there.
    pub(super) fn may_hold(&self, policy: &Policy) -> bool {
        policy.residency().is_none() || self.place == Place::Compared
    }

    /// It answered, of whatever else it was asked, where it holds data. One that moved is asked again before anything goes.
    pub(super) fn note_place(&mut self, reply: &Reply) {
        match reply {
            Reply::Welcome => self.place = Place::Compared,
            Reply::Elsewhere => self.place = Place::Unknown,
            _ => {}
        }
    }

    /// Something is due then, since the start.
    pub(super) fn due_at(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When a transfer is due, since the start.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Tells the schedule of `stream` what came of so many records, and people if it stops.
    pub(super) fn tell(
        &mut self,
        cx: &mut Cx<'_>,
        stream: Stream,
        reply: Reply,
        records: u32,
    ) -> Result<Fate, Trouble> {
        let has_retry_after = matches!(reply, Reply::Busy(_));
        let (elapsed, jitter) = (cx.elapsed, cx.jitter());
        let fate = self.pace(stream).apply(reply, records, elapsed, jitter);
        let pause = self.pace(stream).pause(elapsed);
        if has_retry_after && let Err(e) = pause::keep(&stream.pause(cx.config), pause, cx.now) {
            warn!("the collector's pause is not remembered ({}): check the space of data_dir", e.kind());
        }
        if let Fate::Stop(problem) = &fate {
            warn!("collector: {problem}");
            if *problem == Problem::Retired {
                durable::replace(&connection::retired(cx.config), b"")?;
            }
        }
        Ok(fate)
    }

    /// For `status`: why nothing goes.
    pub(super) fn problems(&self) -> Vec<Said> {
        let line = match &self.line {
            Line::Unusable(what) => Some(what.clone()),
            _ => None,
        };
        let paces = [self.usage.problem(), self.requests.problem(), self.bundles.problem()];
        let mut problems: Vec<Said> = paces.into_iter().flatten().map(|problem| problem.said()).collect();
        problems.dedup();
        line.into_iter().chain(problems).collect()
    }
}

/// Raises or clears what `status` says of the collector.
pub(super) fn note_contact(cx: &mut Cx<'_>, reply: &Reply, outcome: &Outcome) {
    let what = match (outcome, reply) {
        (Err(failure), _) => failure.said(),
        (Ok(answer), Reply::Failed) => Cause::NotACollector { status: answer.status }.said(),
        (Ok(_), _) => return cx.health.clear(Subject::Collector),
    };
    warn!("collector: {what}");
    cx.raise(Subject::Collector, &what);
}

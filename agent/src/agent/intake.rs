//! Intake's part of a turn: when the outbox is looked into, and who gets what lies there.

use std::time::Duration;

use protocol::Reason;

use super::consents::Consents;
use super::health::Subject;
use super::usage::{Beside, Look, Taken};
use super::watch::Arrival;
use super::{Agent, Parts, Trouble};
use crate::consent::permit::UsageStatistics;
use crate::consent::{Kept, Standing};
use crate::limits;

/// When the outbox is looked into, since the start.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Something came, or there is more.
    outbox: Option<Duration>,
    /// So much came whole that it is taken at once.
    arrived: Option<Duration>,
    /// Although nothing was reported.
    pub(super) sweep: Duration,
    /// Whether usage was allowed in the last turn.
    was_allowed: bool,
}

impl Looks {
    /// The next look is then, since the start.
    pub(super) fn look_at(&mut self, then: Duration) {
        self.outbox = Some(then);
    }

    /// Something arrived at `now`.
    pub(super) fn note(&mut self, arrival: Arrival, now: Duration) {
        self.outbox.get_or_insert(now + limits::OUTBOX_DELAY);
        if arrival == Arrival::Enough {
            self.arrived = Some(now);
        }
    }

    /// When the next look is due, as far as something was reported.
    pub(super) fn next(&self) -> Option<Duration> {
        self.outbox.into_iter().chain(self.arrived).min()
    }
}

impl Agent {
    /// Looks into the outbox, if that is due.
    pub(super) fn look_into_outbox(&mut self) {
        self.look_after_a_pause();
        if self.looks.sweep <= self.since_start() {
            self.looks.sweep = self.since_start() + self.sweep_every();
            self.looks.outbox = self.looks.outbox.or(Some(self.since_start()));
        }
        if self.looks.outbox.is_some_and(|due| due <= self.since_start()) {
            self.looks.outbox = self.take_some(Look::All).then(|| self.since_start());
        } else if self.looks.arrived.take().is_some() && self.take_some(Look::Renamed) {
            self.looks.arrived = Some(self.since_start());
        }
    }

    /// Where usage may be read and sent again since the last turn, for whatever reason: this one reads the outbox, and what
    /// waited for longer than the policy lets it goes before anything is sent.
    fn look_after_a_pause(&mut self) {
        let is_allowed = self.registry.permit::<UsageStatistics>(self.now()).is_some();
        if is_allowed && !self.looks.was_allowed {
            self.looks.outbox = Some(self.since_start());
            self.expiry_due = self.since_start();
        }
        self.looks.was_allowed = is_allowed;
    }

    /// Takes in all that is there, and closes the periods that are over; with `close` all of them.
    pub(super) fn take_all(&mut self, close: bool) -> Result<(), Trouble> {
        while self.take_outbox(Look::All)? {}
        let Parts { usage, mut cx, .. } = self.parts();
        usage.close_periods(&mut cx, close)
    }

    /// One group of the outbox; true if there is more.
    pub(super) fn take_some(&mut self, look: Look) -> bool {
        match self.take_outbox(look) {
            Ok(more) => {
                self.health.clear(Subject::Intake);
                more
            }
            Err(trouble) => {
                let is_own = matches!(trouble, Trouble::History(_));
                self.trouble(if is_own { Subject::History } else { Subject::Intake }, &trouble);
                false
            }
        }
    }

    /// Takes in what fits one commit, and does what it makes due. False when nothing is left that can be taken now.
    pub(super) fn take_outbox(&mut self, look: Look) -> Result<bool, Trouble> {
        let (standing, effects) = self.with_consents(Consents::look_again);
        self.follow(effects)?;
        let Parts { usage, mut cx, .. } = self.parts();
        match standing {
            Standing::Kept(kept) => {
                // The clinic's own history does not rest, and what the clock or the registry says of it is no doubt.
                let is_read =
                    matches!(kept, Kept::Restricted | Kept::StalePolicy) && usage.read_own(&mut cx)?;
                Ok(usage.keep_outbox(&mut cx)? || is_read)
            }
            Standing::Refused if !usage.keeps_history() => usage.discard_some(&mut cx, Reason::NoConsent),
            Standing::Refused | Standing::Granted => match usage.take_outbox(&mut cx, look)? {
                Taken::Nothing => Ok(false),
                Taken::Group { more } => {
                    self.keep_in_order();
                    Ok(more)
                }
            },
        }
    }

    /// Lines from the local socket or the command line. What is answered with success is durable.
    pub(super) fn take_lines(&mut self, lines: &[&[u8]]) -> Vec<Result<(), Reason>> {
        let Parts { usage, mut cx, .. } = self.parts();
        let answers = usage.take_lines(&mut cx, lines);
        // To keep order is to walk the spool: a group of requests alone changed nothing in it.
        if answers.iter().any(Result::is_ok) {
            self.keep_in_order();
        }
        answers
    }

    /// Does what a commit makes due in the queues.
    pub(super) fn keep_in_order(&mut self) {
        let in_flight = self.uplink.in_flight();
        let Parts { usage, requests, mut cx, .. } = self.parts();
        let disk_bytes = usage.wants_disk_bytes(&cx).then(|| requests.disk_bytes()).transpose();
        match disk_bytes {
            Ok(disk_bytes) => usage.keep_in_order(&mut cx, Beside { disk_bytes, in_flight }),
            Err(error) => cx.trouble(Subject::Upkeep, &error.into()),
        }
    }
}

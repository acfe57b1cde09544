//! The schedule of one stream: when it may send how much, and what a response means for queued data.
//!
//! Pure: the run loop asks [`Pace::next`], does what it says, and reports with [`Pace::apply`]. Time is
//! counted from the process's start on a clock that never jumps; randomness is handed in.

use std::time::Duration;

use protocol::envelope::MAX_RECORDS;

use crate::limits;

/// What the queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing: a drain is over.
    Nothing,
    /// Something that goes with the next interval.
    Usual,
    /// Something that goes now: a "no" of the clinic, a person at the command line. Overrides the
    /// interval, never a pause that an error or the collector asked for.
    Urgent,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until something else happens.
    Idle,
    /// Nothing, until this time.
    Wait(Duration),
    /// Send one batch of at most so many records. Nothing more is sent until its response arrives.
    Send {
        /// At least one.
        max_records: u32,
    },
    /// Ask for the capabilities, without a payload: whether the collector takes this device again.
    Probe,
}

/// An answer, as far as the pace is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The collector holds the first `records` of the batch, or refused them for good (`rejected`).
    Acknowledged {
        /// From the front of the batch; at least one.
        records: u32,
        /// Sequence numbers among them that it refused.
        rejected: Vec<u64>,
    },
    /// A probe was answered as it should be.
    Welcome,
    /// 400, 422: the batch as a whole was refused because of these records; empty if it didn't say.
    Refused {
        /// Sequence numbers of the batch.
        rejected: Vec<u64>,
    },
    /// 401, 403, or the client certificate was refused.
    Unauthorised,
    /// 403, because the collector knows of a later "no" than this device.
    ConsentRefused,
    /// 409: the collector has another content under this name.
    Conflict,
    /// 410: the device is retired.
    Retired,
    /// 413.
    TooLarge,
    /// 415, 426: it reads no envelope that this program writes.
    Unsupported,
    /// It holds data in another place than the policy names.
    Elsewhere,
    /// 428: it does not know the consent entry that the batch rests on.
    ConsentRequired,
    /// 429, 503 with a time to come back at.
    Busy(Duration),
    /// Everything else: no answer, another status, a page of a captive portal.
    Failed,
}

/// What becomes of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The first `records` of the batch are settled; `rejected` among them are counted as such.
    Settle {
        /// From the front of the batch.
        records: u32,
        /// Sequence numbers.
        rejected: Vec<u64>,
    },
    /// These records are given up: counted, and reported as a gap. The rest is sent again.
    Reject(Vec<u64>),
    /// The consent entry goes first, then the batch again.
    Consent,
    /// Everything is kept; [`Pace::next`] says when to go on.
    Keep,
    /// Everything is kept and nothing is sent any more; `status` shows why.
    Stop(Problem),
}

/// Why a stream stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The device is not known, or was revoked.
    Unauthorised,
    /// The collector knows of a later "no" of the clinic.
    ConsentRefused,
    /// The collector said once that the device was retired. It is asked again, because one answer may be a mistake.
    RetiredOnce,
    /// The device was retired for good.
    Retired,
    /// The collector holds another content under the name of a batch.
    Conflict,
    /// The collector reads no envelope that this program writes.
    Unsupported,
    /// The collector holds data in another place than the policy names.
    Elsewhere,
    /// The collector refuses record after record and takes none.
    RefusesAll,
}

crate::texts! { Problem {
    Self::Unauthorised =>
        "the collector refuses this device: enrol it again with a new token; nothing is sent until then",
        "leverandørens server afviser enheden: tilmeld den igen med en ny engangskode; indtil da sendes intet";
    Self::ConsentRefused =>
        "the collector knows of a later withdrawal or restriction than this device: ask the clinic and grant again",
        "leverandørens server kender en senere tilbagekaldelse eller begrænsning end enheden: spørg klinikken, og giv samtykke igen";
    Self::RetiredOnce =>
        "the collector says that it has retired this device: nothing is sent, and it is asked once more in an hour",
        "leverandørens server oplyser, at enheden er taget ud af brug: intet sendes, og den spørges igen om en time";
    Self::Retired =>
        "the collector has retired this device: decommission the agent",
        "leverandørens server har taget enheden ud af brug: tag agenten ud af brug";
    Self::Conflict =>
        "the collector has different content under this batch's name: a disk was cloned or restored; inform the vendor",
        "leverandørens server har et andet indhold under samme navn: en disk er klonet eller gendannet; giv leverandøren besked";
    Self::Unsupported =>
        "the collector cannot read batches of this version: update the agent, or inform the vendor",
        "leverandørens server kan ikke læse data fra denne version: opdatér agenten, eller giv leverandøren besked";
    Self::Elsewhere =>
        "the collector holds data in another place than the policy allows, so neither usage nor bundles are sent to it: inform the vendor",
        "leverandørens server opbevarer data et andet sted, end politikken tillader, så hverken statistik eller pakker sendes til den: giv leverandøren besked";
    Self::RefusesAll =>
        "the collector rejected several records in a row and accepted none: queued data is kept; inform the vendor",
        "leverandørens server har afvist flere poster i træk og ikke taget imod nogen: data i køen bevares; giv leverandøren besked";
} }

impl Problem {
    /// Whether the collector may change its mind, and is asked again, without a payload.
    fn may_pass(self) -> bool {
        matches!(self, Self::Unauthorised | Self::Unsupported | Self::Elsewhere | Self::RetiredOnce)
    }
}

/// The pace of one stream. One batch is in flight at a time.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    /// When the next drain begins of itself.
    due: Duration,
    /// Nothing goes before, however urgent.
    not_before: Duration,
    phase: Phase,
    failures: u32,
    /// Most records of one batch; the collector's 413 and 409 lower it.
    ceiling: u32,
    /// So many of the next records hold one that the collector refuses; 0 if none is suspected.
    suspects: u32,
    refusals: u32,
    consents: u32,
    standing: Standing,
}

/// Where a drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was sent since the last drain was over.
    Resting,
    /// Something was answered, and more may follow at once.
    Draining,
    /// Something is on its way.
    InFlight,
}

/// Whether the stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Sound,
    /// It goes on, and `status` shows this.
    Alarmed(Problem),
    /// It stands still because of this.
    Stopped(Problem),
}

impl Standing {
    fn problem(self) -> Option<Problem> {
        match self {
            Self::Sound => None,
            Self::Alarmed(problem) | Self::Stopped(problem) => Some(problem),
        }
    }
}

impl Pace {
    /// A stream that drains every `interval` (zero: at once) and a tenth at random. The first drain is within
    /// minutes, because a workstation that is on for four hours a day must get its turn.
    pub fn new(interval: Duration, random: u64) -> Self {
        Self {
            interval,
            due: share(random, interval.min(limits::START_SPREAD)),
            not_before: Duration::ZERO,
            phase: Phase::Resting,
            failures: 0,
            ceiling: MAX_RECORDS as u32,
            suspects: 0,
            refusals: 0,
            consents: 0,
            standing: Standing::Sound,
        }
    }

    /// Nothing goes before `at`: the collector asked for it before the start.
    pub fn not_before(&mut self, at: Duration) {
        self.not_before = at;
    }

    /// What to do at `now`. To be asked whenever something changed, also when nothing waits any more.
    pub fn next(&mut self, now: Duration, waiting: Waiting) -> Step {
        if self.phase == Phase::InFlight {
            return Step::Idle;
        }
        if waiting == Waiting::Nothing {
            self.phase = Phase::Resting;
            return Step::Idle;
        }
        if let Standing::Stopped(problem) = self.standing
            && !problem.may_pass()
        {
            return Step::Idle;
        }
        let at_once = self.phase == Phase::Draining || waiting == Waiting::Urgent;
        let until = if at_once { self.not_before } else { self.not_before.max(self.due) };
        if now < until {
            return Step::Wait(until);
        }
        self.phase = Phase::InFlight;
        if matches!(self.standing, Standing::Stopped(_)) {
            return Step::Probe;
        }
        // A suspected range is halved until the one record stands alone.
        let half = if self.suspects == 0 { self.ceiling } else { self.suspects.div_ceil(2) };
        Step::Send { max_records: half.min(self.ceiling) }
    }

    /// The answer to the last [`Step::Send`] was one of several that make one: the next goes at once, and what failed
    /// before is not forgotten.
    pub fn goes_on(&mut self) {
        if self.phase == Phase::InFlight {
            self.phase = Phase::Draining;
        }
    }

    /// Takes the answer to the last [`Step::Send`] (of `sent` records) or [`Step::Probe`] (0).
    pub fn apply(&mut self, reply: Reply, sent: u32, now: Duration, random: u64) -> Fate {
        self.goes_on();
        if !matches!(reply, Reply::ConsentRequired) {
            self.consents = 0;
        }
        match reply {
            Reply::Acknowledged { records, rejected } => {
                self.failures = 0;
                self.suspects = self.suspects.saturating_sub(records);
                if (rejected.len() as u64) < u64::from(records) {
                    self.refusals = 0;
                } else if self.refusals == limits::REFUSALS_IN_A_ROW {
                    return self.stop(Problem::RefusesAll, now, random);
                } else {
                    self.refusals += 1;
                }
                self.due = now + self.interval + share(random, self.interval / 10);
                Fate::Settle { records, rejected }
            }
            Reply::Welcome => {
                self.failures = 0;
                if self.problem() == Some(Problem::RetiredOnce) {
                    self.go_on();
                }
                self.resume();
                Fate::Keep
            }
            Reply::Refused { rejected } if rejected.is_empty() && sent > 1 => {
                self.suspects = sent;
                Fate::Keep
            }
            Reply::Refused { .. } if sent == 1 && self.refusals == limits::REFUSALS_IN_A_ROW => {
                self.stop(Problem::RefusesAll, now, random)
            }
            Reply::Refused { rejected } if !rejected.is_empty() => {
                self.suspects = 0;
                self.refusals += u32::from(sent == 1);
                Fate::Reject(rejected)
            }
            Reply::TooLarge if sent > 1 => {
                self.ceiling = sent / 2;
                Fate::Keep
            }
            Reply::Conflict if sent < 2 || self.problem() == Some(Problem::Conflict) => {
                self.stop(Problem::Conflict, now, random)
            }
            Reply::Conflict => {
                // Fewer records are another name. The alarm stays in `status` even if that one is taken.
                self.standing = Standing::Alarmed(Problem::Conflict);
                self.ceiling = sent / 2;
                Fate::Keep
            }
            Reply::ConsentRequired if self.consents < limits::CONSENT_TRIES => {
                self.consents += 1;
                Fate::Consent
            }
            Reply::Unauthorised => self.stop(Problem::Unauthorised, now, random),
            Reply::ConsentRefused => self.stop(Problem::ConsentRefused, now, random),
            Reply::Unsupported => self.stop(Problem::Unsupported, now, random),
            Reply::Elsewhere => self.stop(Problem::Elsewhere, now, random),
            Reply::Retired if self.problem() == Some(Problem::RetiredOnce) => {
                self.stop(Problem::Retired, now, random)
            }
            Reply::Retired => {
                let fate = self.stop(Problem::RetiredOnce, now, random);
                self.not_before = now + limits::RETIRED_AGAIN + share(random, limits::RETIRED_AGAIN / 10);
                fate
            }
            Reply::Busy(retry_after) => {
                let retry_after = retry_after.clamp(limits::FIRST_BACKOFF, limits::LONGEST_RETRY_AFTER);
                // A proxy or a balancer tells a whole fleet the same time: without a spread all come back at once.
                let spread = share(random, (retry_after / 2).min(limits::RETRY_SPREAD));
                self.back_off(retry_after + spread, now, random)
            }
            Reply::Refused { .. } | Reply::TooLarge | Reply::ConsentRequired | Reply::Failed => {
                self.back_off(Duration::ZERO, now, random)
            }
        }
    }

    /// Goes on after a stop that a new enrolment or a new grant may have cured.
    pub fn resume(&mut self) {
        let cured =
            [Problem::Unauthorised, Problem::Unsupported, Problem::Elsewhere, Problem::ConsentRefused];
        if self.problem().is_some_and(|problem| cured.contains(&problem)) {
            self.go_on();
        }
    }

    /// How long nothing goes from `now` on, for a process that starts anew before that is over.
    pub fn pause(&self, now: Duration) -> Duration {
        self.not_before.saturating_sub(now)
    }

    fn go_on(&mut self) {
        self.standing = Standing::Sound;
        self.not_before = Duration::ZERO;
    }

    /// Why the stream stands still, or what else `status` should show.
    pub fn problem(&self) -> Option<Problem> {
        self.standing.problem()
    }

    fn stop(&mut self, problem: Problem, now: Duration, random: u64) -> Fate {
        self.standing = Standing::Stopped(problem);
        self.not_before = now + limits::PROBE_EVERY + share(random, limits::PROBE_EVERY / 10);
        Fate::Stop(problem)
    }

    /// Jitter over the upper two thirds of an exponential ceiling. Jitter down to zero would spread a fleet no
    /// better and could not promise three requests an hour.
    fn back_off(&mut self, at_least: Duration, now: Duration, random: u64) -> Fate {
        let ceiling = limits::FIRST_BACKOFF
            .saturating_mul(1u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(limits::LAST_BACKOFF);
        let floor = (ceiling / 3).max(limits::FIRST_BACKOFF);
        let pause = floor + share(random, ceiling.saturating_sub(floor));
        self.failures = self.failures.saturating_add(1).min(31);
        self.not_before = now + pause.max(at_least);
        Fate::Keep
    }
}

/// The part of `span` that `random` is of all u64.
fn share(random: u64, span: Duration) -> Duration {
    let nanos = (span.as_nanos().min(u128::from(u64::MAX)) * u128::from(random)) >> 64;
    Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests;

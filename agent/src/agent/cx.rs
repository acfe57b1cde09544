//! The context that the run loop lends a subsystem for one call.

use std::time::Duration;

use log::{info, warn};
use protocol::{Digest, Reason};
use ring::rand::SystemRandom;

use super::Trouble;
use super::edges::Edges;
use super::health::{Cause, Health, Subject};
use crate::config::Config;
use crate::consent::Registry;
use crate::consent::permit::{SupportCase, UsageStatistics};
use crate::counters::Counters;
use crate::killpoint;
use crate::spool::Recovery;
use crate::texts::Text;
use crate::vault::Vault;

/// Time, configuration, keys, what is allowed, and where to report: everything that more than one subsystem needs.
pub(super) struct Cx<'a, R = &'a Registry> {
    /// Seconds since 1970 on the wall's clock: for periods, grants and shown times, never for an order.
    pub(super) now: i64,
    /// Since the start of the process, by a clock that never goes back.
    pub(super) elapsed: Duration,
    /// The clock as it goes on, for how long a turn takes; the connection; jitter.
    pub(super) edges: &'a Edges,
    /// Until when a scan may run, since the start.
    pub(super) busy_until: Option<Duration>,
    pub(super) config: &'a Config,
    pub(super) vault: &'a mut Vault,
    /// What is allowed now. Of the subsystems only the consents are lent it to change it.
    pub(super) registry: R,
    pub(super) counters: &'a mut Counters,
    pub(super) health: &'a mut Health,
    pub(super) random: &'a SystemRandom,
}

/// What the consents subsystem is lent: it changes what is allowed.
pub(super) type Deciding<'a> = Cx<'a, &'a mut Registry>;

impl Deciding<'_> {
    /// The same as others see it.
    pub(super) fn shared(&mut self) -> Cx<'_> {
        Cx {
            now: self.now,
            elapsed: self.elapsed,
            edges: self.edges,
            busy_until: self.busy_until,
            config: self.config,
            vault: &mut *self.vault,
            registry: &*self.registry,
            counters: &mut *self.counters,
            health: &mut *self.health,
            random: self.random,
        }
    }
}

impl Cx<'_> {
    /// Whether there is a grant for anything.
    pub(super) fn may_send(&self) -> bool {
        may_send(self.registry, self.now)
    }

    /// When the scan that runs now lets go at the latest, since the start; none while no scan runs.
    pub(super) fn busy(&self) -> Option<Duration> {
        self.busy_until.filter(|until| *until > self.elapsed)
    }

    /// Since the start, at this moment.
    pub(super) fn since_start(&self) -> Duration {
        self.edges.clock.elapsed()
    }

    /// Counts the `waiting` records of a compartment, then erases its keys. The ledger's line `entry` is why, and keeps a
    /// crash from counting twice. The number of keys.
    pub(super) fn shred(
        &mut self,
        compartment: &str,
        waiting: u64,
        reason: Reason,
        entry: Digest,
    ) -> Result<usize, Trouble> {
        self.counters.drop_once(entry, reason, waiting)?;
        killpoint::step("erase.counted");
        let shredded = self.vault.shred(compartment)?;
        killpoint::step("erase.shredded");
        Ok(shredded.files)
    }

    /// For jitter.
    pub(super) fn jitter(&self) -> u64 {
        (self.edges.jitter)()
    }

    /// Raises a problem.
    pub(super) fn raise(&mut self, subject: Subject, what: &impl Text) {
        self.health.raise(subject, what, self.elapsed);
    }

    /// Reports that something failed; what is due waits for a moment.
    pub(super) fn trouble(&mut self, subject: Subject, trouble: &Trouble) {
        self.health.trouble(subject, trouble, self.elapsed);
    }

    /// Saves the counts. What cannot be saved now is saved with the next change.
    pub(super) fn save_counters(&mut self) {
        match self.counters.save() {
            Ok(()) => self.health.clear(Subject::Counts),
            Err(e) => self.trouble(Subject::Counts, &e.into()),
        }
    }

    /// Counts what damage cost a queue; the queue keeps the gaps for the next batch.
    pub(super) fn note_losses(&mut self, recovery: &Recovery) -> Result<(), Trouble> {
        if recovery.carved > 0 {
            info!("the spool was damaged on disk; the readable records were recovered");
            self.counters.note("recovered");
        }
        if recovery.read_again > 0 {
            let what = Cause::ReadAgain;
            warn!("{what}");
            self.raise(Subject::ReadAgain, &what);
        }
        if recovery.lost > 0 {
            self.counters.drop(Reason::Damaged, recovery.lost);
            self.counters.save()?;
            let what = Cause::Damage { count: recovery.lost };
            warn!("{what}");
            self.raise(Subject::Damage, &what);
        }
        if recovery.high_water_lost {
            self.raise(Subject::Numbering, &Cause::Numbering);
        }
        Ok(())
    }
}

/// Whether there is a grant for anything.
pub(super) fn may_send(registry: &Registry, now: i64) -> bool {
    registry.permit::<UsageStatistics>(now).is_some()
        || registry.cases().iter().any(|case| registry.permit_case::<SupportCase>(case, now).is_some())
}

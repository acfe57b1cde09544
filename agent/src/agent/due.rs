//! Deadlines: what is due now, and when the next deadline is.

use std::time::Duration;

use super::clock::Watched;
use super::health::Subject;
use super::usage::drop_set_aside;
use super::{Agent, Parts, Trouble};
use crate::consent::permit::UsageStatistics;
use crate::limits;

impl Agent {
    /// What is due: periods that are over, transfers whose time has come.
    pub(super) fn work(&mut self) {
        let now = self.now();
        if let Err(trouble) = self.mend() {
            return self.trouble(Subject::Spool, &trouble);
        }
        self.health.clear(Subject::Spool);
        let Parts { usage, mut cx, .. } = self.parts();
        match usage.close_periods(&mut cx, false) {
            Ok(()) => cx.health.clear(Subject::Periods),
            Err(trouble) => cx.trouble(Subject::Periods, &trouble),
        }
        let is_over_there = self.look_daily(now);
        match self.resume_decommissioning(now) {
            Ok(()) => self.health.clear(Subject::Decommissioning),
            Err(trouble) => self.trouble(Subject::Decommissioning, &trouble),
        }
        self.with_cases(|cases, cx| {
            match cases.expire(cx) {
                Ok(()) => cx.health.clear(Subject::Cases),
                Err(trouble) => cx.trouble(Subject::Cases, &trouble),
            }
            cases.hold_job(cx);
        });
        // What is over is not sent any more.
        if !is_over_there {
            self.start_transfer();
        }
        self.parts().cx.save_counters();
    }

    /// How often the outbox is looked into although nothing was reported. A clock that is set right tells nobody.
    pub(super) fn sweep_every(&self) -> Duration {
        if self.consents.is_kept() { limits::KEPT_SWEEP } else { limits::OUTBOX_SWEEP }
    }

    /// The next time, since the start, at which something is due of itself. Without a grant and without a pending
    /// request there is none, and the process sleeps until it is woken.
    pub(super) fn next_deadline(&self, outbox_due: Option<Duration>, sweep: Duration) -> Option<Duration> {
        let now = self.now();
        let elapsed = self.since_start();
        let granted = self.registry.permit::<UsageStatistics>(now).is_some();
        let in_seconds = |at: i64| elapsed + Duration::from_secs(u64::try_from(at - now).unwrap_or(0));
        let period = self.usage.next_period_end().filter(|_| granted).map(in_seconds);
        let sweep = (granted || self.consents.is_kept() || self.usage.keeps_history()).then_some(sweep);
        let daily = self.is_looked_at_daily(granted).then_some(self.device_due.min(self.expiry_due));
        let case = self.cases.next_end(&self.registry, now).map(in_seconds);
        let held = self.busy_until.filter(|until| self.cases.is_working() && *until > elapsed);
        [outbox_due, period, sweep, daily, case, held, self.uplink.deadline()]
            .into_iter()
            .flatten()
            .min()
            .map(|due| due.max(self.health.quiet_until()))
    }

    /// Whether anything is here that a period ends.
    fn is_looked_at_daily(&self, granted: bool) -> bool {
        granted
            || self.usage.keeps_history()
            || self.usage.is_held(&self.vault)
            || self.consents.requests.answer.is_expected(&self.consents.requests.tickets)
    }

    /// Once a day, while there is something that ends: what waited or was kept too long goes, Kathea hears whether it is
    /// time to ask, and, while there is a grant, what the agent itself sees of the workstation is taken in.
    /// True if something may still wait that is over.
    fn look_daily(&mut self, now: i64) -> bool {
        let granted = self.registry.permit::<UsageStatistics>(now).is_some();
        if !self.is_looked_at_daily(granted) {
            return false;
        }
        // What is over when it is sealed does not wait for the day's look.
        let is_old_there = self.usage.has_old() && !self.uplink.in_flight();
        if self.expiry_due <= self.since_start() || is_old_there {
            self.expiry_due = self.since_start() + limits::DEVICE_EVERY;
            match self.expire() {
                // The rest of the look follows when nothing more is over.
                Ok(true) => {
                    self.expiry_due = self.since_start();
                    return true;
                }
                Ok(false) => self.health.clear(Subject::Expiry),
                Err(trouble) => self.trouble(Subject::Expiry, &trouble),
            }
        }
        if self.device_due > self.since_start() {
            return false;
        }
        self.device_due = self.since_start() + limits::DEVICE_EVERY;
        self.write_flags_for_kathea();
        let Parts { usage, mut cx, .. } = self.parts();
        usage.bound_history(&mut cx);
        if granted {
            usage.report_device(&mut cx);
            self.keep_in_order();
        } else {
            usage.note_device(&mut cx);
        }
        false
    }

    /// Drops and counts all that is over for long enough, here and now.
    pub(super) fn expire_all(&mut self) -> Result<(), Trouble> {
        while self.expire()? {}
        Ok(())
    }

    /// Drops and counts what is over for long enough. True if there is more for the next turn.
    fn expire(&mut self) -> Result<bool, Trouble> {
        let in_flight = self.uplink.in_flight();
        let Parts { usage, mut cx, .. } = self.parts();
        let clock = Watched::now(&cx);
        // What is on its way is settled by its answer.
        let is_more = !in_flight && usage.drop_expired(&mut cx, clock)?;
        drop_set_aside(&mut cx, clock)?;
        let files_left = usage.shred_ended(&mut cx, clock)?;
        usage.retire_unused_keys(&mut cx)?;
        if files_left {
            self.notice_outbox();
        }
        self.with_consents(|consents, cx| consents.expire(cx, clock))?;
        Ok(is_more)
    }

    /// After an error whose outcome is open, each queue looks at its files again.
    pub(super) fn mend(&mut self) -> Result<(), Trouble> {
        let Parts { usage, requests, mut cx, .. } = self.parts();
        requests.mend(&mut cx)?;
        usage.mend(&mut cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Trouble;
    use crate::config::Config;

    #[test]
    fn what_is_due_and_failed_is_not_tried_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("data_dir = {:?}\n[keys]\nprotector = \"file\"\n", dir.path().join("data"));
        let mut agent = Agent::open(Config::parse(&text).unwrap()).unwrap();
        let due = |agent: &Agent| agent.next_deadline(Some(Duration::ZERO), Duration::ZERO);
        assert_eq!(due(&agent), Some(Duration::ZERO));
        agent.trouble(Subject::Periods, &Trouble::NoPermit);
        assert!(due(&agent) >= Some(limits::TROUBLE_PAUSE), "{:?}", due(&agent));
    }
}

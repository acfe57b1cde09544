//! What can be seen of a clinic's workstation and of the vendor, held against the model.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::Ordering;

use crate::clinic::Clinic;
use crate::consent::Says;
use crate::model::Seen;
use crate::workstation::Harm;
use crate::world::{BEGIN, DAY, HOUR};

impl Clinic {
    /// Compares everything that can be seen with the model.
    pub(crate) fn observe(&mut self) {
        if let Some(texts) = self.consent.text().cloned() {
            for came in self.vendor.came(&texts) {
                self.model.came(&came);
            }
        }
        let wall = self.pc.wall();
        if self.pc.is_on() {
            let outbox: BTreeSet<String> = fs::read_dir(self.pc.outbox())
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            let live = self.consent.live(wall).cloned();
            let waiting = live.as_ref().and_then(|_| self.pc.waiting());
            // After an error of the disk the queue gives nothing before its next turn.
            let is_readable = live.is_none() || waiting.is_some();
            if let Some(status) = self.pc.status().filter(|_| is_readable) {
                let on_device = self.consent.text().map_or((0, 0), |text| text.on_device);
                self.model.observe(&Seen {
                    outbox: &outbox,
                    waiting: waiting.as_deref(),
                    dropped: &status.dropped,
                    may_refuse: self.consent.may_refuse(wall),
                    granted: live.map(|yes| yes.since),
                    ended: self.consent.ended(wall),
                    wall,
                    now: self.world.now(),
                    clock_since: self.clock_since,
                    over_since: self.over_since,
                    on_device,
                });
                if !self.model.violations.is_empty() {
                    let (state, problems) = (status.consent.usage_statistics, &status.problems);
                    self.tell(format!("`status` says: {state}, {problems:?}"));
                }
                if status.disk_bytes.is_some_and(|bytes| bytes > 80 << 20) {
                    self.violations.push(format!("disk: {:?} bytes", status.disk_bytes));
                }
                let is_withdrawn = matches!(self.consent.says, Says::No | Says::Ended | Says::Nothing);
                if is_withdrawn && (status.waiting.usage.records + status.waiting.open.records > 0) {
                    self.violations.push("withdrawal: records wait although nobody allows them".to_owned());
                }
                if is_withdrawn && !self.pc.usage_keys().is_empty() {
                    self.violations
                        .push("withdrawal: a key of usage is there although nobody allows it".to_owned());
                }
            }
        }
        self.collect();
    }

    /// The violations of all models.
    pub(crate) fn collect(&mut self) {
        self.violations.append(&mut self.model.violations);
        self.violations.append(&mut self.vendor.violations);
        let mut net = self.link.net();
        self.violations.append(&mut net.violations);
        let faults = std::mem::take(&mut net.faults);
        drop(net);
        self.faults.add(&faults);
    }

    /// The clock, the line, the disk and the collector are sound, and there is a grant: everything comes.
    pub(crate) fn last_days(&mut self) {
        self.tell("the end: everything is sound");
        self.until.clear();
        self.link.net().is_cut = false;
        self.link.net().faulty = 0;
        self.pc.ahead.store(0, Ordering::Relaxed);
        self.clock_since = self.world.now();
        let mut midnight = BEGIN + self.plan.days * DAY;
        if let Err(what) = self.vendor.up() {
            self.violations.push(format!("collector: {what}"));
        }
        let mut problems = Vec::new();
        // Into the second month from here, a day in five.
        for _ in 0..9 {
            self.world.advance_to(midnight + 8 * HOUR);
            self.pc.set_harm(Harm::None);
            if !self.turn_on() {
                return;
            }
            self.run_until(midnight + 11 * HOUR);
            self.observe();
            self.observe_cases();
            problems = self.pc.status().map(|status| status.problems).unwrap_or_default();
            // A device that had nothing to say for as long as its certificate lasts is enrolled anew.
            if problems.iter().any(|problem| problem.contains("enrol with a new token"))
                && let Err(what) = self.enrol()
            {
                self.violations.push(format!("enrolment: {what}"));
            }
            self.pc.stop();
            midnight += 5 * DAY;
            if !self.violations.is_empty() {
                return;
            }
        }
        self.sticks_come();
        self.settle_cases(BEGIN + self.plan.days * DAY);
        if self.consent.live(self.pc.wall()).is_some() {
            self.model.settled(self.world.now() - 2 * DAY);
        }
        problems.into_iter().for_each(|problem| self.tell(format!("`status` says: {problem}")));
        self.vendor.verify();
        self.collect();
    }
}

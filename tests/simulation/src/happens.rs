//! What goes wrong at a clinic and at the vendor, and what the clinic says, day by day, by the seed's numbers.

use std::sync::atomic::Ordering;

use agent::api::status::Status;
use agent::request::ConsentAction;
use protocol::{Digest, Reason};

use test_support::random::Random;

use crate::clinic::Clinic;
use crate::consent::{Consent, Says, Yes};
use crate::faults::Fault;
use crate::workstation::Harm;
use crate::world::{DAY, HOUR};

impl Clinic {
    /// The vendor's night: upkeep with the oracle's look, now and then a backup, and on some nights a fault.
    pub(crate) fn vendors_night(&mut self, midnight: i64) {
        let now = self.world.now();
        self.end_what_is_over(now);
        // Before a restored backup loses what came during the day.
        self.observe_cases();
        if let Some(texts) = self.consent.text().cloned() {
            for came in self.vendor.came(&texts) {
                self.model.came(&came);
            }
        }
        let restricted = self.vendor_knows_restricted.filter(|_| !self.is_hidden_for_ever);
        if let Err(what) = self.vendor.day(restricted) {
            self.violations.push(format!("collector: {what}"));
        }
        let day = midnight / DAY;
        if day % 91 == 0 && self.link.net().vendor.is_some() {
            self.vendor.verify();
        }
        if day % 30 == 0 && self.link.net().vendor.is_some() {
            match self.vendor.back_up() {
                Ok(()) => self.vendor_backed_up(),
                Err(what) => self.violations.push(format!("backup: {what}")),
            }
        }
        for share in self.plan.at_once() {
            self.vendors_trouble(now, share);
        }
        self.letter_comes(midnight);
        self.sticks_come();
        self.vendor_is_upgraded(midnight);
        if let Some(device) = self.pc.device {
            self.vendor.look_for_forks(device, self.cases.has_copies);
        }
        self.collect();
    }

    fn end_what_is_over(&mut self, now: i64) {
        let over: Vec<Fault> =
            self.until.iter().filter(|(_, until)| **until <= now).map(|(fault, _)| *fault).collect();
        for fault in over {
            self.until.remove(&fault);
            if fault == Fault::Partition {
                self.link.net().is_cut = false;
            }
        }
        if !self.until.contains_key(&Fault::VendorDown)
            && let Err(what) = self.vendor.up()
        {
            self.violations.push(format!("collector: {what}"));
        }
    }

    fn vendors_trouble(&mut self, now: i64, share: u32) {
        let is_due = self.random.within(0, 999) < share;
        let Some(mut random) = is_due.then(|| self.comes()).flatten() else { return };
        match random.below(3) {
            0 => {
                self.fault(Fault::VendorRestarted);
                self.vendor.down();
                if let Err(what) = self.vendor.up() {
                    self.violations.push(format!("collector: {what}"));
                }
            }
            1 => {
                self.fault(Fault::VendorDown);
                self.vendor.down();
                self.until.insert(Fault::VendorDown, now + i64::from(random.within(1, 4)) * DAY);
            }
            _ => match self.vendor.restore() {
                Ok(true) => {
                    self.fault(Fault::VendorRestored);
                    self.vendor_restored();
                    // It may have come after the backup.
                    self.erase_said.iter().for_each(|asked| self.vendor.erase_asked(*asked));
                    self.forget_what_it_knows();
                }
                Ok(false) => {}
                Err(what) => self.violations.push(format!("restore: {what}")),
            },
        }
    }

    /// Before the workstation is switched on: its clock, its disk, its line.
    pub(crate) fn morning(&mut self) {
        let now = self.world.now();
        self.end_what_is_over(now);
        self.link.net().faulty = if self.random.percent(20) { 30 } else { 2 };
        let is_set_right = self.random.percent(30);
        if is_set_right && self.pc.ahead.load(Ordering::Relaxed) != 0 {
            self.set_clock(0, Fault::ClockRight);
        }
        if self.random.within(0, 999) >= self.plan.faults {
            return;
        }
        let Some(mut random) = self.comes() else { return };
        match random.below(8) {
            6 => self.restore_image(),
            7 => self.change_policy(),
            0 => {
                let days = i64::from(random.within(1, 3000));
                self.set_clock(days * DAY, Fault::ClockAhead);
            }
            1 => {
                let hours = i64::from(random.within(1, 40 * 24));
                self.set_clock(-hours * HOUR, Fault::ClockBehind);
            }
            2 => {
                // 1 January 2010, as a mainboard shows it.
                self.set_clock(1_262_304_000 - now, Fault::ClockDead);
            }
            3 => {
                self.fault(Fault::ReadError);
                self.pc.set_harm(Harm::Read(random.below(40)));
            }
            4 => {
                self.pc.set_harm(Harm::Write(random.below(12)));
                self.fault(Fault::WriteError);
            }
            _ => self.pc.set_harm(Harm::Kill(random.below(20))),
        }
    }

    fn set_clock(&mut self, ahead: i64, fault: Fault) {
        self.pc.ahead.store(ahead, Ordering::Relaxed);
        self.clock_since = self.world.now();
        self.fault(fault);
    }

    /// The data of the agent is taken from an older image. Only one since which the clinic said nothing new: otherwise the
    /// vendor knows a newer line, and every flag closes.
    pub(crate) fn restore_image(&mut self) {
        let may_restore = self.may_restore_image();
        let Some((model, _)) = self.image.take().filter(|_| may_restore) else { return };
        self.pc.restore_image("image");
        self.model.restored(&model);
        self.fault(Fault::ImageRestored);
    }

    pub(crate) fn may_restore_image(&self) -> bool {
        let is_of_now = |consent: &Consent| {
            consent.answers == self.consent.answers && consent.policy == self.consent.policy
        };
        self.image.as_ref().is_some_and(|(_, consent)| is_of_now(consent))
    }

    fn change_policy(&mut self) {
        let mut others = self.consent.texts.keys().filter(|name| **name != self.consent.policy);
        let Some(other) = others.next().cloned() else { return };
        self.pc.set_policy(&other);
        self.consent.policy = other;
        let is_other = |yes: &Yes| yes.policy != self.consent.policy;
        let is_stale = matches!(&self.consent.says, Says::Yes(yes) if is_other(yes));
        self.over_since = is_stale.then(|| self.over_since.unwrap_or(self.world.now()));
        self.vendor.widen(&self.consent.texts);
        self.fault(Fault::PolicyChanged);
    }

    /// In the middle of a day.
    pub(crate) fn something_happens(&mut self) {
        let now = self.world.now();
        let Some(mut random) = self.comes() else { return };
        match random.below(16) {
            0 | 1 => self.pc.set_harm(Harm::Kill(random.below(30))),
            2 => {
                self.fault(Fault::ReadError);
                self.pc.set_harm(Harm::Read(random.below(200)));
            }
            3 => {
                self.fault(Fault::WriteError);
                self.pc.set_harm(Harm::Write(random.below(30)));
            }
            4 => {
                self.fault(Fault::DiskFull);
                self.pc.set_harm(Harm::Full);
                self.run_until(now + HOUR);
                self.pc.set_harm(Harm::None);
            }
            5 => {
                self.fault(Fault::Partition);
                self.link.net().is_cut = true;
                // Now and then for longer than anything may wait.
                let days = random.within(1, 20);
                let days = if days == 20 { 80 } else { days };
                self.until.insert(Fault::Partition, now + i64::from(days) * DAY);
            }
            6 => {
                self.fault(Fault::PowerOff);
                self.pc.power_off();
                self.turn_on();
            }
            7 => {
                let (days, at) = (i64::from(random.within(2, 40)), now);
                self.tell(format!("the clinic closes for {days} days"));
                self.until.insert(Fault::PowerOff, at + days * DAY);
            }
            _ => self.clinic_says(random),
        }
    }

    /// The clinic changes its mind.
    fn clinic_says(&mut self, mut random: Random) {
        // What is observed until here happened under what was said before.
        self.run_until(self.world.now() + 60);
        self.observe();
        if !self.violations.is_empty() || !self.pc.is_on() {
            return;
        }
        let choice = random.below(8);
        match (&self.consent.says, choice) {
            (Says::Nothing | Says::No | Says::Ended, 0) => self.deny(),
            (Says::Nothing | Says::No | Says::Ended, _) => self.grant(),
            (Says::Restricted(_), 0) => self.withdraw(false),
            (Says::Restricted(_), _) => self.release(),
            (Says::Yes(_), 0..=1) => self.withdraw(false),
            (Says::Yes(_), 2) => self.withdraw(true),
            (Says::Yes(_), 3..=4) => self.restrict(),
            (Says::Yes(_), 5) => self.new_owner(),
            (Says::Yes(_), _) => self.grant(),
        }
        self.settle_line();
    }

    /// Whatever the line did, what the clinic said has arrived by the evening, unless the line is cut.
    fn settle_line(&mut self) {
        let restricted = matches!(self.consent.says, Says::Restricted(_));
        let sound = !self.link.net().is_cut && self.link.net().vendor.is_some();
        if sound {
            self.link.net().faulty = 0;
            self.run_until(self.world.now() + 2 * HOUR);
            let is_known = self.pc.status().is_some_and(|status| status.waiting.requests.records == 0);
            if is_known && self.vendor_knows_restricted.is_some() {
                self.vendor_knows_restricted = Some(restricted);
                return;
            }
        }
        self.forget_what_it_knows();
    }

    fn forget_what_it_knows(&mut self) {
        self.vendor_knows_restricted = None;
        self.quiet_days = 0;
        self.unknown_since = self.link.net().successes;
    }

    /// After two answers on one day, and with nothing left to say, the vendor knows what the clinic said.
    fn learn_what_it_knows(&mut self) {
        let answers = self.link.net().successes - self.unknown_since;
        let waits = self.pc.status().map_or(1, |status| status.waiting.requests.records);
        let is_said = answers >= 2 && waits == 0;
        // Tickets are looked at once a day: by then one that a restored vendor does not know has gone again.
        self.quiet_days = if is_said { self.quiet_days + 1 } else { 0 };
        if self.quiet_days > 2 {
            self.vendor.erase_known();
        }
        if self.vendor_knows_restricted.is_none() && is_said {
            self.vendor_knows_restricted = Some(matches!(self.consent.says, Says::Restricted(_)));
        }
        if self.vendor_knows_restricted.is_some()
            && self.standing_grants().iter().any(|grant| self.ended.contains(grant))
        {
            self.violations
                .push("withdrawal: the vendor takes batches under a consent that was withdrawn".to_owned());
        }
    }

    /// The grants under which the vendor takes batches now.
    fn standing_grants(&self) -> Vec<Digest> {
        self.pc.device.map(|device| self.vendor.standing_grants(device)).unwrap_or_default()
    }

    pub(crate) fn grant(&mut self) {
        if self.answer(ConsentAction::Grant, false) {
            self.consent.grant(self.pc.wall());
            self.over_since = None;
            self.fault(Fault::Granted);
        }
    }

    fn deny(&mut self) {
        if self.answer(ConsentAction::Deny, false) {
            self.consent.says = Says::No;
            self.fault(Fault::Denied);
        }
    }

    fn withdraw(&mut self, erase: bool) {
        // From the moment that it is said nothing may leave.
        self.link.net().is_allowed = false;
        let rested = matches!(self.consent.says, Says::Restricted(_));
        let stood = self.standing_grants();
        let before = self.pc.status();
        if self.answer(ConsentAction::Withdraw, erase) {
            self.check_withdrawn(before.as_ref());
            // The collector never releases what a clinic withdrew while it was restricted.
            self.is_hidden_for_ever |= rested;
            self.ended.extend(stood);
            self.consent.says = Says::No;
            self.model.erased();
            self.fault(if erase { Fault::WithdrawnErase } else { Fault::Withdrawn });
            if erase {
                self.erase_said.push(self.world.now());
                self.vendor.erase_asked(self.world.now());
                self.quiet_days = 0;
            }
        } else if self.pc.is_on() {
            self.violations.push("withdrawal: it was refused".to_owned());
        }
    }

    /// What waited is counted as withdrawn, each record once.
    fn check_withdrawn(&mut self, before: Option<&Status>) {
        let counted = |status: &Status| status.dropped.get(&Reason::Withdrawn).copied().unwrap_or(0);
        if let (Some(before), Some(after)) = (before, self.pc.status()) {
            let (waited, more) = (
                before.waiting.open.records + before.waiting.usage.records,
                counted(&after) - counted(before),
            );
            if waited != more {
                self.violations.push(format!("counts: {waited} records were withdrawn, {more} are counted"));
            }
        }
    }

    fn restrict(&mut self) {
        self.link.net().is_allowed = false;
        if self.answer(ConsentAction::Restrict, false)
            && let Says::Yes(yes) = &self.consent.says
        {
            self.consent.says = Says::Restricted(yes.clone());
            self.fault(Fault::Restricted);
        }
    }

    fn release(&mut self) {
        let Says::Restricted(yes) = self.consent.says.clone() else { return };
        // From now on it may be in force: the ledger can have it although the disk refuses what follows.
        self.consent.says = Says::Yes(yes.clone());
        self.link.net().is_allowed = self.consent.live(self.pc.wall()).is_some();
        if self.answer(ConsentAction::Release, false) {
            self.model.released(yes.since);
            self.fault(Fault::Released);
        } else {
            self.consent.says = Says::Restricted(yes);
        }
    }

    fn new_owner(&mut self) {
        self.link.net().is_allowed = false;
        if self.answer(ConsentAction::NewOwner, false) {
            self.consent.says = Says::Ended;
            self.model.erased();
            self.fault(Fault::NewOwner);
        }
    }

    /// The workstation is switched off, in one way or another.
    pub(crate) fn evening(&mut self) {
        self.case_comes();
        if !self.pc.is_on() {
            return;
        }
        self.learn_what_it_knows();
        let waits = self.pc.status().is_some_and(|status| status.waiting.usage.records > 0);
        if self.plan.works < 100 {
            self.enrol_if_asked();
        }
        if self.random.percent(5) {
            self.fault(Fault::PowerOff);
            self.pc.power_off();
        } else {
            self.pc.stop();
        }
        if (self.random.percent(4) || waits && self.is_letter_near()) && self.cases.is_quiet(self.world.now())
        {
            self.pc.keep_image("image");
            self.image = Some((self.model.clone(), self.consent.clone()));
        }
        self.clone_runs();
        self.store_is_later();
    }
}

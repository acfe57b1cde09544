//! What the clinic's owner asks the vendor by letter, a workstation that is rarely on, and one whose disk runs twice.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::clinic::Clinic;
use crate::faults::Fault;
use crate::model::number_of;
use crate::world::{BEGIN, DAY, HOUR};

/// Days from one letter to the next.
const QUARTER: i64 = 90;
/// Days from one clone to the next.
const CLONED: i64 = 61;

/// What the owner asked by letter, and what has to be known for that.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// Until when everything that was sent is to be erased.
    erase: Option<i64>,
    /// Events that the vendor's last backup holds.
    backed_up: BTreeSet<u64>,
}

impl Clinic {
    /// Whether the workstation stays off on a working day. It takes no random number from other things that happen.
    pub(crate) fn is_away(&self) -> bool {
        !self.random.clone().percent(self.plan.works)
    }

    /// The last night of a quarter: the owner asks by letter to erase what was sent, and the workstation goes on from an
    /// older image. What waits in the image comes again, and must not be stored again.
    pub(crate) fn letter_comes(&mut self, midnight: i64) {
        let is_night = (midnight - BEGIN) / DAY % QUARTER == QUARTER - 1;
        let is_live = self.consent.live(self.pc.wall()).is_some();
        if !is_night || !is_live || !self.may_restore_image() || self.link.net().vendor.is_none() {
            return;
        }
        if self.comes().is_none() {
            return;
        }
        self.fault(Fault::ErasedByLetter);
        self.letters.erase = Some(self.world.now());
        self.erase_by_letter();
        self.model.erased_at_vendor();
        self.restore_image();
    }

    /// Whether an image of this evening would be taken up after the letter, and what waits in it be sent before.
    pub(crate) fn is_letter_near(&self) -> bool {
        ((self.world.now() - BEGIN) / DAY % QUARTER) >= QUARTER - 12
    }

    /// Some evenings in two months the workstation's disk runs in another PC, for an hour, with an outbox of its own: it
    /// sends what waits. The next morning the workstation sends the same once more, and knows nothing of it. On the first
    /// of these evenings the disk is an older one, where there is one: it numbers what the workstation numbered since.
    pub(crate) fn clone_runs(&mut self) {
        let evening = (self.world.now() - BEGIN) / DAY % CLONED;
        let is_evening = evening < 3;
        let is_sound = self.pc.ahead.load(Ordering::Relaxed) == 0;
        if !is_evening || !is_sound || self.comes().is_none() {
            return;
        }
        self.fault(Fault::Cloned);
        self.pc.keep_image("original");
        if evening == 0 && self.may_restore_image() {
            self.tell("it is an older copy");
            self.pc.restore_image("image");
            self.model.loosen();
        }
        if let Err(error) = self.pc.change_outbox() {
            self.violations.push(format!("world: the outbox: {}", error.kind()));
        }
        if self.turn_on() {
            self.clone_works();
            self.pc.stop();
        }
        if let Err(error) = self.pc.change_outbox() {
            self.violations.push(format!("world: the outbox: {}", error.kind()));
        }
        self.pc.restore_image("original");
    }

    /// The clone has a Kathea of its own: each of its events is at the vendor, waits, or lies in its outbox.
    fn clone_works(&mut self) {
        let wall = self.pc.wall();
        let is_live = self.consent.live(wall).is_some();
        let numbers = if is_live { self.model.say_to_clone(4) } else { Vec::new() };
        if is_live {
            self.kathea_writes("of-the-clone.ndjson", &numbers, &[], wall);
        }
        let before = self.pc.status().map(|status| status.dropped);
        self.run_until(self.world.now() + HOUR);
        let after = self.pc.status().map(|status| status.dropped);
        if let Some(texts) = self.consent.text().cloned() {
            for came in self.vendor.came(&texts) {
                self.model.came(&came);
            }
        }
        let Some(waiting) = self.pc.waiting() else { return };
        let waiting: BTreeSet<u64> =
            waiting.iter().flat_map(|batch| &batch.records).filter_map(number_of).collect();
        let is_untaken = self.pc.outbox().join("of-the-clone.ndjson").exists();
        let lost =
            numbers.iter().filter(|number| !self.model.has_come(**number) && !waiting.contains(number));
        let lost = lost.count();
        if lost > 0 && !is_untaken && before == after {
            self.violations
                .push(format!("clone: {lost} of its events are neither here nor there, nor counted"));
        }
    }

    fn erase_by_letter(&mut self) {
        let (Some(until), Some(device)) = (self.letters.erase, self.pc.device) else { return };
        if let Err(what) = self.vendor.erase_now(device, until) {
            self.violations.push(format!("erasure: {what}"));
        }
    }

    /// The vendor has a new backup.
    pub(crate) fn vendor_backed_up(&mut self) {
        self.letters.backed_up = self.model.at_vendor();
        self.cases.backed_up();
    }

    /// The vendor goes on from its backup: the operator does again what the letters ask.
    pub(crate) fn vendor_restored(&mut self) {
        self.model.vendor_restored(&self.letters.backed_up);
        self.cases.vendor_restored();
        self.erase_by_letter();
    }

    /// A workstation that had nothing to say for as long as its certificate lasts is enrolled anew.
    pub(crate) fn enrol_if_asked(&mut self) {
        let problems = self.pc.status().map(|status| status.problems).unwrap_or_default();
        let is_asked = problems.iter().any(|problem| problem.contains("enrol with a new token"));
        let is_reachable = !self.link.net().is_cut && self.link.net().vendor.is_some();
        if is_asked && is_reachable {
            let done = self.enrol();
            self.tell(done.map_or_else(|what| what, |()| "enrolled anew".to_owned()));
        }
    }
}

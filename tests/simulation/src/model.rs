//! What Kathea said and what became of it, kept by a model that shares nothing with the product: every event by its own
//! number, every count by month, and the reasons for which either may be gone.

mod records;
mod said;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Batch, Epoch, Reason, Record, Value};

pub use self::records::attributes_of;
pub(crate) use self::records::number_of;
use self::records::{erased_of, month_of};
pub use self::said::Said;
use crate::taken::{One, Place, Taken};
use crate::world::{DAY, date, month};

/// Numbers of the catalog's entries.
const DEVICE_ERROR: u16 = 29;
const FEATURE_USE: u16 = 35;
/// The last day of every entry of the catalog, 22 November 2028: what happens later is refused.
const LAST: i64 = 1_858_464_000 + DAY - 1;
/// What an event may be ahead of the workstation's clock: two days.
const AHEAD: i64 = 2 * DAY;
/// A workstation that was off for longer cannot know whether its clock leapt.
const LEAP: i64 = 45 * DAY;
/// For so long it lets nothing be over then; the daily look comes after that.
const STEADY: i64 = 9 * DAY;

/// Reasons that the intake has.
const AT_INTAKE: [Reason; 5] =
    [Reason::NoConsent, Reason::BeforeGrant, Reason::BadTime, Reason::Ended, Reason::Expired];
/// Reasons for which what was taken in may be gone.
const LATER: [Reason; 5] =
    [Reason::Withdrawn, Reason::Expired, Reason::Quota, Reason::Damaged, Reason::Rejected];

/// What the model knows at an observation.
pub struct Seen<'a> {
    /// Names of the files in the outbox.
    pub outbox: &'a BTreeSet<String>,
    /// What waits in the agent and can be read; none if there is no permit.
    pub waiting: Option<&'a [Batch]>,
    /// The agent's counts of what was dropped.
    pub dropped: &'a BTreeMap<Reason, u64>,
    /// Why the outbox may be removed unread now.
    pub may_refuse: bool,
    /// Since when there is a grant, by the workstation's clock.
    pub granted: Option<i64>,
    /// Until when there was one, by the same clock, where it ended of itself.
    pub ended: Option<i64>,
    /// What the workstation's clock shows.
    pub wall: i64,
    /// The true time.
    pub now: i64,
    /// Since when, in true time, the workstation's clock goes on without a leap.
    pub clock_since: i64,
    /// Since when, in true time, there is no live grant although nobody said no.
    pub over_since: Option<i64>,
    /// Days after which the policy lets nothing wait on the device, at least and at most.
    pub on_device: (i64, i64),
}

/// What the vendor got.
#[derive(Clone, Debug)]
pub struct Came {
    /// Of which store of the device.
    pub epoch: Epoch,
    /// Its number there.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// A state that can be taken up again, as an image of the workstation's data is.
#[derive(Clone, Debug, Default)]
pub struct Model {
    files: BTreeMap<String, Said>,
    taken: Taken,
    /// Uses that were taken in and did not come yet, by feature and month.
    uses: BTreeMap<(u64, i32), u64>,
    /// Uses that came since the last observation: feature, month, count.
    arrived: Vec<(u64, i32, u64)>,
    /// Months of which something may be gone, counted.
    loose: BTreeSet<i32>,
    dropped: BTreeMap<Reason, u64>,
    /// Records that were counted as dropped while no permit let the model see which.
    unseen: u64,
    /// The true time of the last observation, and that of the first one after the workstation was off for as long as a leap.
    observed: i64,
    back: i64,
    next: u64,
    /// Events that Kathea said.
    pub said: u64,
    /// Errors that came, and uses.
    pub came: u64,
    /// Violations, each once.
    pub violations: Vec<String>,
}

impl Model {
    /// A new file of Kathea's.
    pub fn say(&mut self, written: i64, at: i64, errors: u64, uses: Vec<u64>, is_covered: bool) -> Said {
        let errors = (0..errors).map(|_| {
            self.next += 1;
            self.next
        });
        let errors: Vec<u64> = errors.collect();
        let name = format!("{:012}.ndjson", self.next);
        let said = Said { name, written, at, errors, uses, is_covered, erased_after: None };
        self.said += said.lines();
        self.files.insert(said.name.clone(), said.clone());
        said
    }

    /// Events that Kathea reports to a clone of the workstation.
    pub fn say_to_clone(&mut self, errors: u64) -> Vec<u64> {
        (self.next, self.said) = (self.next + errors, self.said + errors);
        (self.next + 1 - errors..=self.next).collect()
    }

    /// Whether this event came.
    pub fn has_come(&self, number: u64) -> bool {
        self.taken.get(number).is_some_and(|taken| taken.place.is_known_to_vendor())
    }

    /// The vendor holds another record of this device.
    pub fn came(&mut self, came: &Came) {
        let record = &came.record;
        match (record.entry, &record.value) {
            (DEVICE_ERROR, _) => {
                let Some(number) = number_of(record) else { return };
                // Taken in and sent between two observations: its file says so below.
                let files = &self.files;
                let at =
                    || files.values().find(|said| said.errors.contains(&number)).map_or(0, |said| said.at);
                match self.taken.waits(number, at) {
                    Place::Waiting | Place::VendorLost => self.taken.moved(number, Place::Vendor),
                    Place::Vendor => self.violations.push(format!("twice: event {number} came twice")),
                    Place::Gone | Place::Erased => {
                        self.violations.push(format!("erased: event {number} came after it was gone"))
                    }
                }
                self.came += 1;
            }
            (FEATURE_USE, Value::Count(count)) => {
                let feature = record.attributes.first().copied().unwrap_or_default();
                self.arrived.push((feature, month_of(record), *count));
                self.came += *count;
            }
            _ => {}
        }
    }

    /// Takes off what came. It may have been taken in, folded and sent between two observations.
    fn settle_arrived(&mut self) {
        for (feature, month, count) in std::mem::take(&mut self.arrived) {
            let left = self.left(feature, month, count);
            self.uses.insert((feature, month), left);
        }
    }

    fn left(&mut self, feature: u64, month: i32, count: u64) -> u64 {
        let left = self.uses.get(&(feature, month)).copied().unwrap_or_default();
        if count > left && !self.loose.contains(&month) {
            let what =
                format!("sums: {count} uses of feature {feature} came in month {month}, {left} were left");
            self.violations.push(what);
        }
        left.saturating_sub(count)
    }

    /// What the agent shows now must follow from what was.
    pub fn observe(&mut self, seen: &Seen<'_>) {
        // The last look of the agent was up to a day before or behind that.
        if seen.now - self.observed > LEAP - DAY {
            self.back = seen.now;
        }
        let before = std::mem::replace(&mut self.observed, seen.now);
        let waiting: Option<BTreeSet<u64>> = seen
            .waiting
            .map(|batches| batches.iter().flat_map(|batch| &batch.records).filter_map(number_of).collect());
        let delta = |reasons: &[Reason], before: &BTreeMap<Reason, u64>| -> u64 {
            let of = |counts: &BTreeMap<Reason, u64>, reason| counts.get(&reason).copied().unwrap_or(0);
            reasons.iter().map(|&reason| of(seen.dropped, reason).saturating_sub(of(before, reason))).sum()
        };
        let gone: Vec<Said> =
            self.files.values().filter(|said| !seen.outbox.contains(&said.name)).cloned().collect();
        // Where the disk failed between the two queues, a file that goes unread later is counted although one has its part.
        let (mut refused, mut in_part, mut unsure) = (0, 0, Vec::new());
        for said in gone {
            self.files.remove(&said.name);
            let is_taken = said.errors.iter().any(|number| {
                waiting.as_ref().is_some_and(|waiting| waiting.contains(number)) || self.taken.has(*number)
            });
            if is_taken {
                in_part += if said.may_be_refused_in_part(seen) { said.lines() } else { 0 };
                self.take(&said, seen);
            } else if said.is_overdue(seen) && said.erased_after.is_none() {
                // Over when it was taken in: each of its errors was a record. Its uses are a count of their month by then,
                // which went as one, or were refused as they are.
                refused += said.errors.len() as u64;
                in_part += said.uses.len() as u64;
                self.loose.insert(month(said.at));
            } else if seen.ended.is_some_and(|ended| said.at < ended) || said.erased_after.is_some() {
                unsure.push(said);
            } else {
                refused += said.lines();
                self.refuse(&said, seen, waiting.is_some(), delta(&[Reason::Expired], &self.dropped) > 0);
            }
        }
        let counted = delta(&AT_INTAKE, &self.dropped);
        // Of before the end of the yes, and what waits cannot be seen since: what is not counted was taken in.
        let mut erased = 0;
        for said in unsure {
            let records = said.errors.len() as u64;
            match said.erased_after {
                _ if counted >= refused + said.lines() => refused += said.lines(),
                // Taken in, and erased before its file went: each of its errors was a record.
                Some(before) if erased_of(seen.dropped) >= before + erased + records => erased += records,
                None => self.take(&said, seen),
                _ => refused += said.lines(),
            }
        }
        let later = delta(&LATER, &self.dropped);
        if counted < refused {
            self.violations
                .push(format!("counts: {refused} events were not taken in, {counted} are counted"));
        }
        let expired = delta(&[Reason::Expired], &self.dropped);
        if expired > 0 {
            // A month's counts are as old as its first day.
            self.loosen_until(seen.wall - seen.on_device.0 * DAY);
        }
        let exact = counted - expired;
        // What the agent says of the workstation is refused for the same reasons, some lines a day.
        // Also where the clock was set back since the last look, to before the grant, and shows it again by now.
        let since = if seen.clock_since > before { seen.clock_since } else { seen.now };
        let first = seen.wall - (seen.now - since);
        let is_odd = seen.wall > LAST || seen.granted.is_some_and(|granted| first < granted);
        let own_lines = if is_odd { 64 } else { 0 };
        if exact > refused + in_part + own_lines {
            self.violations.push(format!("counts: {exact} events are counted as refused, {refused} were"));
        }
        self.unseen += later;
        if let Some(waiting) = &waiting {
            let later = std::mem::take(&mut self.unseen);
            self.find_lost(waiting, later, seen);
        }
        self.settle_arrived();
        self.dropped = seen.dropped.clone();
    }

    fn take(&mut self, said: &Said, seen: &Seen<'_>) {
        // Taken in and sent under the yes that covered it, whatever was said before its file went.
        let has_come = said.errors.iter().any(|number| self.taken.get(*number).is_some_and(One::has_come));
        let is_excused = has_come && (said.is_covered || said.erased_after.is_some());
        for number in &said.errors {
            self.taken.waits(*number, || said.at);
        }
        // What waits is erased with the yes, and comes never.
        for feature in said.uses.iter().filter(|_| said.erased_after.is_none()) {
            *self.uses.entry((*feature, month(said.at))).or_default() += 1;
        }
        if is_excused {
            return;
        }
        if seen.granted.is_none() && seen.ended.is_none_or(|ended| said.at >= ended) {
            self.violations.push(format!("permit: {} was taken in without a grant", said.name));
        } else if seen.granted.is_some_and(|granted| said.at < granted) && !said.is_covered {
            self.violations
                .push(format!("permit: {} was taken in, and its events precede the grant", said.name));
        }
    }

    /// A file went unread, or all its events were refused: for one of these reasons.
    fn refuse(&mut self, said: &Said, seen: &Seen<'_>, is_granted: bool, has_expired: bool) {
        let precedes = seen.granted.is_some_and(|granted| said.at < granted);
        let is_ahead = said.at > seen.wall + AHEAD;
        let is_over = said.at > LAST;
        // What nobody said no to stays in the outbox for 30 days; a clock that is wrong may make that less.
        // A clock that goes on by less than 45 days may as well be that of a workstation that was off.
        let ahead = seen.wall - seen.now;
        let is_ahead_alike = ahead <= 45 * DAY && seen.wall - said.at >= 30 * DAY;
        let is_kept_long =
            has_expired && (seen.now - said.written >= 30 * DAY || said.written != said.at || is_ahead_alike);
        let is_ended = seen.over_since.is_some_and(|since| seen.now - since >= seen.on_device.0 * DAY);
        if !(seen.may_refuse || is_kept_long || is_ended || is_granted && (precedes || is_ahead || is_over)) {
            let (at, wall) = (date(said.at), date(seen.wall));
            let counts = (&self.dropped, seen.dropped);
            let what = format!(
                "outbox: {} of {at} was removed at {wall} although nobody said no: {counts:?}",
                said.name
            );
            self.violations.push(what);
        }
    }

    /// What neither waits nor came must be counted.
    fn find_lost(&mut self, waiting: &BTreeSet<u64>, counted: u64, seen: &Seen<'_>) {
        let gone: Vec<(u64, i64)> =
            self.taken.waiting().filter(|(number, _)| !waiting.contains(number)).collect();
        let lost = gone.len() as u64;
        for (number, happened) in gone {
            self.taken.moved(number, Place::Gone);
            self.loose.insert(month(happened));
            if seen.wall - happened < seen.on_device.0 * DAY {
                let (at, wall) = (date(happened), date(seen.wall));
                self.violations
                    .push(format!("retention: event {number} of {at} was dropped too early, at {wall}"));
            }
        }
        if lost > counted {
            self.violations.push(format!("lost: {lost} events are gone, {counted} are counted"));
        }
        for (number, happened) in self.taken.waiting() {
            // Only while the clock goes on without a leap: otherwise the agent counts fewer days, which it may.
            let is_steady =
                happened - (seen.wall - seen.now) >= seen.clock_since && seen.now - self.back > STEADY;
            // The daily look is after the period's end; a day when the workstation is on may be three later.
            if is_steady && seen.wall - happened > (seen.on_device.1 + 2) * DAY {
                self.violations.push(format!("retention: event {number} of {} still waits", date(happened)));
            }
        }
    }

    /// Everything on the device was erased.
    pub fn erased(&mut self) {
        self.settle_arrived();
        self.taken.move_all(Place::Gone, |_, place| place == Place::Waiting);
        self.uses.values_mut().for_each(|left| *left = 0);
        let before = erased_of(&self.dropped);
        for said in self.files.values_mut().filter(|said| said.is_covered) {
            (said.is_covered, said.erased_after) = (false, Some(before));
        }
    }

    /// A restriction is over: what was said under it may be taken in under the yes that stands since then.
    pub fn released(&mut self, since: i64) {
        let said = self.files.values_mut().filter(|said| said.at >= since && said.erased_after.is_none());
        said.for_each(|said| said.is_covered = true);
    }

    /// The agent's data is that of an older state: what was taken in since is lost with the disk.
    pub fn restored(&mut self, image: &Self) {
        self.taken.move_all(Place::Gone, |number, place| place == Place::Waiting && !image.taken.has(number));
        self.loosen();
        self.dropped = image.dropped.clone();
    }

    /// An older copy of the agent's data sends sums of its own: they follow from nothing that is known here.
    pub fn loosen(&mut self) {
        self.loose.extend(self.uses.keys().map(|(_, month)| *month));
    }

    /// The counts of months that began until then may be gone.
    fn loosen_until(&mut self, until: i64) {
        self.loose.extend(self.uses.keys().map(|(_, of)| *of).filter(|of| *of <= month(until)));
    }

    /// The vendor's store is that of an older state: what came since is gone there.
    pub fn vendor_restored(&mut self, since: &BTreeSet<u64>) {
        self.taken.move_all(Place::VendorLost, |number, place| {
            place.is_known_to_vendor() && !since.contains(&number)
        });
    }

    /// Everything that the vendor got was erased there: none of it may come again.
    pub fn erased_at_vendor(&mut self) {
        self.taken.move_all(Place::Erased, |_, place| place == Place::Vendor);
    }

    /// Numbers of the events that the vendor knows, also those that it erased.
    pub fn at_vendor(&self) -> BTreeSet<u64> {
        self.taken.numbers(Place::is_known_to_vendor)
    }

    /// Everything that could leave has left: nothing may be missing.
    pub fn settled(&mut self, now: i64) {
        let waiting = self.taken.waiting().count();
        if waiting > 0 {
            self.violations.push(format!("lost: {waiting} events never came, and nobody counted them"));
        }
        for ((feature, of), left) in &self.uses {
            if *left > 0 && *of < month(now) && !self.loose.contains(of) {
                self.violations
                    .push(format!("sums: {left} uses of feature {feature} of month {of} never came"));
            }
        }
    }
}

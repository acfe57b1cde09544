//! What the store may hold of one device and what it answers, in plain sets and lists: no SQL, no ranges, no sums.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ledger::EventKind;
use protocol::{Digest, Epoch, Reason};

use time::OffsetDateTime;

use crate::store::{Refused, time};

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;
/// Months of the calendar of the retention class of all batches.
const KEPT: i32 = 14;

/// Whether the months went by: the day has the number of the first one, or is the last of a month that has none.
fn is_over(began: i64, now: i64) -> bool {
    let (began, now) = (time(began), time(now));
    let month = |at: OffsetDateTime| at.year() * 12 + i32::from(u8::from(at.month()));
    let last = now.month().length(now.year());
    let passed = (now.day(), now.time()) >= (began.day().min(last), began.time());
    month(now) - month(began) - i32::from(!passed) >= KEPT
}

/// A ledger line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) hash: Digest,
    pub(super) index: u64,
    pub(super) kind: EventKind,
    /// End of a grant's life, microseconds.
    pub(super) until: i64,
}

/// What a restored store has to do again.
pub(super) enum Again {
    Erase(i64),
    Retain(i64),
    Line(Line),
}

/// A batch, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) epoch: Epoch,
    pub(super) lo: u64,
    pub(super) hi: u64,
    pub(super) consent: Digest,
    /// Tells the contents of one range apart.
    pub(super) twist: u64,
    pub(super) gaps: Vec<(Epoch, u64, u64, Reason)>,
}

/// A batch that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    said: Said,
    received: i64,
    fresh: Vec<u64>,
}

/// What becomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    Refused(Refused),
    Conflict,
    Held,
    New { fresh: Vec<u64>, gaps: BTreeMap<(Epoch, u64), Reason> },
}

/// A record as a reader gets it: epoch, number, twist, when it came.
pub(super) type Seen = (Epoch, u64, u64, i64);

/// Everything of the device.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) lines: Vec<Line>,
    stored: Vec<Stored>,
    /// Numbers that were ever taken: what was erased stays here.
    taken: BTreeSet<(Epoch, u64)>,
    /// Numbers that were declared lost, each under its first reason.
    lost: BTreeMap<(Epoch, u64), Reason>,
}

impl Model {
    fn allows(&self, consent: Digest) -> Result<&Line, Refused> {
        use EventKind::{Denied, Granted, Released, Restricted, Withdrawn};
        let grant = self.lines.iter().find(|line| line.hash == consent).ok_or(Refused::Unknown)?;
        if grant.kind != Granted {
            return Err(Refused::NotGiven);
        }
        let later: Vec<EventKind> =
            self.lines.iter().filter(|line| line.index > grant.index).map(|line| line.kind).collect();
        if later.contains(&Denied) || later.contains(&Withdrawn) {
            return Err(Refused::Ended);
        }
        match later.iter().rfind(|kind| matches!(kind, Restricted | Released)) {
            Some(Restricted) => Err(Refused::Restricted),
            _ => Ok(grant),
        }
    }

    /// Does again what a restored store has to.
    pub(super) fn again(&mut self, again: &Again) {
        match again {
            Again::Erase(until) => drop(self.erase(*until)),
            Again::Retain(now) => drop(self.retain(*now)),
            Again::Line(line) => self.lines.push(line.clone()),
        }
    }

    /// What becomes of a batch at `now`, and does it.
    pub(super) fn put(&mut self, said: &Said, now: i64) -> Becomes {
        let until = match self.allows(said.consent) {
            Ok(grant) => grant.until,
            Err(refused) => return Becomes::Refused(refused),
        };
        let range = (said.epoch, said.lo, said.hi);
        let same = self.stored.iter().find(|known| (known.said.epoch, known.said.lo, known.said.hi) == range);
        if same.is_some_and(|known| (known.said.consent, known.said.twist) != (said.consent, said.twist)) {
            return Becomes::Conflict;
        }
        let fresh: Vec<u64> =
            (said.lo..=said.hi).filter(|number| !self.taken.contains(&(said.epoch, *number))).collect();
        let mut gaps = BTreeMap::new();
        for &(epoch, lo, hi, reason) in &said.gaps {
            for number in (lo..=hi).filter(|number| !self.lost.contains_key(&(epoch, *number))) {
                gaps.entry((epoch, number)).or_insert(reason);
            }
        }
        if fresh.is_empty() && gaps.is_empty() {
            return Becomes::Held;
        }
        if until < now {
            return Becomes::Refused(Refused::Expired);
        }
        self.taken.extend(fresh.iter().map(|number| (said.epoch, *number)));
        self.lost.extend(gaps.iter().map(|(at, reason)| (*at, *reason)));
        self.stored.push(Stored { said: said.clone(), received: now, fresh: fresh.clone() });
        Becomes::New { fresh, gaps }
    }

    /// Erased on request: what came until then.
    pub(super) fn erase(&mut self, until: i64) -> u64 {
        let gone = self.stored.extract_if(.., |stored| stored.received <= until);
        gone.map(|stored| stored.fresh.len() as u64).sum()
    }

    /// The period is over for what came so long before `now`.
    pub(super) fn retain(&mut self, now: i64) -> u64 {
        let gone = self.stored.extract_if(.., |stored| is_over(stored.received, now));
        gone.map(|stored| stored.fresh.len() as u64).sum()
    }

    /// Whether any batch is held.
    pub(super) fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Records that are held.
    pub(super) fn held(&self) -> BTreeSet<Seen> {
        self.stored.iter().flat_map(Stored::seen).collect()
    }

    /// Records that a reader gets.
    pub(super) fn exported(&self) -> BTreeSet<Seen> {
        let mut pauses =
            self.lines.iter().filter(|line| matches!(line.kind, EventKind::Restricted | EventKind::Released));
        let newest = pauses.next_back().filter(|line| line.kind == EventKind::Restricted);
        let given =
            |consent| self.lines.iter().find(|line| line.hash == consent).map_or(0, |line| line.index);
        let is_shown = |stored: &&Stored| newest.is_none_or(|line| given(stored.said.consent) >= line.index);
        self.stored.iter().filter(is_shown).flat_map(Stored::seen).collect()
    }

    /// Numbers that were declared lost and that nobody ever sent.
    pub(super) fn losses(&self) -> BTreeMap<(Epoch, u64), Reason> {
        let lost = self.lost.iter().filter(|(at, _)| !self.taken.contains(at));
        lost.map(|(at, reason)| (*at, *reason)).collect()
    }
}

impl Stored {
    fn seen(&self) -> impl Iterator<Item = Seen> + '_ {
        self.fresh.iter().map(|number| (self.said.epoch, *number, self.said.twist, self.received))
    }
}

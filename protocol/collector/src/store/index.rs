//! What of a stream is held: exactly once by number, never by time.
//!
//! Per epoch the held numbers are ranges: the contiguous high-water mark is the end of the first, the
//! sparse set above it is the rest. Beside them lie the gaps that the device declared. The index has
//! no file: a stream's log, replayed, gives it back.

use std::collections::BTreeMap;

use protocol::{Batch, Digest, Epoch, Reason};

use super::ranges::Ranges;

/// Ranges of one stream, of all epochs together: some 10 MB. An epoch without holes is one, so this is
/// ten starts a day for thirty years.
const MAX_SPANS: usize = 1 << 17;
/// Names of batches that are remembered to tell a repeat from a conflict. At four batches a day, more
/// than 90 days; what falls out is still never stored twice.
const MAX_NAMES: usize = 1 << 10;

/// What a batch would add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Records or gaps that were not known.
    New,
    /// Nothing.
    Held,
    /// It has the name of another batch, and other records.
    Conflict,
    /// More ranges than are kept.
    Full,
}

/// The numbers of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    epochs: BTreeMap<Epoch, Numbers>,
    names: BTreeMap<(Epoch, u64, u64), Digest>,
    spans: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Numbers {
    held: Ranges,
    lost: BTreeMap<Reason, Ranges>,
}

/// How much of a stream came, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Held.
    pub(crate) held: u64,
    /// Declared as gaps, and not held.
    pub(crate) lost: u64,
    /// Below the highest number held, and neither.
    pub(crate) missing: u64,
}

impl Index {
    /// What `batch` would add.
    pub(crate) fn weigh(&self, batch: &Batch) -> Verdict {
        if self.names.get(&name(batch)).is_some_and(|known| *known != content(batch)) {
            return Verdict::Conflict;
        }
        let none = Numbers::default();
        let numbers = |epoch| self.epochs.get(epoch).unwrap_or(&none);
        let adds = !numbers(&batch.epoch).held.missing(batch.lo, batch.hi()).is_empty()
            || batch.gaps.iter().any(|gap| !numbers(&gap.epoch).undeclared(gap.lo, gap.hi).is_empty());
        match adds {
            false => Verdict::Held,
            true if self.spans >= MAX_SPANS => Verdict::Full,
            true => Verdict::New,
        }
    }

    /// Adds `batch`. Returns the ranges of its records that were not held before.
    pub(crate) fn take(&mut self, batch: &Batch) -> Vec<(u64, u64)> {
        self.names.entry(name(batch)).or_insert_with(|| content(batch));
        if self.names.len() > MAX_NAMES {
            self.names.pop_first();
        }
        for gap in &batch.gaps {
            self.change(gap.epoch, |numbers| {
                for (lo, hi) in numbers.undeclared(gap.lo, gap.hi) {
                    numbers.lost.entry(gap.reason).or_default().insert(lo, hi);
                }
            });
        }
        self.change(batch.epoch, |numbers| {
            let fresh = numbers.held.missing(batch.lo, batch.hi());
            numbers.held.insert(batch.lo, batch.hi());
            fresh
        })
    }

    /// Gaps that were declared and not filled, each number once, under the reason given first.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (Epoch, Reason, u64, u64)> {
        self.epochs.iter().flat_map(|(&epoch, numbers)| {
            numbers.lost.iter().flat_map(move |(&reason, lost)| {
                lost.iter()
                    .flat_map(|(lo, hi)| numbers.held.missing(lo, hi))
                    .map(move |(lo, hi)| (epoch, reason, lo, hi))
            })
        })
    }

    /// How much came.
    pub(crate) fn count(&self) -> Count {
        let lost = self.losses().fold(0, |sum: u64, (_, _, lo, hi)| sum.saturating_add(hi - lo + 1));
        let held = self.epochs.values().map(|numbers| numbers.held.count()).sum();
        let missing = self.epochs.values().map(Numbers::missing).sum();
        Count { held, lost, missing }
    }

    /// The epochs that were seen, ascending.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = Epoch> {
        self.epochs.keys().copied()
    }

    fn change<T>(&mut self, epoch: Epoch, change: impl FnOnce(&mut Numbers) -> T) -> T {
        let numbers = self.epochs.entry(epoch).or_default();
        let before = numbers.spans();
        let out = change(numbers);
        self.spans = self.spans + numbers.spans() - before;
        out
    }
}

impl Numbers {
    /// The parts of `lo..=hi` that no gap declared yet.
    fn undeclared(&self, lo: u64, hi: u64) -> Vec<(u64, u64)> {
        self.lost.values().fold(vec![(lo, hi)], |parts, declared| {
            parts.into_iter().flat_map(|(lo, hi)| declared.missing(lo, hi)).collect()
        })
    }

    /// How many numbers below the highest one held were neither sent nor declared.
    fn missing(&self) -> u64 {
        let Some(last) = self.held.last() else { return 0 };
        let holes = self.held.missing(0, last).into_iter();
        holes.flat_map(|(lo, hi)| self.undeclared(lo, hi)).map(|(lo, hi)| hi - lo + 1).sum()
    }

    fn spans(&self) -> usize {
        self.held.spans() + self.lost.values().map(Ranges::spans).sum::<usize>()
    }
}

fn name(batch: &Batch) -> (Epoch, u64, u64) {
    (batch.epoch, batch.lo, batch.hi())
}

/// What the batch's records say. A device that lost a reply sends the same range again, perhaps with
/// gaps that it knows of only now or compressed by a newer version: that is no conflict.
fn content(batch: &Batch) -> Digest {
    Digest::of(&Batch { gaps: Vec::new(), ..batch.clone() }.encode())
}

//! A set of sequence numbers as closed ranges: what a stream's numbers are, mostly, is one range from
//! 0 to the high-water mark.

use rangemap::RangeInclusiveSet;

/// Numbers as disjoint closed ranges that do not touch each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(RangeInclusiveSet<u64>);

impl Ranges {
    /// The ranges, ascending: first number and last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|range| (*range.start(), *range.end()))
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.iter().fold(0, |sum: u64, (lo, hi)| sum.saturating_add((hi - lo).saturating_add(1)))
    }

    /// The highest number.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.last().map(|range| *range.end())
    }

    /// The parts of `lo..=hi` that are not in the set, ascending.
    pub(crate) fn missing(&self, lo: u64, hi: u64) -> Vec<(u64, u64)> {
        self.0.gaps(&(lo..=hi)).map(|gap| (*gap.start(), *gap.end())).collect()
    }

    /// Adds `lo..=hi`.
    pub(crate) fn insert(&mut self, lo: u64, hi: u64) {
        self.0.insert(lo..=hi);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::testing::Random;

    #[test]
    fn agrees_with_a_set_of_numbers() {
        let mut random = Random::seeded();
        for _ in 0..200 {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for _ in 0..30 {
                let lo = random.below(60);
                let hi = lo + random.below(8);
                let missing: Vec<u64> =
                    ranges.missing(lo, hi).into_iter().flat_map(|(lo, hi)| lo..=hi).collect();
                assert_eq!(missing, (lo..=hi).filter(|n| !model.contains(n)).collect::<Vec<_>>());
                ranges.insert(lo, hi);
                model.extend(lo..=hi);
                assert_eq!(ranges.count(), model.len() as u64);
                assert_eq!(ranges.last(), model.last().copied());
                let gaps = model.iter().filter(|&&n| n > 0 && !model.contains(&(n - 1))).count();
                assert_eq!(ranges.iter().count(), gaps + usize::from(model.contains(&0)));
            }
        }
    }

    #[test]
    fn reaches_the_last_number_without_overflow() {
        let mut ranges = Ranges::default();
        ranges.insert(u64::MAX - 1, u64::MAX);
        ranges.insert(0, 0);
        assert_eq!(ranges.missing(0, u64::MAX), [(1, u64::MAX - 2)]);
        ranges.insert(0, u64::MAX);
        assert_eq!(ranges.missing(0, u64::MAX), []);
        assert_eq!(ranges.count(), u64::MAX);
    }
}

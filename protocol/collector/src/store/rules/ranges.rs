//! A set of sequence numbers as closed ranges: what a stream's numbers are, mostly, is one range from
//! 0 to the high-water mark.

use std::collections::BTreeMap;

/// Numbers as disjoint closed ranges that do not touch each other; first number to last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// The ranges, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(&lo, &hi)| (lo, hi))
    }

    /// How many ranges there are.
    #[cfg(test)]
    pub(crate) fn spans(&self) -> usize {
        self.0.len()
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.iter().fold(0, |sum: u64, (lo, hi)| sum.saturating_add((hi - lo).saturating_add(1)))
    }

    /// The highest number.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, &hi)| hi)
    }

    /// The parts of `lo..=hi` that are not in the set, ascending.
    pub(crate) fn missing(&self, lo: u64, hi: u64) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        let mut from = lo;
        for (start, end) in self.touching(lo, hi) {
            if start > from {
                out.push((from, start - 1));
            }
            if end >= hi {
                return out;
            }
            from = end + 1;
        }
        out.push((from, hi));
        out
    }

    /// Adds `lo..=hi`.
    pub(crate) fn insert(&mut self, lo: u64, hi: u64) {
        let neighbours: Vec<_> = self.touching(lo.saturating_sub(1), hi.saturating_add(1)).collect();
        let (mut first, mut last) = (lo, hi);
        for (start, end) in neighbours {
            self.0.remove(&start);
            first = first.min(start);
            last = last.max(end);
        }
        self.0.insert(first, last);
    }

    /// The ranges that share a number with `lo..=hi`, ascending.
    fn touching(&self, lo: u64, hi: u64) -> impl Iterator<Item = (u64, u64)> {
        let before = self.0.range(..lo).next_back().filter(move |&(_, &end)| end >= lo);
        before.into_iter().chain(self.0.range(lo..=hi)).map(|(&start, &end)| (start, end))
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
                assert_eq!(ranges.spans(), gaps + usize::from(model.contains(&0)));
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

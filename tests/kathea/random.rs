//! Numbers from a seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").

/// The same seed, the same numbers, on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        low + (self.next() % width) as u32
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: u32) -> bool {
        self.within(1, 100) <= chance
    }

    pub(crate) fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let last = u32::try_from(words.len().saturating_sub(1)).unwrap_or(0);
        words[self.within(0, last) as usize]
    }

    /// A word, by the weights beside them.
    pub(crate) fn weighted<'a>(&mut self, words: &[(&'a str, u32)]) -> &'a str {
        let mut left = self.within(1, words.iter().map(|(_, weight)| weight).sum());
        for (word, weight) in words {
            if left <= *weight {
                return word;
            }
            left -= weight;
        }
        ""
    }
}

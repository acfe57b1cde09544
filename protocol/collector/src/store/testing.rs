//! What the tests of the store share: random numbers that can be had again, and batches.

use protocol::{Batch, Digest, Epoch, Gap, Header, Purpose, Reason, Record, Retention, Value};

/// Splitmix64, for sequences of operations.
pub(crate) struct Random(u64);

impl Random {
    /// From `SEED` in the environment, or the same every time; printed, so that a failure shows it.
    pub(crate) fn seeded() -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
        println!("SEED={seed}");
        Self(seed)
    }

    /// From this seed.
    pub(crate) fn seeded_by(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to and without `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// An epoch with this counter; `copy` tells forks apart.
pub(crate) fn epoch(counter: u64, copy: u8) -> Epoch {
    Epoch { counter, random: [copy; 8] }
}

/// A batch of device errors, each of which says its own number.
pub(crate) fn batch(epoch: Epoch, lo: u64, hi: u64) -> Batch {
    let record = |seq| Record { entry: 29, at: 500_000, attributes: vec![seq, 0, 0, 1], value: Value::Plain };
    Batch {
        header: Header {
            purpose: Purpose::UsageStatistics,
            agent: "0.1.0".to_owned(),
            catalog: Digest::of(b"catalog"),
            consent: Digest::of(b"consent"),
            retention: Retention::Usage24Months,
        },
        epoch,
        lo,
        records: (lo..=hi).map(record).collect(),
        gaps: Vec::new(),
    }
}

/// A gap for a reason.
pub(crate) fn gap(epoch: Epoch, lo: u64, hi: u64, reason: Reason) -> Gap {
    Gap { epoch, lo, hi, reason }
}

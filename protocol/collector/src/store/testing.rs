//! What the tests of the store share: random numbers that can be had again, and batches.

use protocol::{Batch, Digest, Epoch, Gap, Header, Purpose, Reason, Record, Retention, Value};
pub(crate) use test_support::Random;

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

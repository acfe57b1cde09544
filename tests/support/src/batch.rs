//! A batch of usage to fill in.

use protocol::{Batch, Digest, Epoch, Header, Purpose, Record, Retention, Value};

/// What a batch of usage under `consent` says of itself.
pub fn header(consent: Digest) -> Header {
    Header {
        purpose: Purpose::UsageStatistics,
        agent: "0.1.0".to_owned(),
        catalog: Digest::of(b"catalog"),
        consent,
        retention: Retention::Usage24Months,
    }
}

/// Device errors numbered `lo..=hi`, each of which says its own number, so that a mix-up shows.
pub fn batch(consent: Digest, epoch: Epoch, lo: u64, hi: u64) -> Batch {
    let record = |seq| Record { entry: 29, at: 500_000, attributes: vec![seq, 0, 0, 1], value: Value::Plain };
    Batch { header: header(consent), epoch, lo, records: (lo..=hi).map(record).collect(), gaps: Vec::new() }
}

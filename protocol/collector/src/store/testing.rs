//! What the tests of the store share: random numbers that can be had again, and batches.

use std::fs;
use std::path::Path;

use protocol::{Batch, Digest, Epoch, Gap, Reason};
pub(crate) use test_support::Random;

/// An epoch with this counter; `copy` tells forks apart.
pub(crate) fn epoch(counter: u64, copy: u8) -> Epoch {
    Epoch { counter, random: [copy; 8] }
}

/// A batch of device errors, each of which says its own number.
pub(crate) fn batch(epoch: Epoch, lo: u64, hi: u64) -> Batch {
    test_support::batch(Digest::of(b"consent"), epoch, lo, hi)
}

/// A gap for a reason.
pub(crate) fn gap(epoch: Epoch, lo: u64, hi: u64, reason: Reason) -> Gap {
    Gap { epoch, lo, hi, reason }
}

/// Copies a data directory, as it is at this moment.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if source.is_dir() {
            copy(&source, &to.join(name));
        } else if name != "lock" {
            // The lock knows a copy, and the place is the same one.
            fs::copy(&source, to.join(name)).unwrap();
        }
    }
}

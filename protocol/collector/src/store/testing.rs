//! What the tests of the store share: random numbers that can be had again, and batches.

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

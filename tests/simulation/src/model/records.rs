//! What the model reads out of records and counts.

use std::collections::BTreeMap;

use protocol::{Reason, Record};

use super::{DEVICE_ERROR, LATER};

/// What is counted as gone after it was taken in.
pub(super) fn erased_of(dropped: &BTreeMap<Reason, u64>) -> u64 {
    LATER.iter().filter_map(|reason| dropped.get(reason)).sum()
}

/// The number of an error of the X1; none of another record.
pub(crate) fn number_of(record: &Record) -> Option<u64> {
    if record.entry != DEVICE_ERROR {
        return None;
    }
    let (code, repeats) = (record.attributes.first()?, record.attributes.get(3)?);
    Some(code + (repeats - 1) * 60_000)
}

/// Code and repeats by which an error is known.
pub fn attributes_of(number: u64) -> (u64, u64) {
    (number % 60_000, number / 60_000 + 1)
}

/// The month that a record is about.
pub(super) fn month_of(record: &Record) -> i32 {
    i32::try_from(record.at).unwrap_or(0) + 1970 * 12
}

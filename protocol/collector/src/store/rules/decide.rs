//! Verdict on a batch: exactly once, by number and never by time.

use std::collections::BTreeMap;

use protocol::{Digest, Epoch, Gap, Purpose, Reason};
use serde::{Deserialize, Serialize};

use super::consent::{self, Line, Refused};
use super::limits::{self, Reached, Used};
use super::ranges::Ranges;

/// Whether a device may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// Never enrolled here.
    Unknown,
    /// Welcome.
    Active,
    /// Refused by the vendor.
    Revoked,
    /// Decommissioned by its owner.
    Retired,
}

/// What a batch asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The stream.
    pub(crate) purpose: Purpose,
    /// Likewise.
    pub(crate) epoch: Epoch,
    /// Number of the first record.
    pub(crate) lo: u64,
    /// Number of the last record.
    pub(crate) hi: u64,
    /// The ledger entry that it rests on.
    pub(crate) consent: Digest,
    /// What its records say (`rules::content`).
    pub(crate) content: Digest,
    /// Bytes of the envelope.
    pub(crate) bytes: i64,
    /// What will never come.
    pub(crate) gaps: Vec<Gap>,
}

/// What an engine loads before it decides.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Of the device.
    pub(crate) standing: Standing,
    /// All ledger entries of the device.
    pub(crate) lines: Vec<Line>,
    /// What it used up, this request included.
    pub(crate) used: Used,
    /// The held ranges of the request's epoch that share a number with it or touch it.
    pub(crate) held: Ranges,
    /// How many ranges and gaps the epoch has in all.
    pub(crate) spans: i64,
    /// Of the epochs that the request's gaps name: the declared gaps that share a number with one of them, and
    /// how many gaps the epoch has in all.
    pub(crate) declared: BTreeMap<Epoch, (Ranges, i64)>,
    /// Streams that storing the batch would begin.
    pub(crate) new_streams: i64,
    /// Content of the stored batch of this very range, if there is one.
    pub(crate) same_range: Option<Digest>,
    /// Whether the named entry, if it is known, covers the batch (`rules::terms`).
    pub(crate) covers: Result<(), Refused>,
}

impl Facts {
    /// Gaps of all epochs that the request's gaps name. Beyond the limit an engine need not load them.
    pub(crate) fn declared_spans(&self) -> i64 {
        self.declared.values().fold(0, |sum, (_, spans)| sum.saturating_add(*spans))
    }
}

/// What becomes of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The device may not come.
    NotServed(Standing),
    /// Not under the consent that it names.
    Refused(Refused),
    /// It has the range of a stored batch, and other records.
    Conflict,
    /// More than is kept of a device.
    Full(Reached),
    /// All of it is held already, or was and is erased.
    Held,
    /// Store it.
    New(Change),
}

/// What storing a batch changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The parts of its range that were not held before.
    pub(crate) fresh: Vec<(u64, u64)>,
    /// Held ranges that go, by their first numbers: the next one swallows them.
    pub(crate) swallowed: Vec<u64>,
    /// The held range that comes.
    pub(crate) held: (u64, u64),
    /// Gaps that come.
    pub(crate) gaps: Vec<(Epoch, u64, u64, Reason)>,
}

/// Decides about one batch.
pub(crate) fn decide(facts: &Facts, request: &Request) -> Verdict {
    if facts.standing != Standing::Active {
        return Verdict::NotServed(facts.standing);
    }
    if let Err(reached) = facts.used.allows_request() {
        return Verdict::Full(reached);
    }
    if let Err(refused) = consent::allows(&facts.lines, request.consent, request.purpose) {
        return Verdict::Refused(refused);
    }
    if facts.same_range.is_some_and(|content| content != request.content) {
        return Verdict::Conflict;
    }
    let fresh = facts.held.missing(request.lo, request.hi);
    let gaps = new_gaps(&facts.declared, &request.gaps);
    if fresh.is_empty() && gaps.is_empty() {
        // Acknowledged also when the grant's period is over meanwhile: it adds nothing.
        return Verdict::Held;
    }
    if let Err(refused) = facts.covers {
        return Verdict::Refused(refused);
    }
    if let Err(reached) = facts.used.allows_bytes(request.bytes) {
        return Verdict::Full(reached);
    }
    let too_many = facts.spans >= limits::SPANS
        || facts.declared_spans() >= limits::SPANS
        || facts.used.streams.saturating_add(facts.new_streams) > limits::STREAMS;
    if too_many {
        return Verdict::Full(Reached::ForGood);
    }
    let mut held = facts.held.clone();
    let swallowed = held.iter().map(|(lo, _)| lo).collect();
    held.insert(request.lo, request.hi);
    // Every loaded range shares a number with the batch or touches it, so one range is left.
    let held = held.iter().next().unwrap_or((request.lo, request.hi));
    Verdict::New(Change { fresh, swallowed, held, gaps })
}

/// The parts of `gaps` that nobody declared before, each number once, under the reason given first.
fn new_gaps(declared: &BTreeMap<Epoch, (Ranges, i64)>, gaps: &[Gap]) -> Vec<(Epoch, u64, u64, Reason)> {
    let mut declared: BTreeMap<Epoch, Ranges> =
        declared.iter().map(|(epoch, (ranges, _))| (*epoch, ranges.clone())).collect();
    let mut out = Vec::new();
    for gap in gaps {
        let ranges = declared.entry(gap.epoch).or_default();
        for (lo, hi) in ranges.missing(gap.lo, gap.hi) {
            ranges.insert(lo, hi);
            out.push((gap.epoch, lo, hi, gap.reason));
        }
    }
    out
}

#[cfg(test)]
mod tests;

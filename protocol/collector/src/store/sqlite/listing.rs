//! Amount of data stored per device.

use std::collections::BTreeMap;

use crate::store::engine::{Connection, Row};
use protocol::{Epoch, Purpose};

use super::device::{self, Device};
use super::export::all_held;
use super::rows::{self, Word};
use super::streams::{self, Name, Stream, gap_sum};
use super::{Listed, labels, restrictions, versions};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::ranges::Ranges;

/// How much of a device's purpose came, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Held, or held once and erased since.
    pub(crate) held: u64,
    /// Declared as gaps, and not held.
    pub(crate) lost: u64,
    /// Below the highest number held, and neither.
    pub(crate) missing: u64,
    /// When the last of it came.
    pub(crate) received: i64,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) device: Device,
    pub(crate) label: Option<String>,
    /// The last version that each component was said to have.
    pub(crate) versions: BTreeMap<String, String>,
    /// Two copies of one device, a restored disk or a clone, have written here.
    pub(crate) is_fork: bool,
    /// Purposes whose processing is restricted.
    pub(crate) restricted: Vec<Purpose>,
    pub(crate) streams: BTreeMap<Purpose, Count>,
}

impl Store {
    /// Hands `each` every device that was ever enrolled; a damaged one as its sentence.
    pub(crate) fn devices(
        &self,
        mut each: impl FnMut(Listed<Seen>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read(|sql| {
            device::all(sql, |device| {
                each(device.and_then(|device| {
                    let (streams, is_fork) = counts(sql, &device)?;
                    let label = labels::of(sql, device.no)?;
                    let hidden = restrictions::of(sql, &device)?;
                    let versions = match hidden.hides(Purpose::UsageStatistics) {
                        true => BTreeMap::new(),
                        false => versions::of(sql, device.no)?,
                    };
                    let versions = versions.into_iter();
                    let versions =
                        versions.filter_map(|(component, mut known)| Some((component, known.pop()?.version)));
                    let (versions, restricted) = (versions.collect(), hidden.purposes());
                    Ok(Seen { label, versions, is_fork, restricted, streams, device })
                }))
            })
        })
    }
}

fn counts(sql: &Connection, device: &Device) -> Result<(BTreeMap<Purpose, Count>, bool), Failure> {
    let statement = "SELECT device, purpose, epoch, n, chain, base_n, base_chain, spans, gaps, received, sum FROM stream \
                     WHERE device = ?1 ORDER BY purpose, epoch";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query([device.no])?;
    let (mut out, mut epochs) = (BTreeMap::<Purpose, Count>::new(), Vec::new());
    while let Some(row) = found.next()? {
        let (name, stream) = stream(&row)?;
        epochs.push(name.epoch);
        if stream.n > 0 || stream.gaps > 0 {
            let count = out.entry(name.purpose).or_default();
            let of = count_of(sql, name, &stream)?;
            count.held = count.held.saturating_add(of.held);
            count.lost = count.lost.saturating_add(of.lost);
            count.missing = count.missing.saturating_add(of.missing);
            count.received = count.received.max(of.received);
        }
    }
    epochs.sort_unstable();
    epochs.dedup();
    Ok((out, is_fork(&epochs)))
}

fn stream(row: &Row<'_>) -> Result<(Name, Stream), Failure> {
    let name = Name::read(row)?;
    let (stream, stored) = streams::read(row, 3)?;
    Ok((name, streams::check(name, stream, stored)?))
}

fn count_of(sql: &Connection, name: Name, stream: &Stream) -> Result<Count, Failure> {
    let held = all_held(sql, name)?;
    let declared = if stream.gaps > 0 { all_declared(sql, name)? } else { Ranges::default() };
    let lost = declared.iter().flat_map(|(lo, hi)| held.missing(lo, hi));
    let lost = lost.fold(0, |sum: u64, (lo, hi)| sum.saturating_add((hi - lo).saturating_add(1)));
    let holes = held.last().map_or(Vec::new(), |last| held.missing(0, last));
    let missing = holes.into_iter().flat_map(|(lo, hi)| declared.missing(lo, hi));
    let missing = missing.fold(0, |sum: u64, (lo, hi)| sum.saturating_add((hi - lo).saturating_add(1)));
    Ok(Count { held: held.count(), lost, missing, received: stream.received })
}

fn all_declared(sql: &Connection, name: Name) -> Result<Ranges, Failure> {
    let statement =
        "SELECT lo, hi, reason, sum FROM gap WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 ORDER BY lo";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query((name.device, name.purpose.place(), name.epoch.to_bytes()))?;
    let mut out = Ranges::default();
    while let Some(row) = found.next()? {
        let (lo, hi, reason): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let what = || format!("a gap of device number {}", name.device);
        rows::check(row.get(3)?, gap_sum(name, lo, hi, reason), what)?;
        out.insert(rows::seq(lo), rows::seq(hi));
    }
    Ok(out)
}

/// Whether two of these epochs, ascending, share a counter, which one run of one disk never does.
fn is_fork(epochs: &[Epoch]) -> bool {
    epochs.iter().zip(epochs.iter().skip(1)).any(|(before, next)| before.counter == next.counter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::epoch;

    #[test]
    fn a_fork_is_one_counter_with_two_randoms() {
        assert!(!is_fork(&[epoch(1, 0), epoch(2, 0), epoch(3, 1)]));
        assert!(is_fork(&[epoch(1, 0), epoch(2, 0), epoch(2, 1)]));
    }
}

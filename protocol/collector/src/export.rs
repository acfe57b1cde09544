//! What the store holds, for a reader: every record once, by the names of the catalog; and what was
//! lost on the way.

use protocol::catalog::{Catalog, Entry, Kind, Shown};
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose, Reason, Record, Value};
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::lines::{Lines, Whole};
use crate::store::{Store, Stored, Wanted, text};

/// One record. The names of its fields are what other programs rely on.
#[derive(Serialize)]
struct Line<'a> {
    device: DeviceId,
    purpose: Purpose,
    epoch: Epoch,
    seq: u64,
    #[serde(flatten)]
    what: What<'a>,
    consent: Digest,
    catalog: Digest,
    agent: &'a str,
    received_at: &'a str,
}

/// What a record says.
#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    /// By the names of its catalog entry.
    Known {
        entry: &'a str,
        kind: &'static str,
        at: String,
        #[serde(serialize_with = "as_object")]
        attributes: Vec<(&'a str, Shown<'a>)>,
        value: Option<Buckets<'a>>,
        count: u64,
    },
    /// In the numbers it came in: another catalog's.
    Raw { entry: u16, kind: (), at: u32, attributes: &'a [u64], value: Option<Buckets<'a>>, count: u64 },
}

#[derive(Serialize)]
struct Buckets<'a> {
    bounds: &'a [u64],
    counts: &'a [u64],
}

/// Numbered records that will never come.
#[derive(Serialize)]
struct Loss {
    device: DeviceId,
    purpose: Purpose,
    epoch: Epoch,
    lo: u64,
    hi: u64,
    reason: Reason,
}

/// Every record that is held, in the order they came; how many there were, and whether all could be read.
pub(crate) fn records(store: &Store, lines: &mut Lines) -> Result<(u64, Whole), Failure> {
    let (mut count, mut whole) = (0, Whole::default());
    let looked = store.envelopes(Wanted::default(), |stored| {
        let Some(Stored { device, received, fresh, batch, .. }) = whole.pass(stored) else { return Ok(()) };
        let received_at = text(received);
        fresh.iter().try_for_each(|&(lo, hi)| {
            records_of(&batch, lo, hi).try_for_each(|(seq, record)| {
                count += 1;
                lines.put(&line(device, &batch, seq, record, &received_at))
            })
        })
    })?;
    whole.restricted(looked.restricted);
    Ok((count, whole))
}

/// Every declared gap that nothing filled, each number once.
pub(crate) fn losses(store: &Store, lines: &mut Lines) -> Result<(), Failure> {
    let mut whole = Whole::default();
    store.losses(|loss| {
        let Some((device, stream, lo, hi, reason)) = whole.pass(loss) else { return Ok(()) };
        lines.put(&Loss { device, purpose: stream.purpose, epoch: stream.epoch, lo, hi, reason })
    })?;
    whole.end("gaps")
}

/// The records of a batch from number `lo` to `hi`.
pub(crate) fn records_of(batch: &Batch, lo: u64, hi: u64) -> impl Iterator<Item = (u64, &Record)> {
    (batch.lo..).zip(&batch.records).filter(move |(seq, _)| (lo..=hi).contains(seq))
}

/// A record as it is shown.
pub(crate) fn record<'a>(
    device: DeviceId,
    batch: &'a Batch,
    seq: u64,
    record: &'a Record,
    received_at: &'a str,
) -> impl Serialize + 'a {
    line(device, batch, seq, record, received_at)
}

fn line<'a>(
    device: DeviceId,
    batch: &'a Batch,
    seq: u64,
    record: &'a Record,
    received_at: &'a str,
) -> Line<'a> {
    Line {
        device,
        purpose: batch.header.purpose,
        epoch: batch.epoch,
        seq,
        what: what(record),
        consent: batch.header.consent,
        catalog: batch.header.catalog,
        agent: &batch.header.agent,
        received_at,
    }
}

fn what(record: &Record) -> What<'_> {
    let (counts, count): (&[u64], u64) = match &record.value {
        Value::Plain => (&[], 1),
        Value::Count(count) => (&[], *count),
        Value::Buckets(counts) => (counts, counts.iter().fold(0, |sum, n| sum.saturating_add(*n))),
    };
    let entry = Catalog::built_in().entry(record.entry).filter(|entry| fits(entry, record));
    let bounds = entry.map_or(&[][..], |entry| &entry.bounds);
    let value = matches!(record.value, Value::Buckets(_)).then_some(Buckets { bounds, counts });
    match entry {
        Some(entry) => What::Known {
            entry: &entry.name,
            kind: word(entry.kind),
            at: entry.granularity.text(record.at),
            attributes: entry.describe_record(record),
            value,
            count,
        },
        None => What::Raw {
            entry: record.entry,
            kind: (),
            at: record.at,
            attributes: &record.attributes,
            value,
            count,
        },
    }
}

/// Whether this program's catalog has the entry as the record's writer knew it. Numbers, names and
/// the order of words are stable for ever, so the shape is all that can differ.
pub(crate) fn fits(entry: &Entry, record: &Record) -> bool {
    entry.attributes.len() == record.attributes.len()
        && match (entry.kind, &record.value) {
            (Kind::Event | Kind::State, Value::Plain) | (Kind::Counter, Value::Count(_)) => true,
            (Kind::Distribution, Value::Buckets(counts)) => counts.len() == entry.bounds.len() + 1,
            _ => false,
        }
}

/// The word of a kind.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Distribution => "distribution",
        Kind::Event => "event",
        Kind::State => "state",
    }
}

fn as_object<S: Serializer>(pairs: &[(&str, Shown<'_>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::store::testing::{batch, epoch};

    fn shown(entry: u16, attributes: &[u64], value: Value) -> Json {
        let mut batch = batch(epoch(1, 0), 0, 0);
        batch.records = vec![Record { entry, at: 500_000, attributes: attributes.to_vec(), value }];
        let device = DeviceId::from_bytes([7; 16]);
        let line = line(device, &batch, 5, &batch.records[0], "2026-11-21T10:00:00Z");
        serde_json::to_value(&line).unwrap()
    }

    #[test]
    fn a_known_record_has_its_names() {
        let line = shown(29, &[404, 1, 3, 2], Value::Plain);
        assert_eq!(line["entry"], "device.error");
        assert_eq!(line["kind"], "event");
        assert_eq!(line["at"], "2027-01-15T08");
        assert_eq!(
            line["attributes"],
            json!({"code": 404, "subsystem": "detector", "severity": "stop", "repeats": 2})
        );
        assert_eq!(line["value"], Json::Null);
        assert_eq!(line["count"], 1);
        assert_eq!(line["seq"], 5);
        assert_eq!(line["epoch"], "00000000000000010000000000000000");
        assert_eq!(line["device"], "07070707070707070707070707070707");
    }

    #[test]
    fn a_counter_has_its_increase_and_a_distribution_its_buckets() {
        let counter = shown(1, &[0, 0], Value::Count(41));
        assert_eq!((&counter["count"], &counter["value"]), (&json!(41), &Json::Null));
        let bounds = &Catalog::built_in().entry(22).unwrap().bounds;
        let mut counts = vec![0; bounds.len() + 1];
        (counts[1], counts[2]) = (5, 2);
        let distribution = shown(22, &[], Value::Buckets(counts.clone()));
        assert_eq!(distribution["count"], 7);
        assert_eq!(distribution["value"], json!({"bounds": bounds, "counts": counts}));
    }

    #[test]
    fn what_the_catalog_does_not_know_stays_in_numbers() {
        for (entry, attributes, value) in [
            (65_000, &[1, 2][..], Value::Plain),
            (29, &[404, 1, 3, 2, 9], Value::Plain),
            (29, &[404, 1, 3, 2], Value::Count(1)),
        ] {
            let line = shown(entry, attributes, value);
            assert_eq!(line["entry"], entry);
            assert_eq!(line["kind"], Json::Null);
            assert_eq!(line["at"], 500_000);
            assert_eq!(line["attributes"], json!(attributes));
        }
    }
}

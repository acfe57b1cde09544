//! The export for analysts: one file of NDJSON for each entry and month, whose columns have one type each, so that one
//! line of SQL reads them. What it prints is the cursor that the next export goes on from.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::catalog::{Catalog, Entry, Shown};
use protocol::civil::Granularity;
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose, Record, Value};
use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::export::{fits, records_of, word};
use crate::failure::Failure;
use crate::lines::Whole;
use crate::store::rules::versions::{Since, held};
use crate::store::tables::Tables;
use crate::store::{Cursor, Store, Stored, Wanted, text};

/// What is exported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Behind this cursor; from the start if there is none.
    pub(crate) since: Option<Cursor>,
    /// Up to this cursor.
    pub(crate) until: Option<Cursor>,
    /// Of this device.
    pub(crate) device: Option<DeviceId>,
    /// For this purpose.
    pub(crate) purpose: Option<Purpose>,
    /// Of this entry.
    pub(crate) entry: Option<String>,
}

/// What was exported.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Exported {
    /// Where the next export goes on: what comes later is behind it.
    #[serde(serialize_with = "as_text")]
    pub(crate) cursor: Cursor,
    /// Records.
    pub(crate) records: u64,
    /// Files.
    pub(crate) files: u64,
    /// Batches that were left out because their processing is restricted. After a release a new export from the start
    /// brings them.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) restricted: u64,
}

/// One record. Times are those of the clinic's wall clock.
#[derive(Serialize)]
struct Row<'a> {
    device: DeviceId,
    purpose: Purpose,
    epoch: Epoch,
    seq: u64,
    entry: &'a str,
    kind: &'static str,
    at: String,
    period_start: Option<String>,
    period_end: Option<String>,
    granularity: Granularity,
    #[serde(flatten, serialize_with = "as_columns")]
    attributes: Vec<(&'a str, Shown<'a>)>,
    bounds: Option<&'a [u64]>,
    counts: Option<&'a [u64]>,
    count: u64,
    /// The one version that held all of the period, or `mixed`; null: not known.
    kathea_version: Option<&'a str>,
    firmware_version: Option<&'a str>,
    agent_version: Option<&'a str>,
    consent: Digest,
    catalog: Digest,
    received_at: &'a str,
}

/// A record of another catalog, in the numbers that it came in.
#[derive(Serialize)]
struct Unknown<'a> {
    device: DeviceId,
    purpose: Purpose,
    epoch: Epoch,
    seq: u64,
    entry: u16,
    at: u32,
    attributes: &'a [u64],
    counts: Option<&'a [u64]>,
    count: u64,
    consent: Digest,
    catalog: Digest,
    received_at: &'a str,
}

/// Writes the files of what is asked for to the directory `to`, which must not be there or be empty.
pub(crate) fn write(store: &Store, asked: &Asked, to: &Path) -> Result<(Exported, Whole), Failure> {
    if let Some(name) = &asked.entry
        && !Catalog::built_in().entries().any(|entry| entry.name == *name)
    {
        return Err(Failure::new(format!(
            "{name} is not an entry of the catalog; `kathea-agent catalog` lists them"
        )));
    }
    let place = |cursor: &Option<Cursor>| cursor.as_ref().map(|cursor| store.place_of(cursor)).transpose();
    let wanted = Wanted {
        after: place(&asked.since)?.unwrap_or(0),
        until: place(&asked.until)?,
        device: asked.device,
        purpose: asked.purpose,
        ..Wanted::default()
    };
    let mut tables = Tables::new(to)?;
    let (mut versions, mut whole, mut records) = (BTreeMap::new(), Whole::default(), 0);
    let looked = store.envelopes(wanted, |stored| {
        let Some(stored) = whole.pass(stored) else { return Ok(()) };
        let known = match versions.entry(stored.device) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(store.versions(stored.device)?),
        };
        let received_at = text(stored.received);
        for &(lo, hi) in &stored.fresh {
            for (seq, record) in records_of(&stored.batch, lo, hi) {
                let entry = Catalog::built_in().entry(record.entry).filter(|entry| fits(entry, record));
                if asked.entry.is_some() && asked.entry.as_ref() != entry.map(|entry| &entry.name) {
                    continue;
                }
                records += 1;
                match entry {
                    Some(entry) => {
                        let row = row(&stored, entry, seq, record, known, &received_at);
                        let month =
                            row.period_start.as_ref().and_then(|start| start.get(..7)).unwrap_or("never");
                        tables.put(&format!("{}-{month}.ndjson", entry.name), &row)?;
                    }
                    None => {
                        let name = format!("entry-{}.ndjson", record.entry);
                        tables
                            .put(&name, &unknown(stored.device, &stored.batch, seq, record, &received_at))?;
                    }
                }
            }
        }
        Ok(())
    })?;
    let files = tables.end()?;
    whole.restricted(looked.restricted);
    let (cursor, restricted) = (store.cursor(looked.last)?, looked.restricted);
    Ok((Exported { cursor, records, files, restricted }, whole))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

fn counts(record: &Record) -> (Option<&[u64]>, u64) {
    match &record.value {
        Value::Plain => (None, 1),
        Value::Count(count) => (None, *count),
        Value::Buckets(counts) => (Some(counts), counts.iter().fold(0, |sum, n| sum.saturating_add(*n))),
    }
}

fn row<'a>(
    stored: &'a Stored,
    entry: &'a Entry,
    seq: u64,
    record: &'a Record,
    versions: &'a BTreeMap<String, Vec<Since>>,
    received_at: &'a str,
) -> Row<'a> {
    let (counts, count) = counts(record);
    let granularity = entry.granularity;
    let begin = granularity.begins_at(record.at);
    // A period beyond the last year that a calendar has is only of a hostile batch.
    let end =
        record.at.checked_add(1).map(|next| granularity.begins_at(next)).filter(|end| wall(*end).is_some());
    let day = |seconds: i64| seconds.div_euclid(86_400);
    let version = |component: &str| {
        let known = versions.get(component)?;
        held(known, day(begin), day(end? - 1))
    };
    Row {
        device: stored.device,
        purpose: stored.batch.header.purpose,
        epoch: stored.batch.epoch,
        seq,
        entry: &entry.name,
        kind: word(entry.kind),
        at: granularity.text(record.at),
        period_start: end.and_then(|_| wall(begin)),
        period_end: end.and_then(wall),
        granularity,
        attributes: entry.describe_record(record),
        bounds: counts.map(|_| entry.bounds.as_slice()),
        counts,
        count,
        kathea_version: version("kathea"),
        firmware_version: version("x1_firmware"),
        agent_version: version("agent"),
        consent: stored.batch.header.consent,
        catalog: stored.batch.header.catalog,
        received_at,
    }
}

fn unknown<'a>(
    device: DeviceId,
    batch: &Batch,
    seq: u64,
    record: &'a Record,
    received_at: &'a str,
) -> Unknown<'a> {
    let (counts, count) = counts(record);
    Unknown {
        device,
        purpose: batch.header.purpose,
        epoch: batch.epoch,
        seq,
        entry: record.entry,
        at: record.at,
        attributes: &record.attributes,
        counts,
        count,
        consent: batch.header.consent,
        catalog: batch.header.catalog,
        received_at,
    }
}

/// A time of the wall's clock.
fn wall(seconds: i64) -> Option<String> {
    let start = OffsetDateTime::UNIX_EPOCH;
    let at = PrimitiveDateTime::new(start.date(), start.time()).checked_add(Duration::seconds(seconds))?;
    let (date, time) = (at.date(), at.time());
    Some(format!("{date}T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()))
}

fn as_text<S: Serializer>(cursor: &Cursor, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(cursor)
}

fn as_columns<S: Serializer>(pairs: &[(&str, Shown<'_>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_has_the_name_of_another_column() {
        let own = [
            "device",
            "purpose",
            "epoch",
            "seq",
            "entry",
            "kind",
            "at",
            "period_start",
            "period_end",
            "granularity",
            "bounds",
            "counts",
            "count",
            "kathea_version",
            "firmware_version",
            "agent_version",
            "consent",
            "catalog",
            "received_at",
        ];
        for entry in Catalog::built_in().entries() {
            for attribute in &entry.attributes {
                assert!(!own.contains(&attribute.name.as_str()), "{}: {}", entry.name, attribute.name);
            }
        }
    }

    #[test]
    fn a_wall_clocks_time_is_one_that_sql_reads() {
        assert_eq!(wall(0).as_deref(), Some("1970-01-01T00:00:00"));
        assert_eq!(wall(Granularity::Month.begins_at(683)).as_deref(), Some("2026-12-01T00:00:00"));
        assert_eq!(wall(i64::MAX), None);
    }
}

//! Sums of what was said, kept by hand for the entries below, and the same sums of what a collector holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use time::OffsetDateTime;

/// The entries whose sums are kept.
pub(crate) const ENTRIES: &[&str] = &[
    "exposure.count",
    "exposure.tube_voltage",
    "exposure.dap",
    "cbct.field_of_view",
    "exposure.abort",
    "exposure.retake",
    "reconstruction.duration",
    "qa.constancy",
    "device.error",
    "device.restart",
    "feature.use",
];

const KILOVOLTS: &[u32] = &[65, 70, 75, 80, 85, 90, 100, 120];
const DOSE_AREA: &[u32] = &[20, 50, 100, 200, 400, 700, 1150, 1500, 2500, 5000];
const SECONDS: &[u32] = &[5, 10, 20, 40, 60, 120, 300, 600, 1800];

/// Entry, period, attributes as `name=value` in the order of their names.
type Key = (String, String, String);

/// Sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Lines written.
    pub(crate) lines: u64,
    /// One number for what is counted, one per bucket for what is distributed.
    sums: BTreeMap<Key, Vec<u64>>,
}

/// How an entry's sums compare.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) entry: &'static str,
    /// Events or observations in all.
    pub(crate) said: u64,
    pub(crate) held: u64,
    /// Each period, each combination of attributes, each bucket.
    pub(crate) same: bool,
}

impl Said {
    /// Records one event.
    pub(crate) fn note(&mut self, event: &str, at: OffsetDateTime, attributes: &Map<String, Value>) {
        self.lines += 1;
        let word = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        let tenths = |name: &str| {
            let value = attributes.get(name).and_then(Value::as_f64).unwrap_or_default();
            (value * 10.0).round() as u64
        };
        let mode = ("mode", word("mode"));
        match event {
            "exposure.completed" => {
                self.add("exposure.count", month(at), &[mode, ("outcome", "completed")]);
                self.observe("exposure.tube_voltage", month(at), &[mode], KILOVOLTS, tenths("kv"));
                let class = if mode.1 == "cbct" { fov_class(word("fov")) } else { "none" };
                self.observe(
                    "exposure.dap",
                    month(at),
                    &[mode, ("fov_class", class)],
                    DOSE_AREA,
                    tenths("dap"),
                );
                if mode.1 == "cbct" {
                    self.add("cbct.field_of_view", month(at), &[("fov", word("fov"))]);
                }
            }
            "exposure.aborted" => {
                self.add("exposure.count", month(at), &[mode, ("outcome", "aborted")]);
                let why = [("reason", word("reason")), ("phase", word("phase"))];
                self.add("exposure.abort", month(at), &why);
            }
            "exposure.failed" => self.add("exposure.count", month(at), &[mode, ("outcome", "failed")]),
            "exposure.retaken" => {
                self.add("exposure.retake", month(at), &[mode, ("reason", word("reason"))]);
            }
            "face_scan.finished" => {
                let outcome = if word("outcome") == "ok" { "completed" } else { "failed" };
                self.add("exposure.count", month(at), &[("mode", "face_scan"), ("outcome", outcome)]);
            }
            "reconstruction.finished" if matches!(word("outcome"), "ok" | "reduced") => {
                let voxel = match tenths("voxel_um") {
                    0..=1000 => "fine",
                    1001..=2000 => "normal",
                    _ => "coarse",
                };
                let class =
                    [("fov_class", fov_class(word("fov"))), ("voxel_class", voxel), ("gpu", word("gpu"))];
                self.observe("reconstruction.duration", month(at), &class, SECONDS, tenths("duration_s"));
            }
            "feature.used" => self.add("feature.use", month(at), &[("feature", word("feature"))]),
            "qa.constancy" => self.add_record("qa.constancy", day(at), attributes),
            "device.error" => self.add_record("device.error", hour(at), attributes),
            "device.restart" => self.add_record("device.restart", hour(at), attributes),
            _ => {}
        }
    }

    /// Notes one line of `kathea-collector export`.
    pub(crate) fn note_exported(&mut self, record: &Value) {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let Some(attributes) = record["attributes"].as_object() else { return };
        let sums = match record["value"]["counts"].as_array() {
            Some(counts) => counts.iter().map(|count| count.as_u64().unwrap_or_default()).collect(),
            None => vec![record["count"].as_u64().unwrap_or_default()],
        };
        self.lines += 1;
        self.sum((text("entry"), text("at"), joined(attributes.iter())), &sums);
    }

    /// Entry by entry: what was said and what is held.
    pub(crate) fn compare(&self, held: &Self) -> Vec<Verdict> {
        let verdict = |entry: &&'static str| Verdict {
            entry,
            said: self.of(entry).flat_map(|(_, sums)| sums).sum(),
            held: held.of(entry).flat_map(|(_, sums)| sums).sum(),
            same: self.of(entry).eq(held.of(entry)),
        };
        ENTRIES.iter().map(verdict).collect()
    }

    /// The keys of an entry that differ, for a test's message.
    pub(crate) fn differences(&self, held: &Self) -> BTreeSet<String> {
        let both = |entry| self.of(entry).chain(held.of(entry));
        let differs = |key: &&Key| self.sums.get(*key) != held.sums.get(*key);
        let keys = ENTRIES.iter().flat_map(|entry| both(entry).map(|(key, _)| key)).filter(differs);
        keys.map(|key| format!("{key:?}: said {:?}, held {:?}", self.sums.get(key), held.sums.get(key)))
            .collect()
    }

    /// As JSON lines: entry, period, attributes, sums.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.sums.iter().map(|((entry, at, attributes), sums)| {
            serde_json::json!({"entry": entry, "at": at, "attributes": attributes, "sums": sums}).to_string()
        })
    }

    fn of(&self, entry: &str) -> impl Iterator<Item = (&Key, &Vec<u64>)> {
        self.sums.iter().filter(move |(key, _)| key.0 == entry)
    }

    fn add(&mut self, entry: &str, at: String, attributes: &[(&str, &str)]) {
        self.sum((entry.to_owned(), at, words(attributes)), &[1]);
    }

    fn add_record(&mut self, entry: &str, at: String, attributes: &Map<String, Value>) {
        self.sum((entry.to_owned(), at, joined(attributes.iter())), &[1]);
    }

    fn observe(&mut self, entry: &str, at: String, attributes: &[(&str, &str)], bounds: &[u32], tenths: u64) {
        let bucket = bounds.iter().take_while(|bound| u64::from(**bound) * 10 < tenths).count();
        let mut sums = vec![0; bounds.len() + 1];
        sums[bucket] = 1;
        self.sum((entry.to_owned(), at, words(attributes)), &sums);
    }

    fn sum(&mut self, key: Key, sums: &[u64]) {
        let held = self.sums.entry(key).or_insert_with(|| vec![0; sums.len()]);
        held.resize(held.len().max(sums.len()), 0);
        for (held, more) in held.iter_mut().zip(sums) {
            *held += more;
        }
    }
}

fn words(attributes: &[(&str, &str)]) -> String {
    let map: Map<_, _> =
        attributes.iter().map(|(name, word)| ((*name).to_owned(), Value::from(*word))).collect();
    joined(map.iter())
}

fn joined<'a>(attributes: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let pairs: BTreeSet<_> = attributes
        .map(|(name, value)| match value {
            Value::String(word) => format!("{name}={word}"),
            other => format!("{name}={other}"),
        })
        .collect();
    pairs.into_iter().collect::<Vec<_>>().join(" ")
}

fn fov_class(fov: &str) -> &'static str {
    match fov {
        "4x4" | "5x5" => "small",
        "8x5" | "8x8" | "8x9" => "medium",
        _ => "large",
    }
}

fn hour(at: OffsetDateTime) -> String {
    format!("{}T{:02}", at.date(), at.hour())
}

fn day(at: OffsetDateTime) -> String {
    at.date().to_string()
}

fn month(at: OffsetDateTime) -> String {
    format!("{:04}-{:02}", at.year(), u8::from(at.month()))
}

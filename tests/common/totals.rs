//! Sums by what they are about: those that a test expects, and those that the collector exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

/// Events by their number, counters by their sum, distributions by their buckets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals(BTreeMap<String, Vec<u64>>);

impl Totals {
    /// Adds one to a counter, or one event.
    pub(crate) fn count(&mut self, entry: &str, at: &str, attributes: &[(&str, &str)]) {
        self.add(key(entry, at, attributes.iter().copied()), &[1]);
    }

    /// Adds one observation of `value` to a distribution, whose last bucket has no upper bound.
    pub(crate) fn observe(
        &mut self,
        entry: &str,
        at: &str,
        attributes: &[(&str, &str)],
        bounds: &[u64],
        value: f64,
    ) {
        let mut buckets = vec![0; bounds.len() + 1];
        buckets[bounds.iter().take_while(|bound| value > **bound as f64).count()] = 1;
        self.add(key(entry, at, attributes.iter().copied()), &buckets);
    }

    fn add(&mut self, key: String, counts: &[u64]) {
        let sums = self.0.entry(key).or_insert_with(|| vec![0; counts.len()]);
        assert_eq!(sums.len(), counts.len());
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// What an export amounts to. No record may be there twice.
    pub(crate) fn exported(lines: &[Json]) -> Self {
        let numbers: BTreeSet<_> = lines
            .iter()
            .map(|line| (line["device"].as_str(), line["epoch"].as_str(), line["seq"].as_u64()))
            .collect();
        assert_eq!(numbers.len(), lines.len(), "a record is exported twice");
        let mut totals = Self::default();
        // What the agent counts about itself is no event of Kathea's.
        for line in lines.iter().filter(|line| line["entry"] != "agent.health") {
            let attributes: Vec<_> = line["attributes"].as_object().unwrap().iter().collect();
            let attributes: Vec<_> =
                attributes.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
            let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
            let key = key(line["entry"].as_str().unwrap(), line["at"].as_str().unwrap(), attributes);
            match line["value"]["counts"].as_array() {
                Some(counts) => {
                    totals.add(key, &counts.iter().map(|count| count.as_u64().unwrap()).collect::<Vec<_>>());
                }
                None => totals.add(key, &[line["count"].as_u64().unwrap()]),
            }
        }
        totals
    }

    /// How many sums there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails with the first few differences.
    pub(crate) fn assert_are(&self, expected: &Self) {
        let keys: BTreeSet<_> = self.0.keys().chain(expected.0.keys()).collect();
        let differing = keys.into_iter().filter(|key| self.0.get(*key) != expected.0.get(*key));
        let differences: Vec<_> = differing
            .map(|key| format!("{key}: {:?}, not {:?}", self.0.get(key), expected.0.get(key)))
            .collect();
        let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(differences.is_empty(), "{} sums differ, among them\n{shown}", differences.len());
    }
}

impl fmt::Debug for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Totals({} sums)", self.0.len())
    }
}

fn key<'a>(entry: &str, at: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<_, _> = attributes.collect();
    sorted.iter().fold(format!("{entry} {at}"), |key, (name, value)| format!("{key} {name}={value}"))
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

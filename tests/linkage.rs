//! Usage joined to support bundles on technique and time: it says of no scan in which of a month's weeks it was made.
//!
//! Who holds both knows of each scan in a bundle the whole technique, the time of day and the weekday, because the
//! dates of a case move by whole weeks. The match here is the best such a reader has: for each day of the month with
//! that weekday, how likely the tables of that day, week and month make this scan.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::collections::BTreeMap;

use agent::collect::Raw;
use agent::usage::journal::Cell;
use agent::usage::validation::{Validator, Wanted, Window};
use common::kathea::{self, Plan};
use common::seeded;
use deidentify::case::Case;
use protocol::catalog::Catalog;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{Duration, OffsetDateTime, Weekday};

const START: OffsetDateTime = datetime!(2026-10-01 00:00 +2);
const DAYS: u32 = 31;

/// One number of an exported table: entry, period, attributes, and the bucket.
type Place = (u16, u32, Vec<u64>, usize);

/// What the vendor holds of a month, and can work out of a line if it was of another day.
struct Usage {
    catalog: &'static Catalog,
    numbers: BTreeMap<Place, u64>,
    totals: BTreeMap<(u16, u32), u64>,
}

impl Usage {
    fn of<'a>(catalog: &'static Catalog, lines: impl Iterator<Item = &'a str>) -> Self {
        let numbers = folded(catalog, lines);
        let mut totals = BTreeMap::new();
        for ((entry, at, ..), number) in &numbers {
            *totals.entry((*entry, *at)).or_default() += number;
        }
        Self { catalog, numbers, totals }
    }

    /// The logarithm of how likely these tables make a scan of that technique at that time.
    fn likelihood(&self, scan: &Value, at: OffsetDateTime) -> f64 {
        let mut line = scan.clone();
        line["at"] = at.format(&Rfc3339).unwrap().into();
        let line = line.to_string();
        let places = folded(self.catalog, std::iter::once(line.as_str()));
        assert!(places.len() > 5, "a scan's technique is in several tables");
        let busy = places
            .keys()
            .next()
            .map_or(0, |(entry, at, ..)| self.totals.get(&(*entry, *at)).copied().unwrap_or(0));
        let share = |place: &Place| {
            let number = self.numbers.get(place).copied().unwrap_or(0);
            number as f64 / self.totals.get(&(place.0, place.1)).copied().unwrap_or(1) as f64
        };
        (busy as f64).ln() + places.keys().map(|place| share(place).ln()).sum::<f64>()
    }
}

/// What the lines amount to in the tables that leave.
fn folded<'a>(catalog: &'static Catalog, lines: impl Iterator<Item = &'a str>) -> BTreeMap<Place, u64> {
    let mut validator = Validator::new(catalog);
    let window =
        Window { granted: START.unix_timestamp() - 86_400, now: START.unix_timestamp() + 40 * 86_400 };
    for line in lines {
        validator.take(Raw::new(line.as_bytes()), window, Wanted { usage: true, open: true }).unwrap();
    }
    let mut numbers = BTreeMap::new();
    for piece in validator.journals() {
        let period = piece.get().period;
        for (row, cell) in &piece.get().rows {
            let counts = match cell {
                Cell::Count(count) => vec![*count],
                Cell::Buckets(counts) => counts.clone(),
                Cell::State(..) => continue,
            };
            for (bucket, number) in counts.into_iter().enumerate().filter(|(_, number)| *number > 0) {
                *numbers.entry((row.entry, period.at, row.attributes.clone(), bucket)).or_default() += number;
            }
        }
    }
    numbers
}

/// The scans of a month whose day is found, and how many a guess among the days with that weekday would find.
fn matched(catalog: &'static Catalog, random: &mut kathea::Random) -> (f64, f64) {
    let outbox = tempfile::tempdir().unwrap();
    kathea::write(outbox.path(), &Plan { seed: random.next(), start: START, days: DAYS, squeezed: None })
        .unwrap();
    let mut text = String::new();
    for file in std::fs::read_dir(outbox.path()).unwrap() {
        text += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let usage = Usage::of(catalog, text.lines());
    let mut key = [0; 32];
    key[..8].copy_from_slice(&random.next().to_le_bytes());
    let case = Case::new(key.into());

    let (mut found, mut chance) = (0.0, 0.0);
    for line in text.lines().filter(|line| line.contains("\"exposure.completed\"") && random.percent(25)) {
        let mut scan: Value = serde_json::from_str(line).unwrap();
        let made = OffsetDateTime::parse(scan["at"].take().as_str().unwrap(), &Rfc3339).unwrap();
        let altered = made - case.shift();
        let days: Vec<OffsetDateTime> =
            days_like(altered.weekday()).map(|day| day.replace_time(altered.time())).collect();
        assert!(days.contains(&made) && days.len() > 3);
        let likelihoods: Vec<f64> = days.iter().map(|day| usage.likelihood(&scan, *day)).collect();
        let best = likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let equal: Vec<&OffsetDateTime> = days
            .iter()
            .zip(&likelihoods)
            .filter(|(_, one)| best - **one < 1e-9)
            .map(|(day, _)| day)
            .collect();
        chance += 1.0 / days.len() as f64;
        found += if equal.contains(&&made) { 1.0 / equal.len() as f64 } else { 0.0 };
    }
    (found, chance)
}

fn days_like(weekday: Weekday) -> impl Iterator<Item = OffsetDateTime> {
    (0..i64::from(DAYS)).map(|day| START + Duration::days(day)).filter(move |day| day.weekday() == weekday)
}

#[test]
fn no_scan_of_a_bundle_is_found_in_the_usage_of_its_month() {
    let (found, chance) = matched(Catalog::built_in(), &mut seeded());
    println!("by month: {found:.1} scans found, {chance:.1} by chance");
    assert!((found - chance).abs() < 1e-6, "the tables say of some scan in which week it was made");
}

#[test]
fn the_match_finds_scans_in_tables_by_day_and_by_week() {
    let altered = include_str!("../protocol/catalog.toml").replace("per = \"patient\"", "per = \"device\"");
    for shorter in ["day", "week"] {
        let altered = altered.replace("granularity = \"month\"", &format!("granularity = \"{shorter}\""));
        let catalog: &'static Catalog = Box::leak(Box::new(Catalog::parse(&altered).unwrap()));
        let (found, chance) = matched(catalog, &mut seeded());
        println!("by {shorter}: {found:.1} scans found, {chance:.1} by chance");
        assert!(found > chance * 1.2, "the match does not see what it could");
    }
}

//! Which error codes devices reported in the last 30 days, by the firmware that they had: sums over the whole fleet,
//! counted in memory from what is stored. Each look goes on where the one before ended.

use std::collections::BTreeMap;

use maud::{Markup, html};
use protocol::catalog::Catalog;
use protocol::civil::Granularity;
use protocol::{DeviceId, Record, Value};
use time::{Duration, OffsetDateTime};

use super::page::{moment, number};
use super::{Pair, Reported};
use crate::failure::Failure;
use crate::store::rules::versions::{Since, held};
use crate::store::{self, Store, Wanted};

const ENTRY: &str = "device.error";
const FIRMWARE: &str = "x1_firmware";
/// What is counted, by the day on which the collector received it.
const WINDOW: Duration = Duration::days(30);
/// Places that one look reads at most: about a second.
const AT_ONCE: i64 = 8192;
/// Pairs of firmware and code of one day; what is beyond, from a device that makes them up, is one sum.
const PAIRS: usize = 2000;
/// Rows of the page.
const ROWS: usize = 100;

/// The sums, by day of reception.
#[derive(Default)]
pub(crate) struct Errors {
    after: Option<i64>,
    days: BTreeMap<i64, BTreeMap<Pair, u64>>,
    counted_to: Option<OffsetDateTime>,
}

impl Errors {
    /// Counts what came since the last look, and forgets what is older than the window.
    pub(crate) fn look(&mut self, store: &Store, now: OffsetDateTime) -> Result<Reported, Failure> {
        let begin = now - WINDOW;
        let after = match self.after {
            Some(after) => after,
            None => store.place_since(store::micros(begin))?,
        };
        let last = store.last_place()?;
        let until = last.min(after.saturating_add(AT_ONCE));
        let (mut known, mut is_whole) = (BTreeMap::new(), true);
        store.envelopes(Wanted { after, until: Some(until), ..Wanted::default() }, |stored| {
            // A damaged envelope is named by `verify`; here it is one that is not counted.
            let Ok(stored) = stored else {
                is_whole = false;
                return Ok(());
            };
            let fresh = |seq: u64| stored.fresh.iter().any(|&(lo, hi)| (lo..=hi).contains(&seq));
            let records = (stored.batch.lo..).zip(&stored.batch.records).filter(|(seq, _)| fresh(*seq));
            for (_, record) in records {
                if let Some((code, repeats, day)) = error(record) {
                    let firmware = firmware(store, &mut known, stored.device, day);
                    self.add(store::time(stored.received), firmware, code, repeats);
                }
            }
            self.counted_to = self.counted_to.max(Some(store::time(stored.received)));
            Ok(())
        })?;
        self.after = Some(until);
        if until == last {
            self.counted_to = Some(now);
        }
        self.days = self.days.split_off(&day(begin));
        Ok(Reported { rows: self.rows(), counted_to: self.counted_to, is_whole })
    }

    fn add(&mut self, received: OffsetDateTime, firmware: String, code: u16, repeats: u64) {
        let of_day = self.days.entry(day(received)).or_default();
        let mut pair = Some((firmware, code));
        if of_day.len() >= PAIRS && !of_day.contains_key(&pair) {
            pair = None;
        }
        let sum = of_day.entry(pair).or_default();
        *sum = sum.saturating_add(repeats);
    }

    fn rows(&self) -> Vec<(Pair, u64)> {
        let mut sums = BTreeMap::<&Pair, u64>::new();
        for (pair, count) in self.days.values().flatten() {
            let sum = sums.entry(pair).or_default();
            *sum = sum.saturating_add(*count);
        }
        let mut rows: Vec<(Pair, u64)> = sums.into_iter().map(|(pair, sum)| (pair.clone(), sum)).collect();
        rows.sort_by(|(one, first), (other, second)| second.cmp(first).then_with(|| one.cmp(other)));
        rows
    }
}

fn day(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(86_400)
}

/// Code, how often, and the day at the device's wall clock of a record that reports an error.
fn error(record: &Record) -> Option<(u16, u64, i64)> {
    let entry = Catalog::built_in().entry(record.entry).filter(|entry| entry.name == ENTRY)?;
    if record.value != Value::Plain || entry.granularity != Granularity::Hour {
        return None;
    }
    let value = |name: &str| {
        let at = entry.attributes.iter().position(|attribute| attribute.name == name)?;
        record.attributes.get(at).copied()
    };
    let begins = entry.granularity.begins_at(record.at).div_euclid(86_400);
    Some((u16::try_from(value("code")?).ok()?, value("repeats")?, begins))
}

fn firmware(store: &Store, known: &mut BTreeMap<DeviceId, Vec<Since>>, device: DeviceId, day: i64) -> String {
    let versions = known.entry(device).or_insert_with(|| {
        // A device whose row is damaged: its firmware is not known, and `verify` names it.
        store.versions(device).unwrap_or_default().remove(FIRMWARE).unwrap_or_default()
    });
    held(versions, day, day).unwrap_or("not known").to_owned()
}

/// The part of the page.
pub(crate) fn section(shown: &Reported) -> Markup {
    html! {
        section {
            h2 { "Error codes by firmware" }
            p class="none" {
                "Reported by devices and received in the last 30 days"
                @if let Some(to) = shown.counted_to { ", counted up to " (moment(to)) " UTC" }
                @if shown.rows.len() > ROWS { ", the first " (ROWS) " of " (number(shown.rows.len() as u64)) }
                @if !shown.is_whole { "; envelopes that can't be read are not counted" }
                "."
            }
            @if shown.rows.is_empty() { p class="none" { "None." } } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Error codes by firmware" { table {
                    thead { tr { th scope="col" { "Firmware" } th scope="col" class="figure" { "Code" }
                        th scope="col" class="figure" { "Reported" } } }
                    tbody { @for (pair, count) in shown.rows.iter().take(ROWS) { tr {
                        @if let Some((firmware, code)) = pair {
                            td { (firmware) } td class="figure" { (code) }
                        } @else { td { "all others" } td class="figure" { "" } }
                        td class="figure" { (number(*count)) }
                    } } }
                } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_a_device_makes_up_need_no_more_memory() {
        let mut errors = Errors::default();
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        for code in 0..u16::MAX {
            errors.add(at, "9.9".to_owned(), code, 1);
        }
        errors.add(at, "9.9".to_owned(), 7, u64::MAX);
        let rows = errors.rows();
        assert_eq!(rows.len(), PAIRS + 1);
        assert_eq!(rows[0], (Some(("9.9".to_owned(), 7)), u64::MAX));
        assert_eq!(rows[1], (None, u64::from(u16::MAX) - PAIRS as u64));
        assert!(
            section(&Reported { rows, ..Reported::default() })
                .into_string()
                .contains("the first 100 of 2\u{202f}001")
        );
    }
}

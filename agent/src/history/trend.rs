//! Drifts of the scanner and its disk, found before a fixed limit is reached: a hint for service, computed where it is
//! shown. Pure.
//!
//! An EWMA (Roberts 1959) with weight 0.1 looks for a drift, and not a CUSUM, by their run lengths. Each was set to alarm
//! in 2 % of healthy years (250 values, normal, baseline estimated from 40 of them), and met drifts of 0.02, 0.05, 0.1 and
//! 0.2 standard deviations a value (2,000 each). Values until the alarm, mean and 95th percentile:
//!
//! | | 0.02 | 0.05 | 0.1 | 0.2 |
//! |---|---|---|---|---|
//! | EWMA 0.1, limit 4.62 | 55, 79 | 28, 39 | 17, 23 | 11, 14 |
//! | EWMA 0.2, limit 4.50 | 62, 91 | 30, 43 | 17, 24 | 11, 14 |
//! | CUSUM k = 0.5, h = 12.66 | 54, 77 | 30, 40 | 19, 24 | 12, 16 |
//! | CUSUM k = 1, h = 5.67 | 63, 90 | 30, 43 | 18, 25 | 11, 14 |
//!
//! No CUSUM is faster but one, by one value at the slowest drift, and the EWMA is a level in the figure's own unit.
//! Statistical significance alone alarms for what nobody has to mend, so the level has to be a fifth of the way to the
//! fixed limit too. A disk fills by its nature: of it, the days until its limit are foreseen from an EWMA of what it loses.

use std::collections::BTreeMap;

use time::{Date, Month};

use super::shown::History;

/// Weight of the newest value.
const WEIGHT: f64 = 0.1;
/// Standard deviations of the level.
const SIGNIFICANT: f64 = 4.62;
/// Part of the way to the limit.
const RELEVANT: f64 = 0.2;
/// Days before the limit of a disk that somebody hears of it.
const DISK_AHEAD: f64 = 28.0;
/// Median of the distance between two normal values, in standard deviations.
const MEDIAN_DISTANCE: f64 = 0.954;

/// What is watched, and its fixed limits, which are those of comparable scanners until the X1's own replace them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watched {
    /// The figure.
    pub figure: &'static str,
    /// Not below.
    pub low: f64,
    /// Not above.
    pub high: f64,
    /// The first values, which say what is usual. A constancy test comes once a week.
    baseline: usize,
}

const fn watched(figure: &'static str, low: f64, high: f64, baseline: usize) -> Watched {
    Watched { figure, low, high, baseline }
}

/// Everything that is watched but the disks.
pub const WATCHED: [Watched; 8] = [
    watched("detector_gain", 900.0, 1_100.0, 20),
    watched("generator_kv", f64::NEG_INFINITY, 5.0, 40),
    watched("generator_ma", f64::NEG_INFINITY, 5.0, 40),
    watched("axis_rotation", f64::NEG_INFINITY, 500.0, 40),
    watched("axis_column", f64::NEG_INFINITY, 500.0, 40),
    watched("axis_x", f64::NEG_INFINITY, 500.0, 40),
    watched("axis_y", f64::NEG_INFINITY, 500.0, 40),
    watched("axis_ceph", f64::NEG_INFINITY, 500.0, 40),
];

/// The disks, and the GiB below which `support check` warns.
const DISKS: [(&str, u64); 2] =
    [("disk_system", crate::limits::SYSTEM_LOW >> 30), ("disk_scans", crate::limits::SCANS_LOW >> 30)];

/// Something that service should hear of.
#[derive(Clone, Debug, PartialEq)]
pub enum Trend {
    /// The newest value is beyond the limit.
    Beyond(Level),
    /// The level drifts towards the limit.
    Drifts(Level),
    /// The disk reaches its limit in so many days.
    Fills {
        /// The figure.
        figure: &'static str,
        /// Days until then.
        days: u32,
        /// The limit in GiB.
        limit: u64,
    },
}

/// How far a figure is.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The figure.
    pub figure: &'static str,
    /// What is usual.
    pub usual: f64,
    /// What it is now: the newest value, or the level.
    pub now: f64,
    /// The limit.
    pub limit: f64,
}

/// Everything that the history says of drifts, and whether it has enough values to say anything.
pub fn trends(history: &History) -> (Vec<Trend>, bool) {
    let (mut found, mut is_judged) = (Vec::new(), false);
    let values = |figure: &str| history.series(figure).map(|series| &series.values);
    for watched in &WATCHED {
        let Some(values) = values(watched.figure) else { continue };
        let values: Vec<f64> = values.values().copied().collect();
        is_judged |= values.len() > watched.baseline;
        found.extend(drift(watched, &values));
    }
    for (figure, limit) in DISKS {
        let Some(values) = values(figure) else { continue };
        let values = by_day(values);
        is_judged |= values.len() > 1;
        let days = days_until(&values, limit as f64).filter(|days| *days <= DISK_AHEAD);
        found.extend(days.map(|days| Trend::Fills { figure, days: days as u32, limit }));
    }
    (found, is_judged)
}

/// What the values of a figure say, the oldest first.
pub fn drift(watched: &Watched, values: &[f64]) -> Option<Trend> {
    let level = |usual, now, limit| Level { figure: watched.figure, usual, now, limit };
    let last = *values.last()?;
    let first = values.get(..watched.baseline).unwrap_or(values);
    let usual = first.iter().sum::<f64>() / first.len() as f64;
    if last < watched.low || last > watched.high {
        let limit = if last > watched.high { watched.high } else { watched.low };
        return Some(Trend::Beyond(level(usual, last, limit)));
    }
    let later = values.get(watched.baseline..)?;
    let mut distances: Vec<f64> = first
        .windows(2)
        .map(|pair| (pair.first().unwrap_or(&usual) - pair.last().unwrap_or(&usual)).abs())
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    let deviation = distances.get(distances.len() / 2)? / MEDIAN_DISTANCE;
    let now = later.iter().fold(usual, |level, value| level + WEIGHT * (value - level));
    let is_significant = (now - usual).abs() > SIGNIFICANT * deviation * (WEIGHT / (2.0 - WEIGHT)).sqrt();
    let limit = if now > usual { watched.high } else { watched.low };
    let is_relevant = limit.is_finite() && (now - usual) / (limit - usual) >= RELEVANT;
    (is_significant && is_relevant).then(|| Trend::Drifts(level(usual, now, limit)))
}

/// Days until a disk that loses what it lost lately reaches `limit`, by free GiB on numbered days. What was freed between
/// is no loss.
pub fn days_until(values: &[(i32, f64)], limit: f64) -> Option<f64> {
    let (_, now) = *values.last()?;
    let mut rate: Option<f64> = None;
    for pair in values.windows(2) {
        let [(before, held), (day, left)] = pair else { continue };
        let loss = (held - left) / f64::from((day - before).max(1));
        if loss >= 0.0 {
            rate = Some(rate.map_or(loss, |rate| rate + WEIGHT * (loss - rate)));
        }
    }
    let rate = rate.filter(|rate| *rate > 0.0 && now > limit && values.len() > 20)?;
    Some((now - limit) / rate)
}

/// Values by the number of their day.
fn by_day(values: &BTreeMap<String, f64>) -> Vec<(i32, f64)> {
    let number = |text: &str| {
        let mut parts = text.split('-').map(str::parse::<u16>);
        let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
        Some(date.to_julian_day())
    };
    values.iter().filter_map(|(at, value)| Some((number(at)?, *value))).collect()
}

#[cfg(test)]
mod tests;

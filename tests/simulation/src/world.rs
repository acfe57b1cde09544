//! The time of a simulated world, and the clock of a workstation in it, which may be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agent::agent::Clock;

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// Seconds of an hour.
pub const HOUR: i64 = 3600;
/// Midnight of 1 June 2024, a Saturday, UTC: the policies are in force.
pub const BEGIN: i64 = 1_717_200_000;

/// The true time, seconds since 1970.
#[derive(Debug)]
pub struct World(AtomicI64);

impl World {
    /// At the beginning.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(BEGIN)))
    }

    /// The true time.
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// It never goes back.
    pub fn advance_to(&self, at: i64) {
        self.0.fetch_max(at, Ordering::Relaxed);
    }
}

/// The clock of a workstation's process.
#[derive(Debug)]
pub struct PcClock {
    /// The world that it is in.
    pub world: Arc<World>,
    /// What the wall's clock is ahead.
    pub ahead: Arc<AtomicI64>,
    /// When the process started.
    pub started: i64,
}

impl Clock for PcClock {
    fn wall(&self) -> i64 {
        self.world.now() + self.ahead.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.world.now() - self.started).unwrap_or(0))
    }
}

/// The day as people write it.
pub fn date(at: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(at).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (date, clock) = (at.date(), at.time());
    format!(
        "{}-{:02}-{:02} {:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute()
    )
}

/// RFC 3339, UTC.
pub fn rfc3339(at: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(at).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// Months since year 0.
pub fn month(at: i64) -> i32 {
    let at = time::OffsetDateTime::from_unix_timestamp(at).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.year() * 12 + i32::from(u8::from(at.month())) - 1
}

/// The same day and time so many months later, or the month's last day.
pub fn months_later(at: i64, months: i32) -> i64 {
    let from = time::OffsetDateTime::from_unix_timestamp(at).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let to = month(at) + months;
    let (year, of_year) = (to.div_euclid(12), to.rem_euclid(12));
    let next = if of_year == 11 { (year + 1, 1) } else { (year, of_year + 2) };
    let first = |year: i32, month: i32| {
        let month = time::Month::try_from(u8::try_from(month).unwrap_or(1)).unwrap_or(time::Month::January);
        time::Date::from_calendar_date(year, month, 1)
            .map_or(0, |day| day.midnight().assume_utc().unix_timestamp())
    };
    let (begin, end) = (first(year, of_year + 1), first(next.0, next.1));
    let day = i64::from(from.day() - 1).min((end - begin) / DAY - 1);
    begin + day * DAY + at.rem_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(date(BEGIN), "2024-06-01 00:00");
        assert_eq!(date(months_later(BEGIN, 24)), "2026-06-01 00:00");
        assert_eq!(date(months_later(BEGIN + 182 * DAY, 3)), "2025-02-28 00:00");
    }
}

//! Civil time: the clinic's local time, coarsened to hours, days, ISO weeks and months.
//!
//! A period is a number of [`crate::Record::at`]; which offset from UTC it was counted at is forgotten on
//! purpose. No clock here: now is a parameter.

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};

use crate::identity::Reason;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// The offset of the place where a civil period ends last, UTC-12.
const LAST_OFFSET: i64 = 12 * HOUR;
/// Julian day number of 1970-01-01.
const JULIAN_1970: i64 = 2_440_588;
/// Days from the Monday that begins week 0 to 1970-01-01, a Thursday.
const THURSDAY: i64 = 3;

/// A point in time as Kathea wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub utc: i64,
    /// Seconds that the wall's clock was beyond its own 1970-01-01T00:00:00.
    pub civil: u64,
}

impl Moment {
    /// Reads RFC 3339 with an offset; fractions of a second are cut.
    ///
    /// # Errors
    /// [`Reason::BadTime`] for anything else, and for a wall's clock before 1970.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Reason::BadTime)?;
        let utc = time.unix_timestamp();
        let civil = utc + i64::from(time.offset().whole_seconds());
        Ok(Self { utc, civil: u64::try_from(civil).map_err(|_| Reason::BadTime)? })
    }
}

/// How coarse an entry's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Civil hours since 1970-01-01T00.
    Hour,
    /// Civil days since 1970-01-01.
    Day,
    /// ISO 8601 weeks since the one that began on Monday 1969-12-29.
    Week,
    /// Months since 1970-01.
    Month,
}

impl Granularity {
    /// The period that `moment` lies in.
    pub fn period(self, moment: Moment) -> u32 {
        let (hour, day) = (HOUR as u64, DAY as u64);
        let period = match self {
            Self::Hour => moment.civil / hour,
            Self::Day => moment.civil / day,
            Self::Week => (moment.civil / day + THURSDAY as u64) / 7,
            Self::Month => date(moment.civil as i64 / DAY).map_or(0, month),
        };
        // RFC 3339 ends in the year 9999: 70 million hours.
        period as u32
    }

    /// When the period begins by the wall's clock, in seconds since its 1970-01-01T00:00:00.
    pub fn begins_at(self, period: u32) -> i64 {
        self.begins(period.into())
    }

    fn begins(self, period: i64) -> i64 {
        match self {
            Self::Hour => period * HOUR,
            Self::Day => period * DAY,
            Self::Week => (period * 7 - THURSDAY) * DAY,
            Self::Month => first_day(period) * DAY,
        }
    }

    /// When the period has ended everywhere on earth, in seconds since 1970 (UTC): from then on no
    /// clock that is right will write into it any more.
    pub fn over_at(self, period: u32) -> i64 {
        self.begins(i64::from(period) + 1) + LAST_OFFSET
    }

    /// Whether the period is over at `utc_now` (seconds since 1970).
    pub fn is_over(self, period: u32, utc_now: i64) -> bool {
        self.over_at(period) <= utc_now
    }

    /// The period in ISO 8601: `2026-11-21T10`, `2026-11-21`, `2026-W47`, `2026-11`. One beyond the year 9999,
    /// which only a hostile batch has, is shown as its number.
    pub fn text(self, period: u32) -> String {
        let number = i64::from(period);
        let day = match self {
            Self::Hour => number / 24,
            Self::Day => number,
            Self::Week => number * 7,
            Self::Month => first_day(number),
        };
        match (self, date(day)) {
            (_, None) => period.to_string(),
            (Self::Hour, Some(date)) => format!("{date}T{:02}", number % 24),
            (Self::Day, Some(date)) => date.to_string(),
            (Self::Week, Some(thursday)) => {
                let (year, week, _) = thursday.to_iso_week_date();
                format!("{year}-W{week:02}")
            }
            (Self::Month, Some(first)) => format!("{:04}-{:02}", first.year(), u8::from(first.month())),
        }
    }
}

/// The date that is this many days after 1970-01-01.
fn date(day: i64) -> Option<Date> {
    i32::try_from(JULIAN_1970 + day).ok().and_then(|day| Date::from_julian_day(day).ok())
}

/// Months from 1970-01 to the one of `date`, which is not before.
fn month(date: Date) -> u64 {
    (u64::from(date.year().unsigned_abs()) - 1970) * 12 + u64::from(u8::from(date.month())) - 1
}

/// Days from 1970-01-01 to the first of the month that is `months` after 1970-01; beyond the calendar, no day at all.
fn first_day(months: i64) -> i64 {
    let year = i32::try_from(1970 + months.div_euclid(12)).ok();
    let month = Month::January.nth_next(months.rem_euclid(12) as u8);
    let first = year.and_then(|year| Date::from_calendar_date(year, month, 1).ok());
    first.map_or(i64::from(i32::MAX), |date| i64::from(date.to_julian_day()) - JULIAN_1970)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Granularity::{Day, Hour, Week};

    fn text(granularity: Granularity, at: &str) -> String {
        granularity.text(granularity.period(Moment::parse(at).unwrap()))
    }

    #[test]
    fn the_walls_clock_counts() {
        let moment = Moment::parse("2026-11-21T00:32:11.75+01:00").unwrap();
        assert_eq!(moment, Moment { utc: 1_795_217_531, civil: 1_795_221_131 });
        assert_eq!(text(Hour, "2026-11-21T00:32:11+01:00"), "2026-11-21T00");
        assert_eq!(text(Day, "2026-11-21T00:32:11+01:00"), "2026-11-21");
        assert_eq!(text(Day, "2026-11-21T00:32:11Z"), "2026-11-21");
        assert_eq!(text(Day, "2026-11-21T23:59:59-12:00"), "2026-11-21");
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (at, week) in [
            ("1970-01-01T00:00:00Z", "1970-W01"),
            ("1970-01-04T23:00:00Z", "1970-W01"),
            ("1970-01-05T00:00:00Z", "1970-W02"),
            ("2021-01-03T12:00:00Z", "2020-W53"),
            ("2021-01-04T00:00:00Z", "2021-W01"),
            ("2024-12-30T00:00:00Z", "2025-W01"),
            ("2026-11-21T10:32:11+01:00", "2026-W47"),
        ] {
            assert_eq!(text(Week, at), week);
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (at, number, name) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01"),
            ("1970-12-31T23:59:59Z", 11, "1970-12"),
            ("2024-02-29T12:00:00Z", 649, "2024-02"),
            ("2026-12-01T00:00:00+01:00", 683, "2026-12"),
            ("9999-12-31T23:59:59Z", 96_359, "9999-12"),
        ] {
            let month = Granularity::Month.period(Moment::parse(at).unwrap());
            assert_eq!((month, Granularity::Month.text(month).as_str()), (number, name));
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T10:32:11",
            "2026-11-21T10:32:11+0100",
            "2026-13-21T10:32:11Z",
            "2026-02-29T10:32:11Z",
            "2026-11-21T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00-01:00x",
            "next Tuesday",
        ] {
            assert_eq!(Moment::parse(bad), Err(Reason::BadTime), "{bad}");
        }
    }

    #[test]
    fn a_period_is_over_when_it_is_over_everywhere() {
        for (granularity, at, end) in [
            (Hour, "2026-11-21T10:32:11+01:00", "2026-11-21T11:00:00-12:00"),
            (Day, "2026-11-21T10:32:11+01:00", "2026-11-22T00:00:00-12:00"),
            (Week, "2026-11-21T10:32:11+01:00", "2026-11-23T00:00:00-12:00"),
            (Granularity::Month, "2026-11-21T10:32:11+01:00", "2026-12-01T00:00:00-12:00"),
            (Granularity::Month, "2024-02-01T00:00:00+01:00", "2024-03-01T00:00:00-12:00"),
            (Granularity::Month, "2026-12-31T23:59:59-05:00", "2027-01-01T00:00:00-12:00"),
        ] {
            let period = granularity.period(Moment::parse(at).unwrap());
            let end = Moment::parse(end).unwrap().utc;
            assert!(granularity.is_over(period, end));
            assert!(!granularity.is_over(period, end - 1));
            assert_eq!(granularity.begins_at(period + 1) + 12 * HOUR, end);
        }
    }

    #[test]
    fn periods_beyond_the_calendar_have_a_text() {
        assert_eq!(Day.text(u32::MAX), "4294967295");
        assert_eq!(Week.text(u32::MAX), "4294967295");
        assert_eq!(Hour.text(u32::MAX), "4294967295");
        assert_eq!(Granularity::Month.text(u32::MAX), "4294967295");
        let end = Granularity::Month.over_at(u32::MAX);
        assert!(end > Moment::parse("9999-12-31T00:00:00Z").unwrap().utc, "and never end");
    }
}

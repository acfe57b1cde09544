//! Periods as a policy writes them, and how long the vendor keeps something, counted from which event.
//!
//! A period is a number of one unit: `24 months` or `30 days`, or in the form of ISO 8601 `P90D`, `P36M`, `P10Y`. What
//! the vendor keeps is one of the four words of [`Retention`], or such a period and its start: `P36M from receipt`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Month, OffsetDateTime};

use crate::identity::{Retention, words};

const DAY: i64 = 86_400;
/// Longer than a century is a slip of the pen: days, months, years.
const MOST: [u32; 3] = [36_500, 1_200, 100];

/// So much time, in the calendar's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Of 24 hours.
    Days(u32),
    /// Of the calendar.
    Months(u32),
    /// Of the calendar.
    Years(u32),
}

/// A text that is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a period of at most a century, such as \"24 months\", \"30 days\", \"P36M\", \"P10Y\" or \"P90D\""
)]
pub struct NoPeriod;

impl Period {
    /// The end of the period that begins at `from` (seconds since 1970); `None` after the year 9999. A month's last days
    /// end on the last day of a shorter month.
    pub fn after(self, from: i64) -> Option<i64> {
        match self {
            Self::Days(days) => from.checked_add(i64::from(days) * DAY),
            Self::Months(months) => Self::months_after(from, months),
            Self::Years(years) => Self::months_after(from, years.checked_mul(12)?),
        }
    }

    fn months_after(from: i64, months: u32) -> Option<i64> {
        months_later(OffsetDateTime::from_unix_timestamp(from).ok()?, months)
            .map(OffsetDateTime::unix_timestamp)
    }

    /// Days, of 31 a month: never too few.
    pub fn days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Months(months) => months * 31,
            Self::Years(years) => years * 366,
        }
    }

    /// Days that it has at least.
    pub fn fewest_days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Months(months) => months * 28,
            Self::Years(years) => years * 365,
        }
    }

    /// In the form of ISO 8601.
    pub fn iso(self) -> String {
        match self {
            Self::Days(days) => format!("P{days}D"),
            Self::Months(months) => format!("P{months}M"),
            Self::Years(years) => format!("P{years}Y"),
        }
    }

    /// The number and the place of the unit: days, months, years.
    pub const fn parts(self) -> (u32, u8) {
        match self {
            Self::Days(number) => (number, 0),
            Self::Months(number) => (number, 1),
            Self::Years(number) => (number, 2),
        }
    }

    /// The period of these parts, if it is one.
    pub fn of(number: u32, unit: u8) -> Option<Self> {
        let most = *MOST.get(usize::from(unit))?;
        let period = [Self::Days(number), Self::Months(number), Self::Years(number)];
        period.get(usize::from(unit)).copied().filter(|_| (1..=most).contains(&number))
    }

    fn from_iso(text: &str) -> Option<Self> {
        let text = text.strip_prefix('P')?;
        let (at, unit) = text.char_indices().next_back()?;
        Self::of(number(&text[..at])?, ['D', 'M', 'Y'].iter().position(|known| *known == unit)? as u8)
    }
}

/// Digits without a sign or a zero in front.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let Some((count, unit)) = text.split_once(' ') else {
            return Self::from_iso(text).ok_or(NoPeriod);
        };
        let unit = match unit {
            "day" | "days" => 0,
            "month" | "months" => 1,
            _ => return Err(NoPeriod),
        };
        number(count).and_then(|count| Self::of(count, unit)).ok_or(NoPeriod)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} days"),
            Self::Months(months) => write!(f, "{months} months"),
            Self::Years(years) => write!(f, "{years} years"),
        }
    }
}

/// The same day so many months of the calendar later; the last day of a shorter month (Regulation (EEC) 1182/71, art. 3).
/// `None` after the year 9999.
pub fn months_later(from: OffsetDateTime, months: u32) -> Option<OffsetDateTime> {
    let place = i64::from(u8::from(from.month())) - 1 + i64::from(months);
    let year = i32::try_from(i64::from(from.year()) + place / 12).ok()?;
    let month = Month::try_from((place % 12 + 1) as u8).ok()?;
    let day = from.day().min(month.length(year));
    Some(from.replace_date(time::Date::from_calendar_date(year, month, day).ok()?))
}

words! {
    /// The event that a period of the vendor starts from.
    Start {
        /// The vendor received it.
        Receipt = "receipt",
        /// The last contact about the case.
        LastContact = "last_contact",
        /// The device was taken out of use.
        Decommissioning = "decommissioning",
    }
}

/// How long the vendor keeps something: a word of the closed list, or the period that a policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    /// The word on the wire.
    pub word: Retention,
    /// How long, as it is shown.
    pub period: Period,
    /// From which event.
    pub from: Start,
}

/// A text that does not say how long the vendor keeps something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected usage_24m, support_decom_10y, analytics_14m or contact_2y, or a period of at most a century and the \
     event that it starts from (receipt, last_contact or decommissioning), such as \"P36M from receipt\""
)]
pub struct NotKept;

impl Kept {
    /// What a word means; `None` for [`Retention::Period`], which says that a period stands beside it.
    pub const fn of_word(word: Retention) -> Option<Self> {
        let (period, from) = match word {
            Retention::Usage24Months => (Period::Months(24), Start::Receipt),
            Retention::SupportDecommission10Years => (Period::Years(10), Start::Decommissioning),
            Retention::Analytics14Months => (Period::Months(14), Start::Receipt),
            Retention::Contact2Years => (Period::Years(2), Start::LastContact),
            Retention::Period => return None,
        };
        Some(Self { word, period, from })
    }

    /// The period of a policy.
    pub const fn for_period(period: Period, from: Start) -> Self {
        Self { word: Retention::Period, period, from }
    }

    /// Its end, if it began at `from` (seconds since 1970), by the calendar; `None` after the year 9999.
    pub fn after(self, from: i64) -> Option<i64> {
        self.period.after(from)
    }

    /// Days that it lasts at least.
    pub fn fewest_days(self) -> u32 {
        self.period.fewest_days()
    }
}

impl FromStr for Kept {
    type Err = NotKept;

    fn from_str(text: &str) -> Result<Self, NotKept> {
        let Some((period, from)) = text.split_once(" from ") else {
            return text.parse().ok().and_then(Self::of_word).ok_or(NotKept);
        };
        let from = from.parse().map_err(|_| NotKept)?;
        Period::from_iso(period).map(|period| Self::for_period(period, from)).ok_or(NotKept)
    }
}

/// As a policy writes it.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word {
            Retention::Period => write!(f, "{} from {}", self.period.iso(), self.from),
            word => word.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970.
    fn at(text: &str) -> i64 {
        let format = &time::format_description::well_known::Rfc3339;
        OffsetDateTime::parse(text, format).unwrap().unix_timestamp()
    }

    #[test]
    fn a_period_is_a_number_and_one_unit() {
        for (text, period) in [
            ("24 months", Period::Months(24)),
            ("30 days", Period::Days(30)),
            ("P36M", Period::Months(36)),
            ("P10Y", Period::Years(10)),
            ("P90D", Period::Days(90)),
            ("P100Y", Period::Years(100)),
        ] {
            assert_eq!(text.parse(), Ok(period), "{text}");
            assert_eq!(period.iso().parse(), Ok(period), "{text}");
            let (number, unit) = period.parts();
            assert_eq!(Period::of(number, unit), Some(period));
        }
        let words = [
            "",
            "24",
            "months",
            "0 days",
            "-1 days",
            "+1 days",
            "36501 days",
            "2 weeks",
            "2  days",
            "1 year",
        ];
        let iso = [
            "P",
            "P1",
            "PM",
            "P0M",
            "P036M",
            "P-1M",
            "P+1M",
            "P1W",
            "PT1H",
            "P1Y6M",
            "p36m",
            "P36m",
            " P36M",
            "P36M ",
            "P1201M",
            "P101Y",
            "P1.5Y",
            "P36\u{41c}",
            "P99999999999Y",
        ];
        for wrong in words.into_iter().chain(iso) {
            assert_eq!(wrong.parse::<Period>(), Err(NoPeriod), "{wrong:?}");
        }
        assert_eq!((Period::of(1, 3), Period::of(0, 0)), (None, None));
    }

    #[test]
    fn months_and_years_end_where_the_calendar_says() {
        let after = |from: &str, period: Period| period.after(at(from)).unwrap();
        assert_eq!(after("2024-02-29T12:00:00Z", Period::Years(2)), at("2026-02-28T12:00:00Z"));
        assert_eq!(after("2026-01-31T00:00:00Z", Period::Months(1)), at("2026-02-28T00:00:00Z"));
        assert_eq!(after("2026-11-21T10:32:11Z", Period::Months(14)), at("2028-01-21T10:32:11Z"));
        assert_eq!(after("2026-11-21T10:32:11Z", Period::Days(30)), at("2026-12-21T10:32:11Z"));
        for period in [Period::Days(1), Period::Months(1), Period::Years(1)] {
            assert_eq!(period.after(i64::MAX), None);
        }
        assert_eq!(Period::Months(1).after(253_402_300_799), None, "after the year 9999");
        // Every beginning within four years: never fewer and never more days than are said.
        for day in 0..1461 {
            let from = at("2024-01-01T00:00:00Z") + day * DAY;
            for period in [Period::Months(1), Period::Months(14), Period::Months(36), Period::Years(10)] {
                let days = (period.after(from).unwrap() - from) / DAY;
                let bounds = i64::from(period.fewest_days())..=i64::from(period.days());
                assert!(bounds.contains(&days), "{period} from day {day}: {days}");
            }
        }
    }

    #[test]
    fn the_vendor_keeps_by_a_word_or_by_a_period_and_its_start() {
        for text in ["usage_24m", "support_decom_10y", "analytics_14m", "contact_2y", "P36M from receipt"] {
            assert_eq!(text.parse::<Kept>().unwrap().to_string(), text);
        }
        let kept: Kept = "P10Y from decommissioning".parse().unwrap();
        assert_eq!(kept, Kept::for_period(Period::Years(10), Start::Decommissioning));
        assert_eq!(kept.after(at("2026-11-21T00:00:00Z")), Some(at("2036-11-21T00:00:00Z")));
        let usage: Kept = "usage_24m".parse().unwrap();
        assert_eq!((usage.after(0), usage.fewest_days()), (Some(730 * DAY), 24 * 28));
        for wrong in [
            "period",
            "P36M",
            "36 months from receipt",
            "P36M from today",
            "P36M from",
            "P36M  from receipt",
            "P0M from receipt",
            "for ever",
            "",
            "P36M from receipt from receipt",
            "usage_24m from receipt",
        ] {
            assert_eq!(wrong.parse::<Kept>(), Err(NotKept), "{wrong:?}");
        }
    }
}

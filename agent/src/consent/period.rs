//! A period as a policy writes it: `24 months`, `30 days`.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::state;

/// So much time, in the calendar's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Of 24 hours.
    Days(u32),
    /// Of the calendar.
    Months(u32),
}

/// Longer than a century is a slip of the pen.
const MOST: u32 = 36_500;

impl Period {
    /// The end of the period that begins at `from` (seconds since 1970); `None` after the year 9999.
    pub fn after(self, from: i64) -> Option<i64> {
        match self {
            Self::Days(days) => from.checked_add(i64::from(days) * 86_400),
            Self::Months(months) => state::months_later(from, months),
        }
    }

    /// Days, of 31 a month: never too few.
    pub fn days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Months(months) => months * 31,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_once(' ')?;
        let number = number.parse().ok().filter(|number| (1..=MOST).contains(number))?;
        match unit {
            "day" | "days" => Some(Self::Days(number)),
            "month" | "months" => Some(Self::Months(number)),
            _ => None,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} days"),
            Self::Months(months) => write!(f, "{months} months"),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected a period such as \"24 months\" or \"30 days\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_a_unit() {
        assert_eq!(Period::parse("24 months"), Some(Period::Months(24)));
        assert_eq!(Period::parse("30 days"), Some(Period::Days(30)));
        for wrong in
            ["", "24", "months", "0 days", "-1 days", "36501 days", "2 weeks", "2  days", "1.5 months"]
        {
            assert_eq!(Period::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(Period::Days(30).after(0), Some(30 * 86_400));
        assert_eq!(Period::Days(30).after(i64::MAX), None);
    }
}

//! Values of a policy that are more than their type: texts that say something, a place, a date.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use time::{Date, Month, Time};

/// Text or a list that says something.
pub(super) fn filled<'de, D: Deserializer<'de>, T: Deserialize<'de> + Filled>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    if value.is_filled() { Ok(value) } else { Err(D::Error::custom("it must not be empty")) }
}

pub(super) trait Filled {
    fn is_filled(&self) -> bool;
}

impl Filled for String {
    fn is_filled(&self) -> bool {
        !self.trim().is_empty()
    }
}

impl Filled for Vec<String> {
    fn is_filled(&self) -> bool {
        !self.is_empty() && self.iter().all(Filled::is_filled)
    }
}

/// The word for a place, as a collector says it.
pub(super) fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let word = String::deserialize(deserializer)?;
    let is_word = (1..=32).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic());
    let wanted =
        || D::Error::custom("expected the one word in which a collector names its place, such as \"EEA\"");
    is_word.then_some(Some(word)).ok_or_else(wanted)
}

/// A TOML local date, as seconds since 1970.
pub(super) fn midnight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let wanted = || D::Error::custom("expected a date such as 2024-05-16");
    let toml::value::Datetime { date: Some(date), time: None, offset: None } =
        toml::value::Datetime::deserialize(deserializer)?
    else {
        return Err(wanted());
    };
    let month = Month::try_from(date.month).map_err(|_| wanted())?;
    let date = Date::from_calendar_date(date.year.into(), month, date.day).map_err(|_| wanted())?;
    Ok(date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp())
}

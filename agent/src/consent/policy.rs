//! The policy: what a controller asks for, on which ground, and for how long. Data, not code.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Digest, Purpose, Retention};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use time::{Date, Month, Time};

use crate::config::Language;

/// The policies that are compiled in.
const BUILT_IN: &[(&str, &str)] = &[("copenhagen-imaging", include_str!("policies/copenhagen-imaging.toml"))];

/// A policy and the hash that a consent under it names.
#[derive(Clone, Debug)]
pub struct Policy {
    terms: File,
    hash: Digest,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(deserialize_with = "filled")]
    id: String,
    #[serde(deserialize_with = "filled")]
    version: String,
    #[serde(deserialize_with = "midnight")]
    effective: i64,
    controller: Controller,
    rights: PerLanguage<String>,
    purposes: BTreeMap<Purpose, Terms>,
}

/// Who decides why and how data is processed (GDPR art. 4(7)).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The company.
    #[serde(deserialize_with = "filled")]
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "filled")]
    pub address: String,
    /// Its number in the national register of companies.
    #[serde(deserialize_with = "filled")]
    pub registration: String,
    /// Whom to write to.
    #[serde(deserialize_with = "filled")]
    pub contact: String,
    /// Where to complain (GDPR art. 77).
    #[serde(deserialize_with = "filled")]
    pub complaint: String,
}

/// What is asked for one purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    offered: bool,
    /// The articles that it rests on.
    #[serde(deserialize_with = "filled")]
    pub legal_basis: String,
    /// Months that a yes lasts.
    #[serde(deserialize_with = "positive")]
    pub grant_months: u32,
    /// Days that a record may wait on the device.
    #[serde(deserialize_with = "positive")]
    pub device_days: u32,
    /// How long the vendor keeps it, and from which event on.
    pub vendor_retention: Retention,
    /// What is shown to people.
    pub text: PerLanguage<Text>,
}

/// What is shown to people about a purpose, in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// One line.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// The question and what a yes means.
    #[serde(deserialize_with = "filled")]
    pub body: String,
    /// Categories of data.
    #[serde(deserialize_with = "filled")]
    pub data: Vec<String>,
    /// Who receives it.
    #[serde(deserialize_with = "filled")]
    pub recipients: Vec<String>,
    /// Where it is held.
    #[serde(deserialize_with = "filled")]
    pub place: String,
}

/// The same in each language that the agent speaks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerLanguage<T> {
    en: T,
    da: T,
}

impl<T> PerLanguage<T> {
    /// In this language.
    pub fn of(&self, language: Language) -> &T {
        match language {
            Language::En => &self.en,
            Language::Da => &self.da,
        }
    }
}

impl Policy {
    /// The policy that the configuration names: the id of a built-in one, or a path.
    pub fn load(name: &str) -> Result<Self, PolicyError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(id, _)| *id == name) {
            return Self::parse(text);
        }
        let path = Path::new(name);
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) => Err(PolicyError::Unreadable { path: path.to_owned(), why: error.kind() }),
        }
    }

    /// The policy in this TOML.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let terms = toml::from_str(text).map_err(|error: toml::de::Error| PolicyError::Malformed {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        Ok(Self { terms, hash: Digest::of(text.as_bytes()) })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.terms.id
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.terms.version
    }

    /// SHA-256 of its bytes.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Midnight UTC of the day it takes effect, in seconds since 1970.
    pub fn effective(&self) -> i64 {
        self.terms.effective
    }

    /// Who asks.
    pub fn controller(&self) -> &Controller {
        &self.terms.controller
    }

    /// What the site may do about it.
    pub fn rights(&self, language: Language) -> &str {
        self.terms.rights.of(language)
    }

    /// What is asked for `purpose`; `None` if this controller does not offer it.
    pub fn terms(&self, purpose: Purpose) -> Option<&Terms> {
        self.terms.purposes.get(&purpose).filter(|terms| terms.offered)
    }
}

/// Why a policy is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// No built-in policy has this name, and there is no such file.
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why, in the system's words.
        why: io::ErrorKind,
    },
    /// Something in the file is wrong.
    Malformed {
        /// From 1.
        line: usize,
        /// What.
        what: String,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => {
                write!(f, "the policy {} cannot be read ({why}): name a file, or one of", path.display())?;
                BUILT_IN.iter().try_for_each(|(id, _)| write!(f, " {id}"))
            }
            Self::Malformed { line, what } => {
                write!(f, "line {line} of the policy is wrong: {what}; correct it and start again")
            }
        }
    }
}

impl std::error::Error for PolicyError {}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Text or a list that says something.
fn filled<'de, D: Deserializer<'de>, T: Deserialize<'de> + Filled>(deserializer: D) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    if value.is_filled() { Ok(value) } else { Err(D::Error::custom("it must not be empty")) }
}

trait Filled {
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

/// A number of days or months; more than a century is a slip of the pen.
fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        number @ 1..=36_500 => Ok(number),
        _ => Err(D::Error::custom("a number from 1 to 36500 is wanted")),
    }
}

/// A TOML local date, as seconds since 1970.
fn midnight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let wanted = || D::Error::custom("a date is wanted, as 2024-05-16");
    let toml::value::Datetime { date: Some(date), time: None, offset: None } =
        toml::value::Datetime::deserialize(deserializer)?
    else {
        return Err(wanted());
    };
    let month = Month::try_from(date.month).map_err(|_| wanted())?;
    let date = Date::from_calendar_date(date.year.into(), month, date.day).map_err(|_| wanted())?;
    Ok(date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> &'static str {
        BUILT_IN[0].1
    }

    #[test]
    fn every_built_in_policy_is_sound_and_asks_for_something() {
        for (id, text) in BUILT_IN {
            let policy = Policy::parse(text).unwrap();
            assert_eq!(policy.id(), *id);
            assert_eq!(policy.hash(), Policy::load(id).unwrap().hash());
            assert!(Purpose::ALL.iter().any(|purpose| policy.terms(*purpose).is_some()));
        }
        assert_eq!(Policy::load("copenhagen-imaging").unwrap().effective(), 1_715_817_600); // date -d 2024-05-16Z +%s
    }

    #[test]
    fn whatever_is_wrong_is_named_with_its_line() {
        let cases = [
            ("version = \"2024-05-16\"", "version = \"\"", "empty"),
            ("effective = 2024-05-16", "effective = 2024-05-16T10:00:00Z", "date"),
            ("effective = 2024-05-16", "effective = \"soon\"", "expected"),
            ("registration = \"35802940\"", "registrations = \"35802940\"", "registrations"),
            ("[purposes.usage_statistics]", "[purposes.usage_statistic]", "usage_statistic"),
            ("legal_basis = \"GDPR art. 6(1)(a)\"", "legal_basis = \" \"", "empty"),
            ("grant_months = 24", "grant_months = 0", "36500"),
            ("vendor_retention = \"usage_24m\"", "vendor_retention = \"for ever\"", "for ever"),
            ("place = \"EØS\"", "place = EØS", ""),
            ("offered = true\n", "offered = true\noffered = true\n", "duplicate"),
        ];
        for (right, wrong, said) in cases {
            let at = built_in().find(right).unwrap_or_else(|| panic!("{right}"));
            let text = built_in().replacen(right, wrong, 1);
            let line = line_of(&text, at) + usize::from(said == "duplicate");
            match Policy::parse(&text).unwrap_err() {
                PolicyError::Malformed { line: found, what } => {
                    assert_eq!(found, line, "{wrong}: {what}");
                    assert!(what.contains(said), "{wrong}: {what}");
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_purpose_without_a_ground_is_refused_and_one_that_is_not_offered_has_no_terms() {
        let without = built_in().replacen("legal_basis = \"GDPR art. 6(1)(a)\"\n", "", 1);
        let error = Policy::parse(&without).unwrap_err().to_string();
        assert!(error.contains("legal_basis"), "{error}");

        let (before, after) = built_in().split_once("[purposes.support_scan_data]").unwrap();
        let refused = after.replacen("offered = true", "offered = false", 1);
        let policy = Policy::parse(&format!("{before}[purposes.support_scan_data]{refused}")).unwrap();
        assert!(policy.terms(Purpose::SupportScanData).is_none());
        assert!(policy.terms(Purpose::SupportCase).is_some());
    }

    #[test]
    fn a_policy_that_is_not_there_names_those_that_are() {
        let error = Policy::load("novo-imagin").unwrap_err().to_string();
        assert!(error.contains("novo-imagin") && error.contains("copenhagen-imaging"), "{error}");
    }
}

//! What a catalog lists: entries, and the events that feed them.

use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, Shown};
use super::rules::Rule;
use crate::batch::Record;
use crate::civil::Granularity;
use crate::identity::Purpose;

/// What is kept and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Stable for ever; the wire's name for it.
    pub number: u16,
    /// Stable for ever; people's name for it.
    pub name: String,
    /// How it folds.
    pub kind: Kind,
    /// The consent flag it belongs to.
    pub purpose: Purpose,
    /// What it says, in plain words.
    pub what: String,
    /// What it is for.
    pub reason: String,
    /// The vendor's group that answers for it.
    pub owner: String,
    /// Last day of its life, `YYYY-MM-DD`; renewed on purpose only.
    pub ends: String,
    /// The same in days since 1970-01-01.
    pub last_day: u32,
    /// How coarse its time is.
    pub granularity: Granularity,
    /// In the order of [`Record::attributes`].
    pub attributes: Vec<Attribute>,
    /// A distribution's inclusive upper bounds, ascending, in `unit`; what is above the last one
    /// has a bucket of its own.
    pub bounds: Vec<u64>,
    /// Unit of `bounds`.
    pub unit: String,
    pub(super) line: usize,
}

/// How an entry folds what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A sum over its period.
    Counter,
    /// Observations per bucket over its period.
    Distribution,
    /// Each one by itself; the device's own only.
    Event,
    /// The last value of its period.
    State,
}

/// What Kathea may write.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventType {
    /// The word in `event`.
    pub name: String,
    /// What it means, in plain words.
    pub what: String,
    /// What it happens once for.
    pub per: Per,
    /// The closed list of its attributes.
    pub attributes: Vec<Attribute>,
    #[serde(skip)]
    pub(super) rules: Vec<Rule>,
    pub(super) line: usize,
}

/// What something happens once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// A patient's examination: counted and distributed, never kept singly.
    Patient,
    /// The device or its software.
    Device,
}

/// Why a text is not a catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("catalog, line {line}: {what}")]
pub struct CatalogError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Entry {
    /// The record's attributes by name, as a person or an export reads them. What a record of
    /// another catalog has beyond them is left out.
    pub fn describe_record<'a>(&'a self, record: &Record) -> Vec<(&'a str, Shown<'a>)> {
        self.attributes
            .iter()
            .zip(&record.attributes)
            .map(|(attribute, value)| (attribute.name.as_str(), attribute.kind.show(*value)))
            .collect()
    }
}

impl EventType {
    /// Where the attribute stands in [`EventType::attributes`] and in the values of
    /// [`EventType::feeds`].
    pub fn position(&self, name: &str) -> Option<usize> {
        self.attributes.iter().position(|attribute| attribute.name == name)
    }
}

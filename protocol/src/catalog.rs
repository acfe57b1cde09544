//! The closed list of what can be said about usage: entries, and the events that feed them.
//!
//! What Kathea writes is an *event*; what is kept and sent is an *entry*. `catalog.toml`, compiled
//! in, holds both and the rules that fold the one into the other. What it does not list cannot be
//! said; free text cannot even be expressed.

mod attribute;
mod compiled;
mod document;
mod lint;
mod resolve;
mod rules;
mod source;

use std::sync::{Arc, LazyLock};

pub use attribute::{Attribute, AttributeKind, Number, Shown};
pub use rules::{Contribution, Observe};
use serde::{Deserialize, Serialize};

use crate::batch::Record;
use crate::civil::Granularity;
use crate::identity::{Digest, Purpose};

/// A parsed and checked catalog.
#[derive(Debug)]
pub struct Catalog {
    hash: Digest,
    entries: Vec<Arc<Entry>>,
    event_types: Vec<EventType>,
}

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
    line: usize,
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
    rules: Vec<rules::Rule>,
    line: usize,
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

impl Catalog {
    /// The catalog compiled in.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Catalog> = LazyLock::new(|| {
            // Not input: a broken catalog fails every test and every start.
            #[allow(clippy::panic)]
            match compiled::read(include_bytes!("../catalog.bin"), compiled::SUM) {
                Some(catalog) => catalog,
                // While the text is being changed. What is shipped has no reader of its form.
                None if cfg!(debug_assertions) => {
                    Catalog::parse(compiled::TEXT).unwrap_or_else(|error| panic!("{error}"))
                }
                None => panic!("catalog.bin is not that of catalog.toml: write it anew"),
            }
        });
        &BUILT_IN
    }

    /// Reads and checks a catalog; what it promises is in `catalog/lint.rs`.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let (entries, event_types) = source::read(text)?;
        let catalog = Self { hash: Digest::of(text.as_bytes()), entries, event_types };
        lint::check(&catalog)?;
        Ok(catalog)
    }

    /// SHA-256 of the text: what a batch says its numbers refer to.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// In the order of the text.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter().map(AsRef::as_ref)
    }

    /// The entry with this number.
    pub fn entry(&self, number: u16) -> Option<&Entry> {
        self.entries().find(|entry| entry.number == number)
    }

    /// In the order of the text.
    pub fn event_types(&self) -> &[EventType] {
        &self.event_types
    }

    /// The event type with this name.
    pub fn event_type(&self, name: &str) -> Option<&EventType> {
        self.event_types.iter().find(|event_type| event_type.name == name)
    }
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

#[cfg(test)]
mod tests;

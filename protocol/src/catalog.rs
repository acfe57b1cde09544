//! The closed list of what can be said about usage: entries, and the events that feed them.
//!
//! What Kathea writes is an *event*; what is kept and sent is an *entry*. `catalog.toml`, compiled
//! in, holds both and the rules that fold the one into the other. What it does not list cannot be
//! said; free text cannot even be expressed.

mod attribute;
mod compiled;
mod document;
mod entry;
mod lint;
mod resolve;
mod rules;
mod source;

use std::sync::{Arc, LazyLock};

pub use attribute::{Attribute, AttributeKind, Number, Shown};
pub use entry::{CatalogError, Entry, EventType, Kind, Per};
pub use rules::{Contribution, Observe};

use crate::identity::Digest;

/// A parsed and checked catalog.
#[derive(Debug)]
pub struct Catalog {
    hash: Digest,
    entries: Vec<Arc<Entry>>,
    event_types: Vec<EventType>,
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

#[cfg(test)]
mod tests;

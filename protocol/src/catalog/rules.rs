//! How an event folds into entries: rules compiled to positions and numbers, so that a line
//! costs no allocation and no look-up of a name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Entry, EventType};
use crate::envelope::MAX_ATTRIBUTES;

/// What one event adds to one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// In the entry's order.
    pub attributes: &'a [u64],
    /// What is added.
    pub what: Observe,
}

/// What a contribution adds, by the entry's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// A record of its own.
    Event,
    /// This much to the counter.
    Count(u64),
    /// One observation in this bucket.
    Bucket(usize),
    /// The new last value of the row that the key attributes name.
    State,
}

/// One `from` of the catalog, with names resolved to positions in the event's values.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) entry: Arc<Entry>,
    /// Applies only if every such value is one of these.
    pub(super) when: Vec<(usize, Vec<u64>)>,
    /// One per attribute of the entry.
    pub(super) cells: Vec<Cell>,
    pub(super) value: RuleValue,
}

/// Where an entry's attribute comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Cell {
    Fixed(u64),
    Copy(usize),
    /// The word with this index in the entry's enumeration, per word of the event's enumeration.
    Map(usize, Vec<u64>),
    /// The number of upper bounds that the value is above.
    Class(usize, Vec<u64>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum RuleValue {
    Event,
    State,
    One,
    Sum(usize),
    /// The bucket, by the entry's bounds in the attribute's scale.
    Bucket(usize, Vec<u64>),
}

impl EventType {
    /// Calls `out` for every entry that an event with these values feeds. `values` are checked
    /// ones, in the order of [`EventType::attributes`]; a rule that uses an absent one does not
    /// apply.
    pub fn feeds(&self, values: &[Option<u64>], out: &mut impl FnMut(Contribution<'_>)) {
        for rule in &self.rules {
            let mut cells = [0; MAX_ATTRIBUTES];
            if let Some((attributes, what)) = rule.apply(values, &mut cells) {
                out(Contribution { entry: &rule.entry, attributes, what });
            }
        }
    }

    /// The entries it feeds, one per rule.
    pub fn fed_entries(&self) -> impl Iterator<Item = &Entry> {
        self.rules.iter().map(|rule| rule.entry.as_ref())
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Rule {
    fn apply<'a>(
        &self,
        values: &[Option<u64>],
        cells: &'a mut [u64; MAX_ATTRIBUTES],
    ) -> Option<(&'a [u64], Observe)> {
        let value = |position: usize| values.get(position).copied().flatten();
        for (position, allowed) in &self.when {
            if !allowed.contains(&value(*position)?) {
                return None;
            }
        }
        for (out, cell) in cells.iter_mut().zip(&self.cells) {
            *out = match cell {
                Cell::Fixed(fixed) => *fixed,
                Cell::Copy(position) => value(*position)?,
                Cell::Map(position, words) => *words.get(value(*position)? as usize)?,
                Cell::Class(position, bounds) => class(bounds, value(*position)?),
            };
        }
        let what = match &self.value {
            RuleValue::Event => Observe::Event,
            RuleValue::State => Observe::State,
            RuleValue::One => Observe::Count(1),
            RuleValue::Sum(position) => Observe::Count(value(*position)?),
            RuleValue::Bucket(position, bounds) => Observe::Bucket(class(bounds, value(*position)?) as usize),
        };
        Some((cells.get(..self.cells.len())?, what))
    }

    /// Positions of every value that it looks at.
    pub(super) fn sources(&self) -> impl Iterator<Item = usize> {
        let cells = self.cells.iter().filter_map(|cell| match cell {
            Cell::Fixed(_) => None,
            Cell::Copy(position) | Cell::Map(position, _) | Cell::Class(position, _) => Some(*position),
        });
        let value = match self.value {
            RuleValue::Sum(position) | RuleValue::Bucket(position, _) => Some(position),
            RuleValue::Event | RuleValue::State | RuleValue::One => None,
        };
        self.when.iter().map(|(position, _)| *position).chain(cells).chain(value)
    }
}

/// How many of the ascending inclusive upper bounds `value` is above.
fn class(bounds: &[u64], value: u64) -> u64 {
    bounds.partition_point(|bound| *bound < value) as u64
}

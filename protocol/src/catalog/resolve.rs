//! Resolution of a rule's names to positions and numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rules::{Cell, Rule, RuleValue};
use super::source::{CellSource, Natural, RuleSource};
use super::{Attribute, AttributeKind, Entry, EventType, Kind};

/// The rule by which `event_type` feeds `entry`.
pub(super) fn rule(source: &RuleSource, entry: &Arc<Entry>, event_type: &EventType) -> Result<Rule, String> {
    for name in source.with.keys() {
        if !entry.attributes.iter().any(|attribute| attribute.name == *name) {
            return Err(format!("{} has no attribute {name}", entry.name));
        }
    }
    let mut when = Vec::new();
    for (name, words) in &source.when {
        let (position, kind) = find(event_type, name)?;
        when.push((position, words.iter().map(|word| index(kind, word)).collect::<Result<_, _>>()?));
    }
    let cell = |attribute: &Attribute| cell(source.with.get(&attribute.name), attribute, event_type);
    Ok(Rule {
        entry: Arc::clone(entry),
        when,
        cells: entry.attributes.iter().map(cell).collect::<Result<_, _>>()?,
        value: value(source, entry, event_type)?,
    })
}

fn find<'a>(event_type: &'a EventType, name: &str) -> Result<(usize, &'a AttributeKind), String> {
    let mut attributes = event_type.attributes.iter().enumerate();
    attributes
        .find(|(_, attribute)| attribute.name == name)
        .map(|(position, attribute)| (position, &attribute.kind))
        .ok_or_else(|| format!("{} has no attribute {name}", event_type.name))
}

fn cell(source: Option<&CellSource>, attribute: &Attribute, event_type: &EventType) -> Result<Cell, String> {
    match source {
        Some(CellSource::Fixed(word)) => Ok(Cell::Fixed(index(&attribute.kind, word)?)),
        Some(CellSource::Map { of, to }) => {
            let (position, kind) = find(event_type, of)?;
            Ok(Cell::Map(position, words(kind, &attribute.kind, to)?))
        }
        Some(CellSource::Class { of, upto }) => {
            let (position, kind) = find(event_type, of)?;
            Ok(Cell::Class(position, classes(kind, &attribute.kind, upto)?))
        }
        Some(CellSource::Copy { of }) => copy(of, attribute, event_type),
        None => copy(&attribute.name, attribute, event_type),
    }
}

fn copy(of: &str, attribute: &Attribute, event_type: &EventType) -> Result<Cell, String> {
    let (position, kind) = find(event_type, of)?;
    if *kind == attribute.kind {
        return Ok(Cell::Copy(position));
    }
    Ok(Cell::Map(position, words(kind, &attribute.kind, &BTreeMap::new())?))
}

fn value(source: &RuleSource, entry: &Entry, event_type: &EventType) -> Result<RuleValue, String> {
    match (entry.kind, &source.observe, &source.sum) {
        (Kind::Counter, None, None) => Ok(RuleValue::One),
        (Kind::Event, None, None) => Ok(RuleValue::Event),
        (Kind::State, None, None) => Ok(RuleValue::State),
        (Kind::Counter, None, Some(name)) => match find(event_type, name)? {
            (position, AttributeKind::Integer { decimals: 0, .. }) => Ok(RuleValue::Sum(position)),
            _ => Err(format!("{name} cannot be summed: it is not a whole number")),
        },
        (Kind::Distribution, Some(name), None) => match find(event_type, name)? {
            (position, AttributeKind::Integer { decimals, .. }) => {
                let scale = 10_u64.pow(u32::from(*decimals));
                let bounds = entry.bounds.iter().map(|bound| bound.saturating_mul(scale)).collect();
                Ok(RuleValue::Bucket(position, bounds))
            }
            _ => Err(format!("{name} cannot be observed: it is not a number")),
        },
        _ => {
            Err("a distribution has `observe`, a counter may have `sum`, the others have neither".to_owned())
        }
    }
}

fn index(kind: &AttributeKind, word: &str) -> Result<u64, String> {
    match kind {
        AttributeKind::Enumeration { .. } => {
            kind.check_text(word).map_err(|_| format!("{word} is not on the list"))
        }
        _ => Err(format!("{word} is given where no word is wanted")),
    }
}

/// Per word of `from` the index of its word in `to`: the one that `map` lists it under, or itself.
fn words(
    from: &AttributeKind,
    to: &AttributeKind,
    map: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<u64>, String> {
    let AttributeKind::Enumeration { values } = from else {
        return Err("a number or a version is copied into another kind".to_owned());
    };
    let mut listed = BTreeSet::new();
    for word in map.values().flatten() {
        index(from, word)?;
        if !listed.insert(word) {
            return Err(format!("{word} is mapped twice"));
        }
    }
    let target = |word: &String| {
        let listed = map.iter().find(|(_, words)| words.contains(word));
        index(to, listed.map_or(word, |(to, _)| to))
    };
    values.iter().map(target).collect()
}

/// Upper bounds in the scale of `from`, one fewer than `to` has words.
fn classes(from: &AttributeKind, to: &AttributeKind, upto: &[Natural]) -> Result<Vec<u64>, String> {
    match (from, to) {
        (AttributeKind::Integer { decimals, .. }, AttributeKind::Enumeration { values })
            if values.len() == upto.len() + 1 =>
        {
            upto.iter().map(|bound| bound.scaled(*decimals)).collect()
        }
        _ => Err("classes are of a number, and have one bound fewer than words".to_owned()),
    }
}

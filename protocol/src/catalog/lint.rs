//! Rules for every catalog; one that breaks a rule does not load.
//!
//! The first of them: nothing that happens once per patient is an event. A patient's examination
//! with an hour and a serial number is a fingerprint, so it only counts and distributes, by month:
//! tables by week would tell of which week a scan is whose dates a support case moved
//! (`tests/linkage.rs`).

use std::collections::BTreeSet;

use super::rules::{Cell, Rule, RuleValue};
use super::{Attribute, AttributeKind, Catalog, CatalogError, Entry, EventType, Kind, Per};
use crate::civil::Granularity;
use crate::envelope::{MAX_ATTRIBUTES, MAX_BUCKETS};

/// Words that no attribute's name may have: what they name identifies somebody or something.
const IDENTIFYING: &[&str] = &[
    "accession",
    "address",
    "age",
    "birth",
    "email",
    "gender",
    "hostname",
    "id",
    "ip",
    "login",
    "mac",
    "mrn",
    "name",
    "phone",
    "serial",
    "sex",
    "text",
    "tooth",
    "uid",
    "username",
    "uuid",
];
/// Names that identify when they stand alone, as in `patient` but not in `patient_size`.
const IDENTIFYING_ALONE: &[&str] = &["host", "operator", "patient", "person", "user"];
/// Names that every line has.
const RESERVED: &[&str] = &["event", "at"];
/// Words of one enumeration.
const MAX_VALUES: usize = 255;

type Outcome = Result<(), String>;

/// Checks `catalog` against every rule, and names the first line that breaks one.
pub(super) fn check(catalog: &Catalog) -> Result<(), CatalogError> {
    let at = |line: usize| move |what: String| CatalogError { line, what };
    let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
    for entry in catalog.entries() {
        let unique = numbers.insert(entry.number) && names.insert(&entry.name);
        ensure(unique, "an entry's number and name are its own")
            .and_then(|()| check_entry(entry))
            .map_err(at(entry.line))?;
        let fed =
            catalog.event_types().iter().any(|event_type| event_type.fed_entries().any(|fed| fed == entry));
        ensure(fed, "an entry is fed by an event").map_err(at(entry.line))?;
    }
    let mut names = BTreeSet::new();
    for event_type in catalog.event_types() {
        ensure(names.insert(&event_type.name), "an event's name is unique")
            .and_then(|()| check_event_type(event_type))
            .map_err(at(event_type.line))?;
        for rule in event_type.rules() {
            check_rule(event_type, rule).map_err(at(rule.entry.line))?;
        }
    }
    Ok(())
}

fn check_entry(entry: &Entry) -> Outcome {
    check_name(&entry.name)?;
    let said = [&entry.what, &entry.reason, &entry.owner];
    ensure(
        said.iter().all(|text| !text.trim().is_empty()),
        "an entry says what, why (`reason`) and whose it is",
    )?;
    check_attributes(&entry.attributes)?;
    ensure(entry.attributes.len() <= MAX_ATTRIBUTES, "an entry has no more attributes than a record can")?;
    let keyed = entry.attributes.iter().any(|attribute| attribute.key);
    ensure(!keyed || entry.kind == Kind::State, "only a state has keys")?;
    let few = if entry.kind == Kind::Distribution { 1..MAX_BUCKETS } else { 0..1 };
    ensure(
        few.contains(&entry.bounds.len()),
        "a distribution has bounds, not too many, and nothing else has",
    )?;
    ensure(ascending(&entry.bounds), "bounds ascend")
}

fn check_event_type(event_type: &EventType) -> Outcome {
    check_name(&event_type.name)?;
    ensure(!event_type.what.trim().is_empty(), "an event says what happened (`what`)")?;
    check_attributes(&event_type.attributes)?;
    ensure(
        !event_type.rules().is_empty(),
        "an event feeds an entry: an event that no entry uses is not listed",
    )?;
    let used: BTreeSet<usize> = event_type.rules().iter().flat_map(Rule::sources).collect();
    ensure(used.len() == event_type.attributes.len(), "every attribute of an event is used by a rule")
}

fn check_rule(event_type: &EventType, rule: &Rule) -> Outcome {
    if event_type.per == Per::Patient {
        ensure(
            matches!(rule.entry.kind, Kind::Counter | Kind::Distribution),
            "nothing that happens once per patient is an event or a state",
        )?;
        ensure(rule.entry.granularity == Granularity::Month, "what happens per patient is kept by month")?;
    }
    for cell in &rule.cells {
        if let Cell::Class(_, bounds) = cell {
            ensure(ascending(bounds), "bounds ascend")?;
        }
    }
    if let RuleValue::Bucket(position, _) = rule.value {
        let observed = event_type.attributes.get(position).ok_or("a rule observes what is not there")?;
        let same = matches!(&observed.kind, AttributeKind::Integer { unit, .. } if *unit == rule.entry.unit);
        ensure(same, "bounds have the unit of what is observed")?;
    }
    Ok(())
}

fn check_attributes(attributes: &[Attribute]) -> Outcome {
    let mut names = BTreeSet::new();
    for Attribute { name, kind, .. } in attributes {
        check_name(name)?;
        ensure(names.insert(name), "an attribute's name is unique")?;
        ensure(!RESERVED.contains(&name.as_str()), "`event` and `at` are reserved")?;
        let identifying = name.split(['_', '.']).any(|word| IDENTIFYING.contains(&word));
        ensure(
            !identifying && !IDENTIFYING_ALONE.contains(&name.as_str()),
            "no attribute is named like an identifier",
        )?;
        check_kind(kind)?;
    }
    Ok(())
}

fn check_kind(kind: &AttributeKind) -> Outcome {
    match kind {
        AttributeKind::Integer { min, max, step, .. } => ensure(
            min < max && (1..=max - min).contains(step),
            "a range has a smallest, a larger, and a step between",
        ),
        AttributeKind::Enumeration { values } => {
            let distinct: BTreeSet<_> = values.iter().collect();
            ensure(
                (1..=MAX_VALUES).contains(&values.len()) && distinct.len() == values.len(),
                "an enumeration has 1 to 255 different words",
            )?;
            values.iter().try_for_each(|word| check_name(word))
        }
        AttributeKind::Version => Ok(()),
    }
}

fn check_name(name: &str) -> Outcome {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    ensure(
        (1..=48).contains(&name.len()) && name.bytes().all(plain),
        "names and words are lower-case letters, digits, `_` and `.`",
    )
}

fn ascending(bounds: &[u64]) -> bool {
    bounds.is_sorted_by(|a, b| a < b)
}

fn ensure(kept: bool, rule: &str) -> Outcome {
    if kept { Ok(()) } else { Err(rule.to_owned()) }
}

#[cfg(test)]
mod tests;

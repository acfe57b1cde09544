//! The data inventory: all that can be collected, from the catalog that is compiled in.

use std::fmt::Write;

use agent::report::danish;
use protocol::Catalog;
use protocol::catalog::{Attribute, AttributeKind, Entry, Kind, Shown};
use protocol::civil::Granularity;
use protocol::{Digest, Purpose};
use serde::Serialize;

use crate::cli::Format;
use crate::exit::{Exit, Failure};
use crate::print as output;
use crate::texts::inventory::{Say, Word};
use crate::texts::{language, say};

/// `catalog`.
pub(crate) fn print(format: Format) -> Result<Exit, Failure> {
    let catalog = Catalog::built_in();
    match format {
        Format::Md => output::data(&markdown(catalog))?,
        Format::Json => output::json(&inventory(catalog))?,
    }
    Ok(Exit::Done)
}

fn markdown(catalog: &Catalog) -> String {
    let mut text = say(Say::Begins { hash: catalog.hash() });
    text += "|---:|---|---|---|---|---|---|---|---|---|\n";
    for entry in catalog.entries() {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            entry.number,
            entry.name,
            say(Word(kind(entry.kind))),
            in_language(&entry.what, danish::what(&entry.name)),
            in_language(&entry.reason, danish::reason(&entry.name)),
            values(entry),
            say(Word(&word(&entry.granularity))),
            entry.purpose,
            entry.owner,
            entry.ends
        );
    }
    text += &say(Say::Reported);
    text += "|---|---|---|---|\n";
    for event_type in catalog.event_types() {
        let mut kept: Vec<_> = event_type.fed_entries().map(|entry| entry.name.as_str()).collect();
        kept.dedup();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            event_type.name,
            in_language(&event_type.what, danish::event(&event_type.name)),
            list(&event_type.attributes),
            kept.join(", ")
        );
    }
    text
}

/// The Danish where the configuration asks for it.
fn in_language<'a>(english: &'a str, danish: Option<&'a str>) -> &'a str {
    language().pick(english, danish.unwrap_or(english))
}

fn values(entry: &Entry) -> String {
    let mut text = list(&entry.attributes);
    if !entry.bounds.is_empty() {
        let bounds: Vec<_> = entry.bounds.iter().map(u64::to_string).collect();
        let separator = if text.is_empty() { "" } else { "; " };
        let unit = say(Word(if entry.unit.is_empty() { "count" } else { &entry.unit }));
        text += separator;
        text += &say(Say::UpTo { unit, bounds: bounds.join(", ") });
    }
    text
}

fn list(attributes: &[Attribute]) -> String {
    let described: Vec<_> = attributes.iter().map(describe).collect();
    described.join("; ")
}

fn describe(attribute: &Attribute) -> String {
    let optional = if attribute.optional { say(Say::Optional) } else { String::new() };
    let range = match &attribute.kind {
        AttributeKind::Integer { unit, min, max, .. } => {
            let unit = say(Word(unit));
            format!("{}-{} {unit}", attribute.kind.show(*min), attribute.kind.show(*max))
        }
        AttributeKind::Enumeration { values } => format!("{{{}}}", values.join(", ")),
        AttributeKind::Version => say(Word("version")),
    };
    format!("{}{optional}: {}", attribute.name, range.trim_end())
}

/// The catalog as `catalog --format json` prints it.
#[derive(Serialize)]
struct Inventory<'a> {
    catalog: Digest,
    entries: Vec<EntryRow<'a>>,
    #[serde(rename = "happenings")]
    event_types: Vec<EventRow<'a>>,
}

/// What is kept and sent.
#[derive(Serialize)]
struct EntryRow<'a> {
    number: u16,
    name: &'a str,
    kind: &'static str,
    what: &'a str,
    reason: &'a str,
    purpose: Purpose,
    owner: &'a str,
    ends: &'a str,
    granularity: Granularity,
    attributes: Vec<AttributeRow<'a>>,
    unit: &'a str,
    bounds: &'a [u64],
}

/// What Kathea may report.
#[derive(Serialize)]
struct EventRow<'a> {
    name: &'a str,
    what: &'a str,
    attributes: Vec<AttributeRow<'a>>,
    entries: Vec<u16>,
}

/// What an attribute may say.
#[derive(Serialize)]
struct AttributeRow<'a> {
    name: &'a str,
    optional: bool,
    #[serde(flatten)]
    kind: KindRow<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum KindRow<'a> {
    Integer { unit: &'a str, decimals: u8, min: Shown<'a>, max: Shown<'a> },
    Enumeration { values: &'a [String] },
    Version,
}

fn inventory(catalog: &Catalog) -> Inventory<'_> {
    let entries = catalog.entries().map(|entry| EntryRow {
        number: entry.number,
        name: &entry.name,
        kind: kind(entry.kind),
        what: &entry.what,
        reason: &entry.reason,
        purpose: entry.purpose,
        owner: &entry.owner,
        ends: &entry.ends,
        granularity: entry.granularity,
        attributes: attributes(&entry.attributes),
        unit: &entry.unit,
        bounds: &entry.bounds,
    });
    let event_types = catalog.event_types().iter().map(|event_type| EventRow {
        name: &event_type.name,
        what: &event_type.what,
        attributes: attributes(&event_type.attributes),
        entries: event_type.fed_entries().map(|entry| entry.number).collect(),
    });
    Inventory { catalog: catalog.hash(), entries: entries.collect(), event_types: event_types.collect() }
}

fn attributes(attributes: &[Attribute]) -> Vec<AttributeRow<'_>> {
    attributes.iter().map(attribute).collect()
}

fn attribute(Attribute { name, kind, optional, .. }: &Attribute) -> AttributeRow<'_> {
    let row = match kind {
        AttributeKind::Integer { unit, min, max, decimals, .. } => {
            KindRow::Integer { unit, decimals: *decimals, min: kind.show(*min), max: kind.show(*max) }
        }
        AttributeKind::Enumeration { values } => KindRow::Enumeration { values },
        AttributeKind::Version => KindRow::Version,
    };
    AttributeRow { name, optional: *optional, kind: row }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Distribution => "distribution",
        Kind::Event => "event",
        Kind::State => "state",
    }
}

/// The one word of a unit variant.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_and_every_event_is_in_both_forms() {
        let catalog = Catalog::built_in();
        let (text, value) = (markdown(catalog), serde_json::to_value(inventory(catalog)).unwrap());
        for entry in catalog.entries() {
            assert!(text.contains(&format!("| {} | {} |", entry.number, entry.name)), "{}", entry.name);
        }
        for event_type in catalog.event_types() {
            assert!(
                text.contains(&format!("\n| {} | {}", event_type.name, event_type.what)),
                "{}",
                event_type.name
            );
        }
        assert_eq!(value["entries"].as_array().unwrap().len(), catalog.entries().len());
        assert_eq!(value["happenings"].as_array().unwrap().len(), catalog.event_types().len());
        assert_eq!(value["entries"][2]["bounds"][0], 65);
    }
}

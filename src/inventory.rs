//! The data inventory: all that can be collected, from the catalog that is compiled in.

use std::fmt::Write;

use protocol::Catalog;
use protocol::catalog::{Attribute, AttributeKind, Entry, Kind};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::exit::{Exit, Failure};
use crate::print as output;

/// `catalog`.
pub(crate) fn print(format: Format) -> Result<Exit, Failure> {
    let catalog = Catalog::built_in();
    match format {
        Format::Md => output::data(&markdown(catalog))?,
        Format::Json => output::json(&value(catalog))?,
    }
    Ok(Exit::Done)
}

fn markdown(catalog: &Catalog) -> String {
    let mut text = format!(
        "# Data inventory\n\nCatalog {}. Nothing else can be collected; nothing is before the clinic says yes.\n\n\
         ## What is kept and sent\n\n\
         | no. | name | kind | what | why | values | time | flag | owner | until |\n\
         |---:|---|---|---|---|---|---|---|---|---|\n",
        catalog.hash()
    );
    for entry in catalog.entries() {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            entry.number,
            entry.name,
            kind(entry.kind),
            entry.what,
            entry.reason,
            values(entry),
            word(&entry.granularity),
            entry.purpose,
            entry.owner,
            entry.ends
        );
    }
    text += "\n## What Kathea may report\n\n| name | what | values | kept as |\n|---|---|---|---|\n";
    for happening in catalog.happenings() {
        let mut kept: Vec<_> = happening.fed_entries().map(|entry| entry.name.as_str()).collect();
        kept.dedup();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            happening.name,
            happening.what,
            list(&happening.attributes),
            kept.join(", ")
        );
    }
    text
}

fn values(entry: &Entry) -> String {
    let mut text = list(&entry.attributes);
    if !entry.bounds.is_empty() {
        let bounds: Vec<_> = entry.bounds.iter().map(u64::to_string).collect();
        let separator = if text.is_empty() { "" } else { "; " };
        let unit = if entry.unit.is_empty() { "count" } else { &entry.unit };
        text += &format!("{separator}{unit} up to {}, more", bounds.join(", "));
    }
    text
}

fn list(attributes: &[Attribute]) -> String {
    let described: Vec<_> = attributes.iter().map(describe).collect();
    described.join("; ")
}

fn describe(attribute: &Attribute) -> String {
    let optional = if attribute.optional { " (optional)" } else { "" };
    let range = match &attribute.kind {
        AttributeKind::Integer { unit, min, max, .. } => {
            format!("{}-{} {unit}", attribute.kind.show(*min), attribute.kind.show(*max))
        }
        AttributeKind::Enumeration { values } => format!("{{{}}}", values.join(", ")),
        AttributeKind::Version => "version".to_owned(),
    };
    format!("{}{optional}: {}", attribute.name, range.trim_end())
}

fn value(catalog: &Catalog) -> Value {
    let entries = catalog.entries().map(|entry| {
        json!({
            "number": entry.number, "name": entry.name, "kind": kind(entry.kind), "what": entry.what,
            "reason": entry.reason, "purpose": entry.purpose, "owner": entry.owner, "ends": entry.ends,
            "granularity": entry.granularity, "attributes": attributes(&entry.attributes),
            "unit": entry.unit, "bounds": entry.bounds,
        })
    });
    let happenings = catalog.happenings().iter().map(|happening| {
        json!({
            "name": happening.name, "what": happening.what, "attributes": attributes(&happening.attributes),
            "entries": happening.fed_entries().map(|entry| entry.number).collect::<Vec<_>>(),
        })
    });
    json!({
        "catalog": catalog.hash(),
        "entries": entries.collect::<Vec<_>>(),
        "happenings": happenings.collect::<Vec<_>>(),
    })
}

fn attributes(attributes: &[Attribute]) -> Vec<Value> {
    let one = |attribute: &Attribute| {
        let mut value = match &attribute.kind {
            AttributeKind::Integer { unit, min, max, decimals, .. } => json!({
                "type": "integer", "unit": unit, "decimals": decimals,
                "min": attribute.kind.show(*min), "max": attribute.kind.show(*max),
            }),
            AttributeKind::Enumeration { values } => json!({"type": "enumeration", "values": values}),
            AttributeKind::Version => json!({"type": "version"}),
        };
        value["name"] = json!(attribute.name);
        value["optional"] = json!(attribute.optional);
        value
    };
    attributes.iter().map(one).collect()
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
    fn every_entry_and_every_happening_is_in_both_forms() {
        let catalog = Catalog::built_in();
        let (text, value) = (markdown(catalog), value(catalog));
        for entry in catalog.entries() {
            assert!(text.contains(&format!("| {} | {} |", entry.number, entry.name)), "{}", entry.name);
        }
        for happening in catalog.happenings() {
            assert!(
                text.contains(&format!("\n| {} | {}", happening.name, happening.what)),
                "{}",
                happening.name
            );
        }
        assert_eq!(value["entries"].as_array().unwrap().len(), catalog.entries().len());
        assert_eq!(value["happenings"].as_array().unwrap().len(), catalog.happenings().len());
        assert_eq!(value["entries"][2]["bounds"][0], 65);
    }
}

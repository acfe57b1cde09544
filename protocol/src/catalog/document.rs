//! The data inventory: the catalog in plain words, for the clinic's privacy officer and for whoever
//! writes the lines.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Attribute, AttributeKind, Catalog, Entry, EventType, Kind, Per};
use crate::civil::Granularity;
use crate::identity::{Purpose, Retention};

impl Catalog {
    /// The inventory as a document in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write_markdown(&mut out);
        out
    }

    fn write_markdown(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "# What is collected\n")?;
        writeln!(
            out,
            "This list is complete: what is not on it cannot be said, and free text does not exist."
        )?;
        writeln!(out, "Nothing that happens once per patient is kept or sent by itself.\n")?;
        writeln!(out, "Catalog: SHA-256 {}", self.hash)?;
        for entry in self.entries() {
            write_entry(out, entry, &self.fed_by(entry))?;
        }
        writeln!(out, "\n# What Kathea may write\n")?;
        writeln!(out, "Every line also has `event` (the name) and `at` (RFC 3339 with offset).")?;
        for event_type in self.event_types() {
            write_event_type(out, event_type)?;
        }
        Ok(())
    }

    /// The inventory as JSON: `{"catalog", "entries": [...], "happenings": [...]}`.
    pub fn to_json(&self) -> Value {
        let entry = |entry: &Entry| {
            json!({
                "number": entry.number,
                "name": entry.name,
                "kind": entry.kind.as_str(),
                "what": entry.what,
                "reason": entry.reason,
                "purpose": entry.purpose,
                "retention": retention(entry.purpose),
                "owner": entry.owner,
                "ends": entry.ends,
                "granularity": entry.granularity,
                "attributes": entry.attributes.iter().map(attribute_json).collect::<Vec<_>>(),
                "unit": entry.unit,
                "bounds": entry.bounds,
                "from": self.fed_by(entry),
            })
        };
        let event_type = |event_type: &EventType| {
            json!({
                "name": event_type.name,
                "what": event_type.what,
                "per": event_type.per.as_str(),
                "attributes": event_type.attributes.iter().map(attribute_json).collect::<Vec<_>>(),
            })
        };
        json!({
            "catalog": self.hash,
            "entries": self.entries().map(entry).collect::<Vec<_>>(),
            "happenings": self.event_types().iter().map(event_type).collect::<Vec<_>>(),
        })
    }

    fn fed_by(&self, entry: &Entry) -> Vec<&str> {
        let feeds = |event_type: &&EventType| event_type.fed_entries().any(|fed| fed == entry);
        self.event_types().iter().filter(feeds).map(|event_type| event_type.name.as_str()).collect()
    }
}

impl Kind {
    /// The catalog's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Distribution => "distribution",
            Self::Event => "event",
            Self::State => "state",
        }
    }
}

impl Per {
    /// The catalog's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Device => "device",
        }
    }
}

fn write_entry(out: &mut String, entry: &Entry, from: &[&str]) -> std::fmt::Result {
    let time = match entry.granularity {
        Granularity::Hour => "hour",
        Granularity::Day => "day",
        Granularity::Week => "week",
        Granularity::Month => "month",
    };
    let kept = match entry.kind {
        Kind::Counter => "a sum",
        Kind::Distribution => "how often a value fell into each range",
        Kind::Event => "each one by itself",
        Kind::State => "the last value",
    };
    writeln!(out, "\n## {}. {}\n\n{}\n", entry.number, entry.name, entry.what)?;
    writeln!(out, "- Why: {}", entry.reason)?;
    writeln!(out, "- Kept: {kept}, by {time}")?;
    if let Some(last) = entry.bounds.last() {
        let bounds: Vec<String> = entry.bounds.iter().map(u64::to_string).collect();
        let unit = unit_text(&entry.unit);
        writeln!(out, "- Ranges: up to {}, above {last}{unit}", bounds.join(", "))?;
    }
    for attribute in &entry.attributes {
        writeln!(out, "- Says: {}", attribute_text(attribute))?;
    }
    writeln!(out, "- From: {}", from.join(", "))?;
    let retention = retention_text(entry.purpose);
    writeln!(out, "- Purpose: {}; the vendor keeps it {retention}", entry.purpose)?;
    writeln!(out, "- Owner: {}; collected until {}", entry.owner, entry.ends)
}

fn write_event_type(out: &mut String, event_type: &EventType) -> std::fmt::Result {
    let per = match event_type.per {
        Per::Patient => "Happens with a patient: only counted.",
        Per::Device => "The device's or the software's own.",
    };
    writeln!(out, "\n## {}\n\n{} {per}\n", event_type.name, event_type.what)?;
    for attribute in &event_type.attributes {
        let optional = if attribute.optional { " (optional)" } else { "" };
        writeln!(out, "- {}{optional}", attribute_text(attribute))?;
    }
    Ok(())
}

fn attribute_text(Attribute { name, kind, .. }: &Attribute) -> String {
    match kind {
        AttributeKind::Integer { unit, min, max, step, decimals } => {
            let (min, max) = (kind.show(*min), kind.show(*max));
            let unit = unit_text(unit);
            let step = match (step, decimals) {
                (1, 0) => String::new(),
                (1, decimals) => format!(", {decimals} decimal"),
                _ => format!(", in steps of {}", kind.show(*step)),
            };
            format!("`{name}`: {min} to {max}{unit}{step}")
        }
        AttributeKind::Enumeration { values } => format!("`{name}`: {}", values.join(", ")),
        AttributeKind::Version => format!("`{name}`: a version, such as 2.7.1"),
    }
}

fn unit_text(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

fn attribute_json(attribute: &Attribute) -> Value {
    let mut out = match &attribute.kind {
        AttributeKind::Integer { unit, min, max, step, decimals } => json!({
            "type": "integer",
            "unit": unit,
            "min": attribute.kind.show(*min),
            "max": attribute.kind.show(*max),
            "step": attribute.kind.show(*step),
            "decimals": decimals,
        }),
        AttributeKind::Enumeration { values } => json!({ "type": "enumeration", "values": values }),
        AttributeKind::Version => json!({ "type": "version" }),
    };
    if let Value::Object(fields) = &mut out {
        fields.insert("name".to_owned(), json!(attribute.name));
        fields.insert("optional".to_owned(), json!(attribute.optional));
        fields.insert("key".to_owned(), json!(attribute.key));
    }
    out
}

const fn retention(purpose: Purpose) -> Retention {
    match purpose {
        Purpose::UsageStatistics => Retention::Usage24Months,
        Purpose::SupportCase | Purpose::SupportScanData => Retention::SupportDecommission10Years,
    }
}

const fn retention_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::UsageStatistics => "for 24 months from receipt",
        Purpose::SupportCase | Purpose::SupportScanData => "for 10 years from the device's decommissioning",
    }
}

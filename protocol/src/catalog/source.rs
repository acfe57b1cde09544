//! The TOML form of the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Date;

use super::resolve::rule;
use super::rules::{Cell, Rule, RuleValue};
use super::{Attribute, AttributeKind, CatalogError, Entry, EventType, Kind, Number, Per};
use crate::civil::Granularity;
use crate::identity::Purpose;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    attributes: BTreeMap<String, Spanned<Definition>>,
    #[serde(default)]
    #[serde(rename = "happening")]
    event_type: Vec<EventTypeSource>,
    entry: Vec<EntrySource>,
}

/// What an attribute may say, defined once for all that use it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    values: Option<Vec<String>>,
    #[serde(default)]
    version: bool,
    #[serde(default)]
    unit: String,
    min: Option<Natural>,
    max: Option<Natural>,
    step: Option<Natural>,
    #[serde(default)]
    decimals: u8,
}

/// A number as a person writes it.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(super) enum Natural {
    Whole(i64),
    Decimal(f64),
}

/// An attribute by its definition's name, or by one of its own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Same(String),
    Own { name: String, is: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventTypeSource {
    name: Spanned<String>,
    what: String,
    per: Per,
    attributes: Vec<Reference>,
    #[serde(default)]
    optional: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntrySource {
    number: u16,
    name: Spanned<String>,
    kind: Kind,
    purpose: Purpose,
    what: String,
    reason: String,
    owner: String,
    ends: toml::value::Datetime,
    granularity: Granularity,
    #[serde(default)]
    attributes: Vec<Reference>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    bounds: Vec<u64>,
    #[serde(default)]
    unit: String,
    /// Without one, an entry of kind event or state is its own event.
    #[serde(default)]
    from: Vec<RuleSource>,
}

/// One `from`: how an event feeds an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSource {
    #[serde(rename = "happening")]
    event_type: Spanned<String>,
    #[serde(default)]
    pub(super) when: BTreeMap<String, Vec<String>>,
    /// An attribute that is not here is copied from the event's attribute of the same name.
    #[serde(default)]
    pub(super) with: BTreeMap<String, CellSource>,
    pub(super) observe: Option<String>,
    pub(super) sum: Option<String>,
}

/// Where an entry's attribute comes from.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum CellSource {
    /// This word.
    Fixed(String),
    /// The event's words, mapped to other words.
    Map { of: String, to: BTreeMap<String, Vec<String>> },
    /// The class of the event's number, by inclusive upper bounds.
    Class { of: String, upto: Vec<Natural> },
    /// The event's attribute, unchanged.
    Copy { of: String },
}

/// Reads `text` into entries and the events that feed them.
pub(super) fn read(text: &str) -> Result<(Vec<Arc<Entry>>, Vec<EventType>), CatalogError> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let document: Document = toml::from_str(text).map_err(|error| CatalogError {
        line: error.span().map_or(1, |span| line(span.start)),
        what: error.message().to_owned(),
    })?;
    let mut definitions = BTreeMap::new();
    for (name, definition) in &document.attributes {
        let kind = kind(definition.get_ref()).map_err(|what| CatalogError {
            line: line(definition.span().start),
            what: format!("attribute {name}: {what}"),
        })?;
        definitions.insert(name.as_str(), kind);
    }
    let mut event_types = Vec::new();
    for source in document.event_type {
        let line = line(source.name.span().start);
        let mut attributes = attributes(&source.attributes, &definitions).map_err(at(line))?;
        for mut attribute in self::attributes(&source.optional, &definitions).map_err(at(line))? {
            attribute.optional = true;
            attributes.push(attribute);
        }
        let name = source.name.into_inner();
        event_types.push(EventType {
            name,
            what: source.what,
            per: source.per,
            attributes,
            rules: Vec::new(),
            line,
        });
    }
    let mut entries = Vec::new();
    for source in document.entry {
        let line_of_entry = line(source.name.span().start);
        let (entry, from) = entry(source, &definitions, line_of_entry).map_err(at(line_of_entry))?;
        let entry = Arc::new(entry);
        if from.is_empty() && matches!(entry.kind, Kind::Event | Kind::State) {
            event_types.push(own_event_type(&entry));
        }
        for source in from {
            let line = line(source.event_type.span().start);
            let event_type = event_types
                .iter_mut()
                .find(|event_type| event_type.name == *source.event_type.get_ref())
                .ok_or("there is no such event".to_owned())
                .map_err(at(line))?;
            let rule = rule(&source, &entry, event_type).map_err(at(line))?;
            event_type.rules.push(rule);
        }
        entries.push(entry);
    }
    Ok((entries, event_types))
}

fn at(line: usize) -> impl Fn(String) -> CatalogError {
    move |what| CatalogError { line, what }
}

type Definitions<'a> = BTreeMap<&'a str, AttributeKind>;

fn kind(source: &Definition) -> Result<AttributeKind, String> {
    let number = |number: Option<Natural>| number.map(|number| number.scaled(source.decimals)).transpose();
    match (&source.values, source.version, number(source.min)?, number(source.max)?) {
        (Some(values), false, None, None) => Ok(AttributeKind::Enumeration { values: values.clone() }),
        (None, true, None, None) => Ok(AttributeKind::Version),
        (None, false, Some(min), Some(max)) => Ok(AttributeKind::Integer {
            unit: source.unit.clone(),
            min,
            max,
            step: number(source.step)?.unwrap_or(1),
            decimals: source.decimals,
        }),
        _ => Err("has to have either `values`, or `min` and `max`, or `version = true`".to_owned()),
    }
}

impl Natural {
    pub(super) fn scaled(self, decimals: u8) -> Result<u64, String> {
        let number = match self {
            Self::Whole(value) => Number::from(value),
            Self::Decimal(value) => Number::from(value),
        };
        match decimals {
            0..=6 => number
                .scaled(decimals)
                .map_err(|_| "a number below zero or with too many decimals".to_owned()),
            _ => Err("more than 6 decimals".to_owned()),
        }
    }
}

fn attributes(references: &[Reference], definitions: &Definitions<'_>) -> Result<Vec<Attribute>, String> {
    let attribute = |reference: &Reference| {
        let (name, is) = match reference {
            Reference::Same(name) => (name, name),
            Reference::Own { name, is } => (name, is),
        };
        let kind =
            definitions.get(is.as_str()).ok_or_else(|| format!("attribute {is} is not defined"))?.clone();
        Ok(Attribute { name: name.clone(), kind, optional: false, key: false })
    };
    references.iter().map(attribute).collect()
}

/// The Julian day of 1970-01-01.
const EPOCH: i32 = 2_440_588;

fn entry(
    source: EntrySource,
    definitions: &Definitions<'_>,
    line: usize,
) -> Result<(Entry, Vec<RuleSource>), String> {
    let mut attributes = attributes(&source.attributes, definitions)?;
    for key in &source.keys {
        attributes
            .iter_mut()
            .find(|attribute| attribute.name == *key)
            .ok_or(format!("key {key} is no attribute"))?
            .key = true;
    }
    let Some(Date { year, month, day }) = source.ends.date else {
        return Err("`ends` is not a date".to_owned());
    };
    let last_day = time::Month::try_from(month)
        .and_then(|month| time::Date::from_calendar_date(year.into(), month, day))
        .ok()
        .and_then(|date| u32::try_from(date.to_julian_day() - EPOCH).ok())
        .ok_or("`ends` is not a date since 1970")?;
    let entry = Entry {
        number: source.number,
        name: source.name.into_inner(),
        kind: source.kind,
        purpose: source.purpose,
        what: source.what,
        reason: source.reason,
        owner: source.owner,
        ends: format!("{year:04}-{month:02}-{day:02}"),
        last_day,
        granularity: source.granularity,
        attributes,
        bounds: source.bounds,
        unit: source.unit,
        line,
    };
    Ok((entry, source.from))
}

/// The event of an entry that the device reports about itself.
fn own_event_type(entry: &Arc<Entry>) -> EventType {
    let value = if entry.kind == Kind::Event { RuleValue::Event } else { RuleValue::State };
    let cells = (0..entry.attributes.len()).map(Cell::Copy).collect();
    EventType {
        name: entry.name.clone(),
        what: entry.what.clone(),
        per: Per::Device,
        attributes: entry.attributes.clone(),
        rules: vec![Rule { entry: Arc::clone(entry), when: Vec::new(), cells, value }],
        line: entry.line,
    }
}

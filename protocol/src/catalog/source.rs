//! The catalog as it is written in TOML, and how its names become positions and numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Date;

use super::rules::{Cell, Rule, RuleValue};
use super::{Attribute, AttributeKind, CatalogError, Entry, Happening, Kind, Number, Per};
use crate::civil::Granularity;
use crate::identity::Purpose;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    attributes: BTreeMap<String, Spanned<Definition>>,
    #[serde(default)]
    happening: Vec<HappeningSource>,
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
    #[serde(default)]
    technique: bool,
}

/// A number as a person writes it.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Natural {
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
struct HappeningSource {
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
    /// Without one, an event or a state is its own happening.
    #[serde(default)]
    from: Vec<RuleSource>,
}

/// Attributes that no table names are copied from the happening's attribute of the same name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSource {
    happening: Spanned<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    copy: BTreeMap<String, String>,
    #[serde(default)]
    map: BTreeMap<String, MapSource>,
    #[serde(default)]
    class: BTreeMap<String, ClassSource>,
    observe: Option<String>,
    sum: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapSource {
    of: String,
    to: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassSource {
    of: String,
    upto: Vec<Natural>,
}

/// Reads `text` into entries and the happenings that feed them.
pub(super) fn read(text: &str) -> Result<(Vec<Arc<Entry>>, Vec<Happening>), CatalogError> {
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
        definitions.insert(name.as_str(), (kind, definition.get_ref().technique));
    }
    let mut happenings = Vec::new();
    for source in document.happening {
        let line = line(source.name.span().start);
        let mut attributes = attributes(&source.attributes, &definitions).map_err(at(line))?;
        for mut attribute in self::attributes(&source.optional, &definitions).map_err(at(line))? {
            attribute.optional = true;
            attributes.push(attribute);
        }
        let name = source.name.into_inner();
        happenings.push(Happening {
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
            happenings.push(own_happening(&entry));
        }
        for source in from {
            let line = line(source.happening.span().start);
            let happening = happenings
                .iter_mut()
                .find(|happening| happening.name == *source.happening.get_ref())
                .ok_or("there is no such happening".to_owned())
                .map_err(at(line))?;
            let rule = rule(&source, &entry, happening).map_err(at(line))?;
            happening.rules.push(rule);
        }
        entries.push(entry);
    }
    Ok((entries, happenings))
}

fn at(line: usize) -> impl Fn(String) -> CatalogError {
    move |what| CatalogError { line, what }
}

type Definitions<'a> = BTreeMap<&'a str, (AttributeKind, bool)>;

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
    fn scaled(self, decimals: u8) -> Result<u64, String> {
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
        let (kind, technique) =
            definitions.get(is.as_str()).ok_or_else(|| format!("attribute {is} is not defined"))?.clone();
        Ok(Attribute { name: name.clone(), kind, optional: false, key: false, technique })
    };
    references.iter().map(attribute).collect()
}

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
    let entry = Entry {
        number: source.number,
        name: source.name.into_inner(),
        kind: source.kind,
        purpose: source.purpose,
        what: source.what,
        reason: source.reason,
        owner: source.owner,
        ends: format!("{year:04}-{month:02}-{day:02}"),
        granularity: source.granularity,
        attributes,
        bounds: source.bounds,
        unit: source.unit,
        line,
    };
    Ok((entry, source.from))
}

/// The happening of an event or a state that the device states about itself.
fn own_happening(entry: &Arc<Entry>) -> Happening {
    let value = if entry.kind == Kind::Event { RuleValue::Event } else { RuleValue::State };
    let cells = (0..entry.attributes.len()).map(Cell::Copy).collect();
    Happening {
        name: entry.name.clone(),
        what: entry.what.clone(),
        per: Per::Device,
        attributes: entry.attributes.clone(),
        rules: vec![Rule { entry: Arc::clone(entry), when: Vec::new(), cells, value }],
        line: entry.line,
    }
}

fn rule(source: &RuleSource, entry: &Arc<Entry>, happening: &Happening) -> Result<Rule, String> {
    let find = |name: &str| {
        let position =
            happening.position(name).ok_or_else(|| format!("{} has no attribute {name}", happening.name))?;
        Ok::<_, String>((position, &happening.attributes[position].kind))
    };
    let mut when = Vec::new();
    for (name, words) in &source.when {
        let (position, kind) = find(name)?;
        when.push((position, words.iter().map(|word| index(kind, word)).collect::<Result<_, _>>()?));
    }
    let mut used = 0;
    let mut cells = Vec::new();
    for attribute in &entry.attributes {
        let name = &attribute.name;
        let (set, map, class, copy) =
            (source.set.get(name), source.map.get(name), source.class.get(name), source.copy.get(name));
        let named = usize::from(set.is_some()) + usize::from(map.is_some()) + usize::from(class.is_some());
        used += named + usize::from(copy.is_some());
        cells.push(match (set, map, class) {
            (Some(word), _, _) => Cell::Fixed(index(&attribute.kind, word)?),
            (_, Some(map), _) => {
                let (position, kind) = find(&map.of)?;
                Cell::Map(position, words(kind, &attribute.kind, &map.to)?)
            }
            (_, _, Some(class)) => {
                let (position, kind) = find(&class.of)?;
                Cell::Class(position, classes(kind, &attribute.kind, &class.upto)?)
            }
            _ => {
                let (position, kind) = find(copy.unwrap_or(name))?;
                match kind {
                    kind if *kind == attribute.kind => Cell::Copy(position),
                    kind => Cell::Map(position, words(kind, &attribute.kind, &BTreeMap::new())?),
                }
            }
        });
    }
    if used != source.set.len() + source.map.len() + source.class.len() + source.copy.len() {
        return Err(format!("a rule names an attribute that {} does not have", entry.name));
    }
    let value = match (entry.kind, &source.observe, &source.sum) {
        (Kind::Counter, None, None) => RuleValue::One,
        (Kind::Counter, None, Some(name)) => match find(name)? {
            (position, AttributeKind::Integer { decimals: 0, .. }) => RuleValue::Sum(position),
            _ => return Err(format!("{name} cannot be summed: it is not a whole number")),
        },
        (Kind::Distribution, Some(name), None) => match find(name)? {
            (position, AttributeKind::Integer { decimals, .. }) => {
                let scale = 10_u64.pow(u32::from(*decimals));
                RuleValue::Bucket(
                    position,
                    entry.bounds.iter().map(|bound| bound.saturating_mul(scale)).collect(),
                )
            }
            _ => return Err(format!("{name} cannot be observed: it is not a number")),
        },
        (Kind::Event, None, None) => RuleValue::Event,
        (Kind::State, None, None) => RuleValue::State,
        _ => {
            return Err(
                "a distribution has `observe`, a counter may have `sum`, the others have neither".to_owned()
            );
        }
    };
    Ok(Rule { entry: Arc::clone(entry), when, cells, value })
}

fn index(kind: &AttributeKind, word: &str) -> Result<u64, String> {
    match kind {
        AttributeKind::Enumeration { .. } => {
            kind.check_text(word).map_err(|_| format!("{word} is not on the list"))
        }
        _ => Err(format!("{word} is set where no word is wanted")),
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
    for word in map.values().flatten() {
        index(from, word)?;
    }
    let target = |word: &String| {
        map.iter().find(|(_, words)| words.contains(word)).map_or(word.clone(), |(to, _)| to.clone())
    };
    values.iter().map(|word| index(to, &target(word))).collect()
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

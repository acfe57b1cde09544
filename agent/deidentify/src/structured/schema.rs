//! The product's own formats: a JSON object whose every key a schema of `own.txt` lists is written by that schema.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::leaf;
use crate::keys::Class;
use crate::text::rule::Rule;
use crate::text::scrub::Scrubber;

/// Bytes of a document of our own that is read as a whole.
const DOCUMENT: usize = 256 << 10;
/// Characters of a number in a document of our own.
const NUMBER: usize = 24;

#[derive(Debug)]
enum Kind {
    Number(f64, f64),
    Word(Vec<&'static str>),
    Flag,
    Leaf(Class),
}

/// The keys of one format with their kinds; the first has to be there.
type Schema = Vec<(&'static str, Kind)>;

static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let mut schemas: Vec<Schema> = Vec::new();
    for line in include_str!("own.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(key), kind) = (words.next(), words.next()) else { continue };
        let mut number = |or: f64| words.next().and_then(|word| word.parse().ok()).unwrap_or(or);
        let kind = match kind {
            Some("number") => Kind::Number(number(0.0), number(0.0)),
            Some("flag") => Kind::Flag,
            Some("time") => Kind::Leaf(Class::Time),
            Some("device") => Kind::Leaf(Class::Device),
            Some("word") => Kind::Word(words.collect()),
            Some(_) => Kind::Leaf(Class::Person),
            None => {
                schemas.push(Vec::new());
                continue;
            }
        };
        if let Some(schema) = schemas.last_mut() {
            schema.push((key, kind));
        }
    }
    schemas
});

/// What may stay of a document of the product's own; `None` if it is none.
pub(super) fn clean(bytes: &[u8], scrubber: &mut Scrubber<'_>, in_lines: bool) -> Option<String> {
    if bytes.len() > DOCUMENT {
        return None;
    }
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    match &mut document {
        Value::Object(object) => {
            let schema = schema(object)?;
            write(object, schema, scrubber);
        }
        Value::Array(all) => {
            let schemas =
                all.iter().map(|one| one.as_object().and_then(schema)).collect::<Option<Vec<_>>>()?;
            schemas.first()?;
            for (one, schema) in all.iter_mut().zip(schemas) {
                if let Value::Object(object) = one {
                    write(object, schema, scrubber);
                }
            }
        }
        _ => return None,
    }
    let text =
        if in_lines { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
    text.ok()
}

fn schema(object: &Map<String, Value>) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| {
        let is_listed = |key: &String| schema.iter().any(|(known, _)| known == key);
        schema.first().is_some_and(|(first, _)| object.contains_key(*first)) && object.keys().all(is_listed)
    })
}

fn write(object: &mut Map<String, Value>, schema: &Schema, scrubber: &mut Scrubber<'_>) {
    for (key, value) in object.iter_mut() {
        let Some((_, kind)) = schema.iter().find(|(known, _)| known == key) else { continue };
        if value.is_null() {
            continue;
        }
        *value = match (kind, &*value) {
            (Kind::Leaf(class), Value::String(text)) => Value::String(leaf::text(scrubber, *class, text)),
            (Kind::Number(least, most), Value::Number(number)) if stays(scrubber, number, *least, *most) => {
                scrubber.counts.kept += 1;
                continue;
            }
            (Kind::Word(words), Value::String(word)) if words.contains(&word.as_str()) => {
                scrubber.counts.kept += 1;
                continue;
            }
            (Kind::Flag, Value::Bool(_)) => {
                scrubber.counts.kept += 1;
                continue;
            }
            (_, Value::String(text)) => Value::String(leaf::text(scrubber, Class::Unknown, text)),
            _ => {
                scrubber.counts.drop(Rule::Unlisted);
                Value::Null
            }
        };
    }
}

fn stays(scrubber: &mut Scrubber<'_>, number: &serde_json::Number, least: f64, most: f64) -> bool {
    let text = number.to_string();
    number.as_f64().is_some_and(|value| (least..=most).contains(&value))
        && text.len() <= NUMBER
        && !(text.len() >= 6 && scrubber.is_learned(&text))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::json;
    use super::*;
    use crate::case::Case;
    use crate::identifiers::{Kind as Of, Learning};

    fn cleaned(text: &str) -> Value {
        let case = Case::new(Zeroizing::new([7; 32]));
        let mut learning = Learning::default();
        learning.learn(Of::Id, "4711228");
        let identifiers = learning.finish().unwrap();
        let mut scrubber = Scrubber::new(&case, &identifiers);
        serde_json::from_str(&json::clean(text.as_bytes(), &mut scrubber).unwrap()).unwrap()
    }

    #[test]
    fn our_own_formats_leave_complete_but_for_who_and_when() {
        let constancy =
            r#"{"test":"uniformity","verdict":"pass","value":0.982,"limit":0.95,"days_overdue":0}"#;
        assert_eq!(cleaned(constancy), serde_json::from_str::<Value>(constancy).unwrap());
        let trace = r#"[{"t_ms":0,"x_um":12,"y_um":80,"z_um":3,"roll_mdeg":12},{"t_ms":33,"x_um":-14.5}]"#;
        assert_eq!(cleaned(trace), serde_json::from_str::<Value>(trace).unwrap());
        let calibration = r#"{"kind":"geometry","days":46,"passed":true,"residual_um":38.2,"at":"2026-10-06T07:12:00+02:00","operator":"EBB"}"#;
        let cleaned = cleaned(calibration);
        assert_eq!((&cleaned["kind"], &cleaned["residual_um"]), (&"geometry".into(), &38.2.into()));
        assert_eq!(cleaned["operator"], "[removed]");
        let at = cleaned["at"].as_str().unwrap();
        assert!(at.ends_with("T07:12:00+02:00") && !at.contains("2026"), "{at}");
    }

    #[test]
    fn what_no_schema_has_is_no_document_of_ours() {
        for text in [
            r#"{"test":"Holm","verdict":"Else","value":4711228}"#,
            r#"{"kind":"Holm","days":4711228,"residual_um":"Else"}"#,
            r#"{"test":"uniformity","patient":"Else Holm"}"#,
            r#"[{"t_ms":0,"x_um":4711228}]"#,
        ] {
            let cleaned = cleaned(text).to_string();
            assert!(!["Holm", "Else", "4711228"].iter().any(|name| cleaned.contains(name)), "{cleaned}");
        }
    }
}

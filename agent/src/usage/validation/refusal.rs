//! What is wrong with a line that was refused, in words of the catalog: nothing of the line is repeated.

use protocol::Reason;
use protocol::catalog::{Attribute, AttributeKind, Catalog, EventType};

use super::{Pairs, one_text};
use crate::collect::Raw;
use crate::nearest::nearest;
use crate::usage::line::{self, Flat, Scalar};

/// What is wrong with a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    /// The attribute, as the catalog names it; `event` or `at` for the reserved ones.
    pub attribute: Option<&'static str>,
    /// The known word that is nearest to one that is not known.
    pub nearest: Option<&'static str>,
    /// What is wanted, as a part of a sentence.
    pub what: Option<String>,
}

impl Wrong {
    fn about(attribute: &'static str, what: impl Into<String>) -> Self {
        Self { attribute: Some(attribute), nearest: None, what: Some(what.into()) }
    }

    fn unknown(word: &str, known: impl Iterator<Item = &'static str> + Clone, what: &str) -> Self {
        let nearest = nearest(word, known.clone());
        let what = format!("{what}; there are {}", known.collect::<Vec<_>>().join(", "));
        Self { attribute: None, nearest, what: Some(with_nearest(what, nearest)) }
    }
}

fn with_nearest(what: String, nearest: Option<&str>) -> String {
    match nearest {
        Some(word) => format!("{what}; the nearest is {word}"),
        None => what,
    }
}

/// Why the line was refused for `reason`. It is looked at again, in the order in which it was checked.
pub fn explain(raw: Raw<'_>, reason: Reason) -> Wrong {
    let Ok(Flat(pairs)) = line::parse(raw) else { return Wrong::default() };
    let subject = |key| match reason {
        Reason::MissingAttribute => Wrong::about(key, format!("{key} is missing")),
        Reason::RepeatedAttribute => Wrong::about(key, format!("{key} is given twice")),
        _ => Wrong::about(key, format!("{key} is no text")),
    };
    let catalog = Catalog::built_in();
    let Ok(event) = one_text(&pairs, "event") else { return subject("event") };
    let Some(event_type) = catalog.event_type(event) else {
        let known = catalog.event_types().iter().map(|event_type| event_type.name.as_str());
        return match nearest(event, known) {
            nearest @ Some(word) => {
                let what = format!("the catalog lists no event of this name; the nearest is {word}");
                Wrong { attribute: Some("event"), nearest, what: Some(what) }
            }
            None => Wrong::about(
                "event",
                "the catalog lists no event of this name: `kathea-agent catalog` prints those that there are",
            ),
        };
    };
    if one_text(&pairs, "at").is_err() {
        return subject("at");
    }
    match reason {
        Reason::BadTime => {
            Wrong::about("at", "at has to be a time of RFC 3339 with an offset, and not in the future")
        }
        Reason::BeforeGrant => Wrong::about("at", "at is before the consent was given"),
        Reason::Ended => Wrong::about(
            "at",
            "at is after the last day on which this event is collected: `kathea-agent catalog` prints that day",
        ),
        _ => of_attribute(event_type, &pairs, reason),
    }
}

fn of_attribute(event_type: &'static EventType, pairs: &Pairs<'_>, reason: Reason) -> Wrong {
    let mut seen = Vec::new();
    for (key, value) in pairs.iter().filter(|(key, _)| key != "event" && key != "at") {
        let Some(position) = event_type.position(key) else {
            let known = event_type.attributes.iter().map(|attribute| attribute.name.as_str());
            return Wrong::unknown(key, known, "the event has no attribute of this name");
        };
        let attribute = &event_type.attributes[position];
        let name = attribute.name.as_str();
        let checked = match value {
            Scalar::Text(text) => attribute.kind.check_text(text),
            Scalar::Number(number) => attribute.kind.check_number(*number),
            Scalar::Other => Err(Reason::BadType),
        };
        if checked == Err(reason) {
            let sent = if let Scalar::Text(text) = value { Some(&**text) } else { None };
            return wanted(attribute, sent);
        }
        if seen.contains(&position) {
            return Wrong::about(name, format!("{name} is given twice"));
        }
        seen.push(position);
    }
    let missing =
        |(position, attribute): &(usize, &Attribute)| !attribute.optional && !seen.contains(position);
    match event_type.attributes.iter().enumerate().find(missing) {
        Some((_, attribute)) => {
            let wanted = wanted(attribute, None).what.unwrap_or_default();
            Wrong::about(&attribute.name, format!("{} is missing; {wanted}", attribute.name))
        }
        None => Wrong::default(),
    }
}

/// What `attribute` may say, where something else was `sent`.
fn wanted(attribute: &'static Attribute, sent: Option<&str>) -> Wrong {
    let name = attribute.name.as_str();
    match &attribute.kind {
        AttributeKind::Integer { unit, min, max, decimals, .. } => {
            let (min, max) = (attribute.kind.show(*min), attribute.kind.show(*max));
            let what = match decimals {
                0 => format!("{name} has to be a whole number from {min} to {max} {unit}"),
                _ => format!(
                    "{name} has to be a number from {min} to {max} {unit}, with {decimals} decimals at most"
                ),
            };
            Wrong::about(name, what.replace(" ,", ",").trim_end())
        }
        AttributeKind::Enumeration { values } => {
            let known: Vec<&str> = values.iter().map(String::as_str).collect();
            let what = format!("{name} has to be one of {}", known.join(", "));
            let nearest = nearest(sent.unwrap_or_default(), known.iter().copied());
            Wrong { attribute: Some(name), nearest, what: Some(with_nearest(what, nearest)) }
        }
        AttributeKind::Version => Wrong::about(
            name,
            format!("{name} has to be a version: up to four numbers below 65536 with dots between"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Validator, Wanted, Window};
    use super::*;

    const ERROR: &str = r#"{"event":"device.error","at":"2026-11-21T10:32:11+01:00","code":4711,"subsystem":"detector","severity":"error","repeats":2}"#;

    /// What is wrong with a line that is refused.
    fn wrong(line: &str) -> (Reason, Wrong) {
        let window = Window { granted: 1_700_000_000, now: 1_800_000_000 };
        let taken = Validator::new(Catalog::built_in()).take(
            Raw::new(line.as_bytes()),
            window,
            Wanted { usage: true, open: true },
        );
        let reason = taken.unwrap_err().reason;
        (reason, explain(Raw::new(line.as_bytes()), reason))
    }

    #[test]
    fn a_refused_event_names_the_attribute_and_the_nearest_word() {
        let with = |from: &str, to: &str| ERROR.replace(from, to);
        for (line, attribute, nearest, says) in [
            (
                with("device.error", "device.eror"),
                Some("event"),
                Some("device.error"),
                "nearest is device.error",
            ),
            (with("device.error", "Jane Doe"), Some("event"), None, "kathea-agent catalog"),
            (with(r#""event":"device.error","#, ""), Some("event"), None, "event is missing"),
            (with("2026-11-21T10", "Jane"), Some("at"), None, "RFC 3339"),
            (with("2026-11", "2020-11"), Some("at"), None, "before the consent"),
            (with("2026-11", "2036-11"), Some("at"), None, "not in the future"),
            (with(r#""at":"#, r#""at":7,"x":"#), Some("at"), None, "at is no text"),
            (with(r#""code""#, r#""coed""#), None, Some("code"), "nearest is code"),
            (with(r#""code""#, r#""Jane Doe""#), None, None, "there are code, subsystem"),
            (with(r#","repeats":2"#, ""), Some("repeats"), None, "repeats is missing; repeats has to be"),
            (with(r#""repeats":2"#, r#""repeats":2,"code":1"#), Some("code"), None, "code is given twice"),
            (with("4711", r#""Jane""#), Some("code"), None, "whole number from 0 to 65535"),
            (with("4711", "65536"), Some("code"), None, "whole number from 0 to 65535"),
            (with("4711", "[1]"), Some("code"), None, "whole number"),
            (with("detector", "detectr"), Some("subsystem"), Some("detector"), "nearest is detector"),
            (with("detector", "Jane Doe"), Some("subsystem"), None, "one of generator, detector, "),
            (with(r#""detector""#, "7"), Some("subsystem"), None, "one of generator, "),
            (with("{", "["), None, None, ""),
        ] {
            let (_, wrong) = wrong(&line);
            assert_eq!((wrong.attribute, wrong.nearest), (attribute, nearest), "{line}");
            let what = wrong.what.unwrap_or_default();
            assert!(what.contains(says) && !what.contains("Jane"), "{line}: {what}");
        }
    }

    /// Whatever is in a line, nothing of it is in the explanation, and every reason but of the form has one.
    #[test]
    fn every_event_of_the_catalog_is_explained_by_its_own_words() {
        for event_type in Catalog::built_in().event_types() {
            let own: Vec<_> = event_type.attributes.iter().map(|attribute| &attribute.name).collect();
            for name in &own {
                for value in [r#""Jane Doe""#, "-1", "1e300", "null", "[]", "1.23456789"] {
                    let line = format!(
                        r#"{{"event":"{}","at":"2026-11-21T10:32:11+01:00","{name}":{value}}}"#,
                        event_type.name
                    );
                    let (reason, wrong) = wrong(&line);
                    let what = wrong.what.unwrap();
                    assert!(!what.contains("Jane"), "{line}: {what}");
                    let is_known = wrong.attribute.is_some_and(|of| own.iter().any(|name| *name == of));
                    assert!(is_known, "{line}: {reason} {what}");
                }
            }
        }
    }
}

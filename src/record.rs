//! One event by hand: the line that Kathea would have written.

use std::collections::BTreeMap;

use agent::api::Done;
use agent::config::Config;
use agent::nearest::nearest;
use protocol::Catalog;
use protocol::catalog::AttributeKind;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach::{Line, Question};
use crate::texts::machine::Say;
use crate::texts::say;

/// `record`.
pub(crate) fn record(
    config: &Config,
    event: &str,
    attributes: &[(String, String)],
    json: bool,
) -> Result<Exit, Failure> {
    let line = line(event, attributes, OffsetDateTime::now_utc())?;
    let Done {} = Line::new(config).say(&Question::EventType(line))?;
    print::answer(&Recorded { recorded: true }, json, || {
        print::words(&say(Say::Recorded));
        Ok(())
    })
}

/// The answer for programs.
#[derive(Serialize)]
struct Recorded {
    recorded: bool,
}

/// Whether the values are right is for the agent to say; here they only get their JSON type.
fn line(event: &str, attributes: &[(String, String)], now: OffsetDateTime) -> Result<String, Failure> {
    let event_type = Catalog::built_in().event_type(event).ok_or_else(|| {
        let known = Catalog::built_in().event_types().iter().map(|event_type| event_type.name.as_str());
        Failure::usage(match nearest(event, known) {
            Some(nearest) => say(Say::NoEventNearest { nearest: nearest.to_owned() }),
            None => say(Say::NoEvent),
        })
    })?;
    let at = now.format(&Rfc3339).unwrap_or_default();
    let mut line = BTreeMap::new();
    line.insert("event", Typed::Text(event));
    line.insert("at", Typed::Text(&at));
    for (key, value) in attributes {
        let kind = event_type.position(key).map(|at| &event_type.attributes[at].kind);
        if line.insert(key, Typed::of(kind, value)).is_some() && key != "at" {
            return Err(Failure::usage(say(Say::Twice { key: key.clone() })));
        }
    }
    serde_json::to_string(&line).map_err(|_| Failure::usage(say(Say::NoLine)))
}

/// What was typed, with the JSON type of its attribute.
#[derive(Serialize)]
#[serde(untagged)]
enum Typed<'a> {
    Integer(i64),
    Decimal(f64),
    Text(&'a str),
}

impl<'a> Typed<'a> {
    fn of(kind: Option<&AttributeKind>, text: &'a str) -> Self {
        let Some(AttributeKind::Integer { .. }) = kind else { return Self::Text(text) };
        let decimal = || text.parse().map_or(Self::Text(text), Self::Decimal);
        text.parse().map_or_else(|_| decimal(), Self::Integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed_line(event: &str, attributes: &[(&str, &str)]) -> Result<String, Failure> {
        let attributes: Vec<_> =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        line(event, &attributes, OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn values_get_the_catalogs_types() {
        let line = typed_line("device.error", &[("code", "1042"), ("subsystem", "generator")]).unwrap();
        assert_eq!(
            line,
            r#"{"at":"1970-01-01T00:00:00Z","code":1042,"event":"device.error","subsystem":"generator"}"#
        );
        let line =
            typed_line("kathea.hang", &[("duration_s", "2.5"), ("at", "2026-11-21T10:32:11+01:00")]).unwrap();
        assert_eq!(line, r#"{"at":"2026-11-21T10:32:11+01:00","duration_s":2.5,"event":"kathea.hang"}"#);
    }

    #[test]
    fn what_cannot_be_a_line_is_a_wrong_command() {
        assert_eq!(typed_line("device.eror", &[]).unwrap_err().exit, Exit::Usage);
        assert_eq!(
            typed_line("device.error", &[("code", "1"), ("code", "2")]).unwrap_err().exit,
            Exit::Usage
        );
        assert_eq!(typed_line("device.error", &[("event", "x")]).unwrap_err().exit, Exit::Usage);
    }
}

//! One happening by hand: the line that Kathea would have written.

use agent::config::Config;
use protocol::Catalog;
use protocol::catalog::AttributeKind;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach::{self, Question};

/// `record`.
pub(crate) fn record(config: &Config, event: &str, attributes: &[(String, String)]) -> Result<Exit, Failure> {
    let line = line(event, attributes, OffsetDateTime::now_utc())?;
    reach::ask(config, &Question::Happening(line))?;
    print::words("recorded");
    Ok(Exit::Done)
}

/// Whether the values are right is for the agent to say; here they only get their JSON type.
fn line(event: &str, attributes: &[(String, String)], now: OffsetDateTime) -> Result<String, Failure> {
    let happening = Catalog::built_in().happening(event).ok_or_else(|| {
        Failure::usage("there is no happening of this name: `kathea-agent catalog` lists them")
    })?;
    let mut line = Map::new();
    line.insert("event".into(), event.into());
    line.insert("at".into(), now.format(&Rfc3339).unwrap_or_default().into());
    for (key, value) in attributes {
        if line
            .insert(
                key.clone(),
                typed(happening.position(key).map(|at| &happening.attributes[at].kind), value),
            )
            .is_some()
            && key != "at"
        {
            return Err(Failure::usage(format!(
                "{key} is given twice, or has a name of its own: leave one out"
            )));
        }
    }
    Ok(Value::Object(line).to_string())
}

fn typed(kind: Option<&AttributeKind>, text: &str) -> Value {
    match kind {
        Some(AttributeKind::Integer { .. }) => text
            .parse::<i64>()
            .map(|number| json!(number))
            .or_else(|_| text.parse::<f64>().map(|number| json!(number)))
            .unwrap_or_else(|_| json!(text)),
        _ => json!(text),
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

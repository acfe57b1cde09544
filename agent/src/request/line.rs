//! Kind of a socket line: an event, a request, or a misspelt request, which does not count as a lost event.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Request;
use crate::api::{Hint, Refused, Reply};
use crate::nearest::nearest;

/// What a line is.
#[derive(Debug)]
pub enum Line {
    /// For the catalog to judge; also what is no JSON object.
    Event,
    /// A request.
    Request(Request),
    /// Something else that was meant as a request: what to answer.
    Misread(Reply),
}

impl Line {
    /// Reads a line.
    pub fn read(line: &[u8]) -> Self {
        let Ok(Keys(keys)) = serde_json::from_slice(line) else { return Self::Event };
        let has = |name: &str| keys.iter().any(|key| key.0 == name);
        let is_event = has("event") || has("at");
        if is_event && !has("request") {
            return Self::Event;
        }
        match serde_json::from_slice(line) {
            Ok(request) => Self::Request(request),
            Err(_) if is_event => Self::Event,
            Err(error) => {
                Self::Misread(misread(&keys, &serde_json::from_slice(line).unwrap_or_default(), &error))
            }
        }
    }
}

/// What `request` may say.
pub const REQUESTS: [&str; 9] =
    ["busy", "idle", "status", "contact", "consent", "privacy", "history", "support", "enroll"];

/// What `action` may say, by request.
pub const ACTIONS: [(&str, &[&str]); 4] = [
    (
        "consent",
        &[
            "list",
            "show",
            "grant",
            "deny",
            "withdraw",
            "restrict",
            "release",
            "new_owner",
            "receipt",
            "verify",
        ],
    ),
    (
        "privacy",
        &["access", "records", "claim", "rectify", "object", "answer", "revoke", "erase", "decommission"],
    ),
    ("history", &["show", "on", "off", "erase"]),
    (
        "support",
        &[
            "scans", "preview", "progress", "stop", "begin", "adopt", "show", "create", "list", "find",
            "export", "send", "discard",
        ],
    ),
];

/// The words of a request that say what it is.
#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    request: Option<String>,
    #[serde(default)]
    action: Option<String>,
}

/// Says what is wrong with a request: words of ours, nothing that was sent.
fn misread(keys: &[Key<'_>], head: &Head, error: &serde_json::Error) -> Reply {
    let answer = |what: String, nearest: Option<&str>| {
        let what = match nearest {
            Some(nearest) => format!("{what}; the nearest is `{nearest}`"),
            None => format!("{what}: protocol/SOCKET.md lists them"),
        };
        let hint = Hint { attribute: None, nearest: nearest.map(str::to_owned) };
        Reply::refused(Refused::Usage, what).with(hint)
    };
    let Some(request) = &head.request else {
        if keys.iter().any(|key| key.0 == "request") {
            return answer("`request` has to be there once, and a word".to_owned(), None);
        }
        let near = keys.iter().find_map(|key| nearest(&key.0, ["request", "event"]));
        return answer("a line has `event` or `request`, and this one has neither".to_owned(), near);
    };
    if !REQUESTS.contains(&request.as_str()) {
        return answer("there is no request of this name".to_owned(), nearest(request, REQUESTS));
    }
    let actions = ACTIONS.iter().find(|(of, _)| of == request).map(|(_, actions)| *actions);
    let is_known = |actions: &&[&str]| head.action.as_deref().is_some_and(|action| actions.contains(&action));
    if let Some(actions) = actions.filter(|actions| !is_known(actions)) {
        let near = head.action.as_deref().and_then(|action| nearest(action, actions.iter().copied()));
        return answer("the request has no action of this name".to_owned(), near);
    }
    // serde names fields that are missing by the names of the type, never by what was sent.
    let text = error.to_string();
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    let what = match missing {
        Some((field, _)) => format!("the request has no `{field}`, which it needs: see protocol/SOCKET.md"),
        None => "a field of the request says what it can't: see protocol/SOCKET.md".to_owned(),
    };
    Reply::refused(Refused::Usage, what)
}

/// The names of a JSON object's fields, borrowed from the line where that goes.
struct Keys<'a>(Vec<Key<'a>>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Keys<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;

        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<'de>, A::Error> {
                let mut keys = Vec::with_capacity(16);
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(line: &str) -> (String, Option<String>) {
        let Line::Misread(reply) = Line::read(line.as_bytes()) else {
            panic!("{line} is no misspelt request")
        };
        assert_eq!((reply.error(), reply.is_done()), ("usage", false), "{line}");
        (reply.what().to_owned(), reply.read::<Hint>().unwrap().nearest)
    }

    #[test]
    fn a_misspelt_request_gets_the_nearest_word() {
        for (line, word) in [
            (r#"{"request":"statsu"}"#, Some("status")),
            (r#"{"requst":"status"}"#, Some("request")),
            (r#"{"evnt":"device.error"}"#, Some("event")),
            (r#"{"request":"consent","action":"withdrw","purpose":"usage_statistics"}"#, Some("withdraw")),
            (r#"{"request":"support","action":"lst"}"#, Some("list")),
            (r#"{"request":"Jane Doe"}"#, None),
            (r#"{"Jane Doe":1}"#, None),
            (r#"{"request":7}"#, None),
            (r#"{"request":"status","request":"status"}"#, None),
            ("{}", None),
        ] {
            let (what, nearest) = hint(line);
            assert_eq!(nearest.as_deref(), word, "{line}: {what}");
            assert!(!what.contains("Jane"), "{what}");
        }
        let (what, _) = hint(r#"{"request":"support","action":"show","draft":"Jane Doe"}"#);
        assert!(what.contains("`file`") && !what.contains("Jane"), "{what}");
        let (what, _) =
            hint(r#"{"request":"support","action":"show","draft":["Jane Doe"],"file":"x","offset":0}"#);
        assert!(what.contains("says what it can't") && !what.contains("Jane"), "{what}");
    }

    #[test]
    fn what_is_meant_for_the_catalog_is_an_event() {
        for line in [
            r#"{"event":"device.error","event":"device.error"}"#,
            r#"{"at":"2026-11-21T10:32:11+01:00"}"#,
            r#"{"event":"device.error","request":"statsu"}"#,
            "[1,2]",
            "\u{0}",
            "{",
        ] {
            assert!(matches!(Line::read(line.as_bytes()), Line::Event), "{line}");
        }
        assert!(matches!(Line::read(br#"{"request":"busy"}"#), Line::Request(Request::Busy)));
    }

    /// The words that serde expects where `line` has one that it does not know.
    fn expected(line: &str) -> Vec<String> {
        let error = serde_json::from_str::<Request>(line).unwrap_err().to_string();
        let (_, words) = error.split_once("expected one of ").unwrap();
        words.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_lists_are_those_of_the_types() {
        assert_eq!(expected(r#"{"request":"?"}"#), REQUESTS);
        for (request, actions) in ACTIONS {
            assert_eq!(expected(&format!(r#"{{"request":"{request}","action":"?"}}"#)), actions, "{request}");
        }
    }
}

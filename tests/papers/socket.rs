//! What `protocol/SOCKET.md` and `protocol/socket.schema.json` say is what the agent reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use agent::collect::Raw;
use agent::request::Request;
use agent::usage::validation::{Validator, Wanted, Window};
use protocol::{Catalog, Reason};
use serde_json::{Value as Json, json};

use super::schema;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What follows "```json" up to the next fence.
fn examples() -> Vec<Json> {
    let text = read("protocol/SOCKET.md");
    let block = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A request with these of its `properties`.
fn fill<'a>(names: impl Iterator<Item = &'a String>, properties: &Json) -> Json {
    let mut request = json!({});
    for name in names {
        request[name] = match name.as_str() {
            "request" | "action" => properties[name]["const"].clone(),
            "purpose" => json!("support_case"),
            "case" => json!("CASE-1"),
            "by" => json!("owner"),
            "session" => json!("console"),
            "yes" => json!("0123456789abcdef"),
            "tray" => json!("usage"),
            "from" | "offset" => json!(0),
            "drain" | "vendor" | "erase" => json!(true),
            "wish" => {
                json!({"case": "CASE-1", "reason": "error", "scans": "none", "as_typed": false, "now": false})
            }
            _ => json!("x"),
        };
    }
    request
}

/// The requests of the schema, each filled with as little as it takes.
fn described() -> Vec<Json> {
    let schema: Json = serde_json::from_str(&read("protocol/socket.schema.json")).unwrap();
    let variants = schema["$defs"]["request"]["oneOf"].as_array().unwrap().clone();
    let least = |variant: Json| {
        let required: Vec<String> = serde_json::from_value(variant["required"].clone()).unwrap();
        fill(required.iter(), &variant["properties"])
    };
    variants.into_iter().map(least).collect()
}

fn name(request: &Json) -> String {
    format!("{} {}", request["request"], request["action"])
}

#[test]
fn the_agent_reads_every_request_that_is_described() {
    let reads = |request: &Json| serde_json::from_value::<Request>(request.clone()).is_ok();
    for request in examples().iter().chain(&described()) {
        assert!(reads(request), "{request}");
    }
    assert!(!reads(&json!({"request": "support", "action": "show", "draft": "d"})), "negative control");

    let names = described().iter().map(name).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), described().len(), "described twice");
    for example in examples() {
        assert!(names.contains(&name(&example)), "{example} is not in the schema");
    }
    let text = read("protocol/SOCKET.md");
    for request in described() {
        let word = request["action"].as_str().or(request["request"].as_str()).unwrap();
        assert!(text.contains(&format!("| `{word}` |")), "{word} is not in SOCKET.md");
    }
}

/// A field of the schema, filled.
fn filled(of: &Json) -> Json {
    if let Some(words) = of["enum"].as_array() {
        return words[0].clone();
    }
    if of["type"] == "string" { json!("1.2") } else { of["minimum"].clone() }
}

/// What the agent does with an event.
fn refused(event: &Json) -> Option<Reason> {
    let window = Window { granted: 0, now: 1_800_000_000 };
    let mut validator = Validator::new(Catalog::built_in());
    let line = event.to_string();
    validator
        .take(Raw::new(line.as_bytes()), window, Wanted { usage: true, open: true })
        .err()
        .map(|refusal| refusal.reason)
}

#[test]
fn the_agent_takes_every_event_that_is_described_and_refuses_any_other_attribute() {
    let schema: Json = serde_json::from_str(&read("protocol/socket.schema.json")).unwrap();
    let events = schema["$defs"]["event"]["oneOf"].as_array().unwrap();
    assert_eq!(events.len(), Catalog::built_in().event_types().len());
    for described in events {
        let properties = described["properties"].as_object().unwrap();
        let own = properties.iter().filter(|(name, _)| !["event", "at"].contains(&name.as_str()));
        let mut event = json!({"event": properties["event"]["const"], "at": "2026-11-21T10:32:11+01:00"});
        for (name, of) in own.clone() {
            event[name] = filled(of);
        }
        assert_eq!(refused(&event), None, "{event}");
        for (name, of) in own {
            let without = |name: &str| {
                let mut event = event.clone();
                event.as_object_mut().unwrap().remove(name);
                event
            };
            let is_required = described["required"].as_array().unwrap().contains(&json!(name));
            assert_eq!(refused(&without(name)).is_some(), is_required, "{event} without {name}");
            if let Some(most) = of["maximum"].as_f64() {
                event[name] = of["maximum"].clone();
                assert_eq!(refused(&event), None, "{event}");
                event[name] = json!(most + 1.0);
                assert_eq!(refused(&event), Some(Reason::OutOfRange), "{event}");
                event[name] = filled(of);
            }
        }
        event["patient"] = json!("x");
        assert_eq!(refused(&event), Some(Reason::UnknownAttribute), "{event}");
    }
}

/// What the schema describes is a field of the request's type: another one would be lost on the way.
#[test]
fn every_field_that_is_described_is_one_that_the_agent_reads() {
    assert_eq!(described().len(), schema::requests().len());
    let schema: Json = serde_json::from_str(&read("protocol/socket.schema.json")).unwrap();
    for variant in schema["$defs"]["request"]["oneOf"].as_array().unwrap() {
        let full = fill(variant["properties"].as_object().unwrap().keys(), &variant["properties"]);
        let read: Request = serde_json::from_value(full.clone()).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        for name in variant["properties"].as_object().unwrap().keys() {
            assert_eq!(written[name.as_str()], full[name.as_str()], "{name} of {full}");
        }
        for name in variant["required"].as_array().unwrap() {
            let mut without = full.clone();
            without.as_object_mut().unwrap().remove(name.as_str().unwrap());
            let is_read = serde_json::from_value::<Request>(without.clone()).is_ok();
            // What a consent needs follows from its action, and is asked for by the agent in words.
            let is_asked_for =
                full["request"] == "consent" && !["request", "action"].contains(&name.as_str().unwrap());
            assert_eq!(is_read, is_asked_for, "{without}");
        }
    }
}

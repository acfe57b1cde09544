//! `protocol/socket.schema.json`, from the catalog and the words of the requests' types.

use agent::limits::DESCRIPTION;
use agent::request::{ACTIONS, REQUESTS, SENT};
use agent::seal::payload::Queue;
use protocol::catalog::{Attribute, AttributeKind, EventType};
use protocol::ledger::{Role, Session};
use protocol::{CaseReason, Catalog, Purpose};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

/// A field of a request: its name, with `?` behind it where it may be left out.
type Fields = &'static [&'static str];

/// The fields of a request beside `request` and `action`.
fn fields(request: &str, action: &str) -> Fields {
    match (request, action) {
        ("busy" | "idle" | "status" | "contact", "") => &[],
        ("enroll", "") => &["token", "url?"],
        ("consent", "list" | "verify") => &[],
        ("consent", "new_owner") => &["by?", "session?", "claim?"],
        ("consent", "show") => &["purpose"],
        ("consent", "grant") => &["purpose", "by", "yes", "case?", "session?"],
        ("consent", "deny" | "restrict" | "release") => &["purpose", "case?", "by?", "session?"],
        ("consent", "withdraw") => &["purpose", "case?", "by?", "session?", "erase?", "claim?"],
        ("consent", "receipt") => &["purpose?", "case?"],
        ("support", "scans" | "progress" | "stop" | "list") => &[],
        ("support", "preview") => &["wish"],
        ("support", "begin") => &["case"],
        ("support", "adopt") => &["draft", "key"],
        ("support", "show") => &["draft", "file", "offset"],
        ("support", "create") => &["draft", "yes", "by", "session?"],
        ("support", "find") => &["file"],
        ("support", "export") => &["bundle", "offset"],
        ("support", "send") => &["bundle"],
        ("support", "discard") => &["id"],
        ("history", _) => &[],
        ("privacy", "access") => &["vendor?"],
        ("privacy", "records") => &["tray", "from"],
        ("privacy", "claim") => &[],
        ("privacy", "rectify") => &["case"],
        ("privacy", "object") => &["case?"],
        ("privacy", "answer") => &["offset"],
        ("privacy", "revoke") => &["case?"],
        ("privacy", "erase") => &["by?", "session?", "claim?"],
        ("privacy", "decommission") => &["drain", "by?", "session?"],
        // A new one: without its fields here, the test of the fields fails.
        _ => &["?"],
    }
}

/// Every request with its action, if it has any.
pub(crate) fn requests() -> Vec<(&'static str, &'static str)> {
    let of = |request: &&'static str| {
        let request = *request;
        let actions = ACTIONS.iter().find(|(of, _)| *of == request).map_or(&[""][..], |(_, actions)| actions);
        actions.iter().map(move |action| (request, *action)).collect::<Vec<_>>()
    };
    REQUESTS.iter().flat_map(of).collect()
}

/// The words that serde expects of a closed list.
fn words<T: DeserializeOwned>() -> Vec<String> {
    let error = serde_json::from_str::<T>("\"?\"").map(drop).unwrap_err().to_string();
    let (_, words) = error.split_once("expected").unwrap();
    words.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn field(name: &str) -> Json {
    match name {
        "purpose" | "case" | "session" | "wish" | "yes" => json!({"$ref": format!("#/$defs/{name}")}),
        "by" => json!({"$ref": "#/$defs/role"}),
        "erase" | "vendor" | "drain" => json!({"type": "boolean"}),
        "offset" | "from" => json!({"type": "integer", "minimum": 0}),
        "tray" => {
            json!({"enum": [Queue::Open.as_str(), Queue::Usage.as_str(), Queue::Requests.as_str(), SENT]})
        }
        "url" => json!({"type": ["string", "null"]}),
        _ => json!({"type": "string"}),
    }
}

fn request((request, action): (&str, &str)) -> Json {
    let mut properties = Map::from_iter([("request".to_owned(), json!({"const": request}))]);
    let mut required = vec!["request"];
    if !action.is_empty() {
        properties.insert("action".to_owned(), json!({"const": action}));
        required.push("action");
    }
    for name in fields(request, action) {
        let known = name.trim_end_matches('?');
        properties.insert(known.to_owned(), field(known));
        required.extend((known == *name).then_some(known));
    }
    json!({"properties": properties, "required": required})
}

fn attribute(attribute: &Attribute) -> Json {
    match &attribute.kind {
        AttributeKind::Integer { unit, min, max, decimals, .. } => {
            let kind = if *decimals == 0 { "integer" } else { "number" };
            let (min, max) = (attribute.kind.show(*min), attribute.kind.show(*max));
            let mut of = json!({"type": kind, "minimum": min, "maximum": max});
            let decimals =
                if *decimals == 0 { String::new() } else { format!(", {decimals} decimals at most") };
            let described = format!("{unit}{decimals}");
            if !described.is_empty() {
                of["description"] = json!(described.trim_start_matches(", "));
            }
            of
        }
        AttributeKind::Enumeration { values } => json!({"enum": values}),
        AttributeKind::Version => json!({"type": "string", "pattern": "^[0-9]{1,5}([.][0-9]{1,5}){0,3}$"}),
    }
}

fn event(event_type: &EventType) -> Json {
    let mut properties = Map::from_iter([
        ("event".to_owned(), json!({"const": event_type.name})),
        ("at".to_owned(), json!({"$ref": "#/$defs/at"})),
    ]);
    let mut required = vec!["event", "at"];
    for one in &event_type.attributes {
        properties.insert(one.name.clone(), attribute(one));
        required.extend((!one.optional).then_some(one.name.as_str()));
    }
    json!({
        "description": event_type.what, "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// The schema as it is kept.
pub(crate) fn schema() -> String {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let paths = |name: &str| {
        json!({
            "type": "object", "required": [name], "properties": {name: texts}, "additionalProperties": false,
        })
    };
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line to the agent's local socket, and its answer",
        "description": "A line is an event or a request; SOCKET.md explains them. Generated from the catalog and the \
                        agent's types: UPDATE_PAPERS=1 cargo test --test papers.",
        "type": "object",
        "oneOf": [{"$ref": "#/$defs/event"}, {"$ref": "#/$defs/request"}],
        "$defs": {
            "event": {"oneOf": Catalog::built_in().event_types().iter().map(event).collect::<Vec<_>>()},
            "request": {"oneOf": requests().into_iter().map(request).collect::<Vec<_>>()},
            "at": {"type": "string", "format": "date-time", "description": "RFC 3339, with the offset"},
            "purpose": {"enum": Purpose::ALL},
            "case": {"type": "string", "pattern": "^[A-Z0-9][A-Z0-9-]{1,31}$"},
            "role": {"enum": words::<Role>()},
            "session": {"enum": words::<Session>()},
            "yes": {
                "type": "string",
                "pattern": "^[0-9a-f]{16,64}$",
                "description": "Digest of what was shown, 16 digits or more",
            },
            "wish": {
                "type": "object",
                "required": ["case", "reason"],
                "properties": {
                    "case": {"$ref": "#/$defs/case"},
                    "reason": {"enum": CaseReason::ALL},
                    "contact": {"type": "string"},
                    "description": {"type": "string", "maxLength": DESCRIPTION},
                    "as_typed": {"type": "boolean"},
                    "since": {"type": "integer", "minimum": 0},
                    "logs": texts,
                    "now": {"type": "boolean"},
                    "scans": {"oneOf": [{"enum": ["none", "last", "since"]}, paths("picked"), paths("paths")]},
                },
            },
            "answer": {
                "type": "object",
                "required": ["ok"],
                "properties": {
                    "ok": {"type": "boolean"},
                    "error": {"type": "string"},
                    "what": {"type": "string", "description": "What happened and what to do, for people"},
                    "what_key": {"type": "string", "description": "The key of `what`, for programs; absent where it has none"},
                    "what_da": {"type": "string", "description": "`what` in Danish, where the agent says it in Danish"},
                    "attribute": {"type": "string", "description": "Of a refused event: what is wrong with it"},
                    "nearest": {"type": "string", "description": "The known word that is nearest to an unknown one"},
                },
                "if": {"properties": {"ok": {"const": false}}, "required": ["ok"]},
                "then": {"required": ["error"]},
            },
        },
    });
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

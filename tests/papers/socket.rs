//! What `protocol/SOCKET.md` and `protocol/socket.schema.json` say is what the agent reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use agent::request::Request;
use serde_json::{Value as Json, json};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What follows "```json" up to the next fence.
fn examples() -> Vec<Json> {
    let text = read("protocol/SOCKET.md");
    let block = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The requests of the schema, each filled with as little as it takes.
fn described() -> Vec<Json> {
    let schema: Json = serde_json::from_str(&read("protocol/socket.schema.json")).unwrap();
    let mut described = vec![];
    for variant in schema["$defs"]["request"]["oneOf"].as_array().unwrap() {
        let properties = &variant["properties"];
        let actions = match (&properties["action"]["const"], properties["action"]["enum"].as_array()) {
            (_, Some(several)) => several.clone(),
            (one, None) => vec![one.clone()],
        };
        for action in actions {
            let mut request = json!({});
            for name in variant["required"].as_array().unwrap() {
                let name = name.as_str().unwrap();
                request[name] = match name {
                    "request" => properties[name]["const"].clone(),
                    "action" => action.clone(),
                    "purpose" => json!("support_case"),
                    "case" => json!("CASE-1"),
                    "by" => json!("owner"),
                    "yes" => json!("0123456789abcdef"),
                    "tray" => json!("usage"),
                    "from" | "offset" => json!(0),
                    "drain" => json!(false),
                    "wish" => json!({"case": "CASE-1", "reason": "error"}),
                    _ => json!("x"),
                };
            }
            described.push(request);
        }
    }
    described
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

/// `NewOwner` as serde writes it.
fn snake(variant: &str) -> String {
    let parts = variant.char_indices().flat_map(|(at, c)| {
        (at > 0 && c.is_ascii_uppercase()).then_some('_').into_iter().chain(c.to_lowercase())
    });
    parts.collect()
}

/// The actions that the code knows, by the names of its variants.
#[test]
fn the_schema_describes_every_request_that_the_agent_reads() {
    let names = described().iter().map(name).collect::<BTreeSet<_>>();
    for (request, file, list) in [
        ("consent", "agent/src/request.rs", "pub enum ConsentAction {"),
        ("privacy", "agent/src/request.rs", "pub enum PrivacyAsk {"),
        ("support", "agent/src/request/support.rs", "pub enum SupportRequest {"),
    ] {
        let code = read(file);
        let variants = code.split(list).nth(1).unwrap().split("\n}\n").next().unwrap();
        let mut found = 0;
        for line in variants.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
            let variant = line.trim().trim_end_matches([',', '{', ' ']);
            if variant.starts_with(|c: char| c.is_ascii_uppercase()) {
                let word = snake(variant);
                assert!(names.contains(&format!("\"{request}\" \"{word}\"")), "{request} {word}");
                found += 1;
            }
        }
        assert!(found > 5, "{found} actions of {request}");
    }
}

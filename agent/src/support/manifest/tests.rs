//! The manifest reads what it wrote, and its documented schema says neither more nor less.

use serde_json::Value;

use super::*;
use crate::checks::Finding;
use crate::texts::Language;

const SCHEMA: &str = include_str!("../../../../protocol/manifest.schema.json");

/// A manifest with something in every field.
pub(in crate::support) fn sample() -> Manifest {
    let file = |name: &str, kind, purpose| FileEntry {
        name: name.to_owned(),
        kind,
        purpose,
        bytes: 3,
        sha256: Digest::of(b"kV\n"),
    };
    let files = vec![
        file("kathea/0001.log", Format::Text, Purpose::SupportCase),
        file("device.json", Format::Json, Purpose::SupportCase),
        file("scans/0001.json", Format::Dicom, Purpose::SupportScanData),
    ];
    let operation = |name: &str, outcome, why: Option<&str>, files| Operation {
        name: name.to_owned(),
        outcome,
        why: why.map(str::to_owned),
        files,
        refused: BTreeMap::from([("too_deep".to_owned(), u64::from(files == 1))]),
    };
    Manifest {
        case: "CASE-2026-0042".parse().unwrap(),
        reason: CaseReason::ImageQuality,
        contact: Some("Reception, 12 34 56 78".to_owned()),
        description: Some("Rings in every second scan\nsince Tuesday".to_owned()),
        made: "2026-11-22T10:00:00Z".to_owned(),
        agent: "0.1.0".to_owned(),
        device: DeviceId::from_bytes([7; 16]),
        policy: PolicyName { id: "copenhagen-imaging".to_owned(), version: "2024-05-16".to_owned() },
        purposes: purposes(&files),
        operations: vec![
            operation("kathea_logs", Outcome::Cut, Some("the limit of 64 MiB was reached"), 1),
            operation("motion", Outcome::Absent, Some("no such folder"), 0),
        ],
        files,
        removed: BTreeMap::from([("name".to_owned(), 12), ("outside_vocabulary".to_owned(), 40)]),
        persons_learned: 3,
        files_learned: 5,
        edition: "2026d".to_owned(),
        provenance: Some(Provenance { bytes: 4096, sha256: Digest::of(b"table") }),
        window: Some(Window {
            from: "2024-11-17T08:00:00Z".to_owned(),
            until: "2024-11-17T12:00:00Z".to_owned(),
            reach: Reach::ReachesPresent,
        }),
        checks: [Finding::pass("storage", "312 GiB are free"), Finding::warn("clock", "is off", "set it")]
            .iter()
            .map(|finding| finding.in_language(Language::En))
            .collect(),
    }
}

#[test]
fn it_reads_what_it_wrote_to_the_last_byte() {
    let manifest = sample();
    let bytes = manifest.to_bytes();
    assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
    assert_eq!(Manifest::parse(&bytes).unwrap().to_bytes(), bytes);
    assert_eq!(manifest.purposes, [Purpose::SupportCase, Purpose::SupportScanData]);
    assert_eq!(purposes(&manifest.files[..2]), [Purpose::SupportCase]);
    assert_eq!(manifest.total_bytes(), 9);
}

#[test]
fn what_is_not_a_manifest_of_this_version_is_refused() {
    let text = String::from_utf8(sample().to_bytes()).unwrap();
    let cases = [
        text.replace("support-manifest/1", "support-manifest/2"),
        text.replacen("\"case\"", "\"kase\"", 1),
        text.replacen("image_quality", "curiosity", 1),
        text.replacen("\"outcome\": \"cut\"", "\"outcome\": \"fine\"", 1),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ];
    for wrong in cases {
        assert_ne!(wrong, text);
        assert_eq!(Manifest::parse(wrong.as_bytes()), Err(BadManifest), "{wrong}");
    }
}

/// Where `value` and `schema` part: a property that only one of them has, a type, a word that is not listed.
fn differences(value: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#'));
        return differences(value, target.unwrap_or(&Value::Null), root, at, found);
    }
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    let kinds = schema["type"].as_array().map_or_else(|| vec![&schema["type"]], |list| list.iter().collect());
    if !kinds.iter().any(|listed| **listed == kind) {
        found.push(format!("{at}: {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value))
        || schema.get("const").is_some_and(|word| word != value)
    {
        found.push(format!("{at}: {value}"));
    }
    for item in value.as_array().into_iter().flatten() {
        differences(item, &schema["items"], root, &format!("{at}[]"), found);
    }
    let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else {
        for inner in value.as_object().into_iter().flat_map(|object| object.values()) {
            differences(inner, &schema["additionalProperties"], root, &format!("{at}.*"), found);
        }
        return;
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for name in properties.keys().filter(|name| !object.contains_key(*name)) {
        found.push(format!("{at}.{name}: not written"));
    }
    for (name, inner) in object {
        match properties.get(name) {
            Some(property) if required.contains(&Value::from(name.as_str())) => {
                differences(inner, property, root, &format!("{at}.{name}"), found);
            }
            Some(_) => found.push(format!("{at}.{name}: not required")),
            None => found.push(format!("{at}.{name}: not described")),
        }
    }
    if schema["additionalProperties"] != Value::Bool(false) {
        found.push(format!("{at}: open"));
    }
}

#[test]
fn the_schema_describes_what_is_written_and_nothing_else() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let written = |manifest: &Manifest| serde_json::from_slice::<Value>(&manifest.to_bytes()).unwrap();
    let check = |value: &Value| {
        let mut found = Vec::new();
        differences(value, &schema, &schema, "", &mut found);
        found
    };
    assert_eq!(check(&written(&sample())), [""; 0]);
    let bare = Manifest { contact: None, description: None, ..sample() };
    assert_eq!(check(&written(&bare)), [""; 0]);

    let mut more = written(&sample());
    more["files"][0]["path"] = "C:/scans".into();
    more["checks"][0]["result"] = "perfect".into();
    assert_eq!(check(&more), [".checks[].result: \"perfect\"", ".files[].path: not described"]);
    let mut less = written(&sample());
    less.as_object_mut().unwrap().remove("removed");
    assert_eq!(check(&less), [".removed: not written"]);
}

#[test]
fn the_schema_lists_every_word() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let words = |pointer: &str| {
        serde_json::from_value::<Vec<String>>(schema.pointer(pointer).unwrap().clone()).unwrap()
    };
    assert_eq!(
        words("/properties/reason/enum"),
        CaseReason::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>()
    );
    let purposes: Vec<_> =
        Purpose::ALL.iter().filter(|p| **p != Purpose::UsageStatistics).map(|p| p.as_str()).collect();
    assert_eq!(words("/$defs/purpose/enum"), purposes);
    let outcomes = [Outcome::Done, Outcome::Absent, Outcome::Failed, Outcome::Cut];
    let written = outcomes.map(|outcome| serde_json::to_value(outcome).unwrap());
    assert_eq!(words("/$defs/operation/properties/outcome/enum"), written);
    let kinds = [Format::Dicom, Format::Text, Format::Json, Format::Xml, Format::Other];
    assert_eq!(words("/$defs/file/properties/kind/enum"), kinds.map(Format::as_str));
}

//! The preview in a real browser: readable, searchable, in both languages, with a keyboard, offline, and inert
//! whatever the files hold.

#![allow(clippy::unwrap_used, reason = "outside of `#[test]` functions")]

use std::collections::BTreeMap;
use std::fs;

use crate::common::clinic::Clinic;
use crate::common::peer::Skipped;
use agent::checks::Finding;
use agent::config::Language;
use agent::consent::policy::Policy;
use agent::support::manifest::{self, FileEntry, Manifest, Operation, Outcome, PolicyName};
use agent::support::page::Preview;
use deidentify::files::Format;
use protocol::{CaseReason, DeviceId, Digest, Purpose};
use serde_json::{Value, json};
use test_support::or_skip;

const LOG: &str = "2026-11-21 10:32:11.204 INFO  acquisition exposure started kV=90 mA=8 fov=8x8\n\
                   2026-11-21 10:32:24.911 WARN  link projections dropped 3 of 568\n\
                   2026-11-21 10:32:25.002 ERROR reconstruction gpu_reset code=1042 [name] [path]\n";

const SCAN: &str = r#"{"00080060":{"vr":"CS","Value":["CT"]},"00180060":{"vr":"DS","Value":[90]},
"00181151":{"vr":"IS","Value":[8]},"00090010":{"vr":"LO","Value":["X1"]},"00091019":{"vr":"US","Value":[1042]},
"0020000D":{"vr":"UI","Value":["2.25.329800735698586629295641978511506172918"]}}"#;

const HOSTILE: &str = "</pre></script><script>alert(1)</script><img src=\"http://127.0.0.1:9/x.png\" onerror=alert(1)>\
                       <style>body{display:none}</style>&lt;\0\u{202E}gnol\u{2066}\n";

/// The preview of these files, as it lies at the clinic.
fn preview(files: &[(&str, Format, Purpose, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<FileEntry> = files
        .iter()
        .map(|(name, kind, purpose, bytes)| FileEntry {
            name: (*name).to_owned(),
            kind: *kind,
            purpose: *purpose,
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes),
        })
        .collect();
    let operation = |name: &str, outcome, why: Option<&str>, files, refused: &[(&str, u64)]| Operation {
        name: name.to_owned(),
        outcome,
        why: why.map(str::to_owned),
        files,
        refused: refused.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
    };
    let removed = [
        ("learned_name", 212),
        ("learned_id", 180),
        ("learned_birth_date", 41),
        ("date_moved", 1480),
        ("path", 96),
        ("outside_vocabulary", 63),
        ("network_address", 12),
        ("not_listed", 2044),
        ("private", 310),
    ];
    let manifest = Manifest {
        case: "CASE-2026-0042".parse().unwrap(),
        reason: CaseReason::ImageQuality,
        contact: Some("Reception, 12 34 56 78 <b>".to_owned()),
        description: Some("Rings in every scan <i>".to_owned()),
        made: "2026-11-22T10:00:00Z".to_owned(),
        agent: "0.1.0".to_owned(),
        device: DeviceId::from_bytes([7; 16]),
        policy: PolicyName { id: "copenhagen-imaging".to_owned(), version: "2024-05-16".to_owned() },
        purposes: manifest::purposes(&entries),
        operations: vec![
            operation("device", Outcome::Done, None, 1, &[]),
            operation("kathea_logs", Outcome::Cut, Some("64 MiB were taken, the newest"), 2, &[("empty", 1)]),
            operation("motion", Outcome::Absent, Some("no such folder"), 0, &[]),
            operation("system_events", Outcome::Failed, Some("the system gave no answer"), 0, &[]),
            operation("scans", Outcome::Done, None, 2, &[("cut", 1), ("not_dicom", 3)]),
        ],
        files: entries,
        removed: removed.map(|(rule, count)| (rule.to_owned(), count)).into(),
        persons_learned: 17,
        files_learned: 42,
        edition: "2026d".to_owned(),
        provenance: None,
        window: None,
        checks: [
            Finding::pass("storage", "312 GB are free"),
            Finding::warn(
                "calibration",
                "the geometry calibration is 212 days old",
                "calibrate the geometry",
            ),
            Finding::fail("gpu", "the graphics card was reset 3 times in 7 days", "update its driver"),
        ]
        .map(|finding| finding.in_language(Language::En))
        .into(),
    };
    let danish = [
        Finding::pass("storage", "312 GB er ledige"),
        Finding::warn("calibration", "geometrikalibreringen er 212 dage gammel", "kalibrér geometrien"),
        Finding::fail("gpu", "grafikkortet er nulstillet 3 gange på 7 dage", "opdatér dets driver"),
    ]
    .map(|finding| finding.in_language(Language::En));
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let preview = Preview {
        manifest: &manifest,
        digest: Digest::of(&manifest.to_bytes()),
        draft: "0a1b2c3d",
        policy: &policy,
        checks_in_danish: &danish,
        language: Language::En,
    };
    let mut page = Vec::new();
    let contents: BTreeMap<&str, &[u8]> =
        files.iter().map(|(name, _, _, bytes)| (*name, &bytes[..])).collect();
    preview.write(&mut page, |file| Ok(contents[file.name.as_str()])).unwrap();
    page
}

/// What a browser says of this page.
fn look(script: &str, page: &[u8]) -> Result<Value, Skipped> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("preview.html");
    fs::write(&path, page).unwrap();
    crate::common::browser::look(script, &path)
}

#[test]
fn the_preview_is_read_searched_and_printed_without_the_network() {
    let long = format!("{} {}\n", "x".repeat(4000), LOG.repeat(40));
    let files = [
        ("kathea/0001.log", Format::Text, Purpose::SupportCase, LOG.repeat(12).into_bytes()),
        ("kathea/0002.log", Format::Text, Purpose::SupportCase, long.into_bytes()),
        ("device.json", Format::Json, Purpose::SupportCase, b"{\n  \"os_build\": \"19045\"\n}\n".to_vec()),
        ("hostile.log", Format::Text, Purpose::SupportCase, HOSTILE.repeat(3).into_bytes()),
        ("scans/0001.json", Format::Dicom, Purpose::SupportScanData, SCAN.into()),
        (
            "scans/0002.json",
            Format::Dicom,
            Purpose::SupportScanData,
            SCAN.replace("[90]", &json!([HOSTILE]).to_string()).into(),
        ),
    ];
    let seen = or_skip!(look("preview.mjs", &preview(&files)));
    crate::common::browser::assert_quiet(&seen);
    assert_eq!(
        [&seen["english"], &seen["danish"]],
        ["Support case CASE-2026-0042", "Supportsag CASE-2026-0042"]
    );
    assert_eq!(seen["tabs"].as_array().unwrap()[..4], ["en", "summary", "summary", "find"]);
    assert!(seen["expanded"].as_str().unwrap().contains("gpu_reset code=1042"));
    assert_eq!(seen["hits"], json!({"said": "Hits: 2, files: 2", "files": 2}));
    assert_eq!(seen["absent"], json!({"said": "Found nowhere", "files": 0}));
    assert_eq!([&seen["opened"], &seen["printed_search"]], [&json!(true), &json!(false)]);
    assert_eq!([&seen["all"], &seen["open"]], [6, 6]);
}

#[test]
fn the_page_of_a_real_preview_is_read_and_searched_without_the_network() {
    let clinic = Clinic::new();
    let draft = clinic.preview("CASE-2026-0042", &["--last-scan", "--contact", "Klinikken, 12 34 56 78"]);
    let page = clinic.path("copy-CASE-2026-0042/preview.html");
    let seen = or_skip!(crate::common::browser::look("preview.mjs", &page));
    crate::common::browser::assert_quiet(&seen);
    assert_eq!(
        [&seen["english"], &seen["danish"]],
        ["Support case CASE-2026-0042", "Supportsag CASE-2026-0042"]
    );
    assert_eq!(seen["hits"], json!({"said": "Hits: 1, files: 1", "files": 1}));
    assert_eq!(seen["absent"], json!({"said": "Found nowhere", "files": 0}));
    assert_eq!([&seen["all"], &seen["open"]], [&draft["files"], &draft["files"]]);
    let text = fs::read_to_string(page).unwrap();
    assert!(text.contains(draft["digest"].as_str().unwrap()) && text.contains("Klinikken, 12 34 56 78"));
    let names = clinic.patients.iter().flat_map(|patient| [patient.family, patient.given, &patient.number]);
    assert_eq!(names.filter(|name| text.contains(name)).count(), 0);
}

#[test]
fn a_page_that_loads_or_complains_is_noticed() {
    let bad = "<!doctype html><html lang=\"en\"><title>x</title><h1>Case</h1>\
               <label for=\"da\">Dansk</label><input id=\"da\"><img src=\"http://127.0.0.1:9/x.png\"><p style=\"width:2000px\">x";
    let seen = or_skip!(look("watch.mjs", bad.as_bytes()));
    assert_eq!(seen["requests"], json!(["http://127.0.0.1:9/x.png"]));
    assert_eq!(seen["complaints"].as_array().unwrap().len(), 1, "{seen}");
    assert!(seen["overflow"]["400"].as_i64().unwrap() > 1000, "{seen}");
    assert!(
        seen["violations"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule.as_str().unwrap().starts_with("image-alt"))
    );
}

//! What somebody types wrongly, and what the program says: which thing is wrong, what may stand there, the nearest word.
//! Nothing is ever done, and no word of a library is shown.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::fs;

use common::clinic::Clinic;

/// Words of libraries that no person should meet.
const INTERNAL: &[&str] =
    &["entity not found", "unknown variant", "os error", "expected one of", "panicked", "Err("];

/// What is typed, the exit code, and what is said.
const WRONG: &[(&[&str], i32, &[&str])] = &[
    (&["statsu"], 2, &["statsu", "status"]),
    (&["status", "--jsno"], 2, &["--jsno", "--json"]),
    (&["consent", "grnat", "usage_statistics"], 2, &["grant"]),
    (&["consent", "show", "usage"], 2, &["usage_statistics", "support_case"]),
    (&["consent", "show", "usage_statistic"], 2, &["the nearest is usage_statistics"]),
    (
        &["consent", "grant", "usage_statistics", "--by", "ownr", "--yes", "00"],
        2,
        &["owner, privacy_officer, delegate", "the nearest is owner"],
    ),
    (&["consent", "grant", "usage_statistics", "--by", "owner"], 2, &["--yes <DIGEST>"]),
    (&["consent", "grant", "usage_statistics", "--by", "owner", "--yes", "0011223344556677"], 4, &["digest"]),
    (&["consent", "withdraw", "support_case", "--case", "CASE-9"], 2, &["CASE-9", "consent list"]),
    (&["consent", "withdraw", "support_case", "--case", "case 9"], 2, &["--case <ID>"]),
    (&["consent", "ask"], 2, &["terminal", "consent show"]),
    (&["consent", "receipt", "support_cas"], 2, &["the nearest is support_case"]),
    (&["privacy", "rectify", "--case", "CASE-9"], 2, &["CASE-9"]),
    (&["privacy", "erase", "--claim-file", "/nowhere/claim"], 2, &["/nowhere/claim does not exist"]),
    (&["support"], 2, &["terminal", "support preview"]),
    (&["support", "close", "CASE-9"], 2, &["no such case"]),
    (&["support", "send", "0a1b2c3d"], 2, &["no bundle of this name", "support list"]),
    (&["support", "send", "0a1b2c3d", "--wait"], 5, &["service does not run"]),
    (&["support", "discard", "0a1b2c3d"], 2, &["support list"]),
    (&["support", "show", "0a1b2c3d", "manifest.json"], 2, &["no draft of this name"]),
    (
        &["support", "create", "0a1b2c3d", "--yes", "0011223344556677", "--by", "owner"],
        2,
        &["no draft of this name"],
    ),
    (&["support", "preview", "--case", "CASE-1", "-o", "/tmp/x"], 2, &["--reason", "image_quality"]),
    (
        &["support", "preview", "--case", "CASE-1", "--reason", "eror", "-o", "/tmp/x"],
        2,
        &["image_quality", "the nearest is error"],
    ),
    (
        &[
            "support",
            "preview",
            "--case",
            "CASE-1",
            "--reason",
            "error",
            "--scans",
            "/nowhere/scans",
            "-o",
            "/tmp/x",
        ],
        2,
        &["/nowhere/scans does not exist"],
    ),
    (
        &[
            "support",
            "preview",
            "--case",
            "CASE-1",
            "--reason",
            "error",
            "--logs",
            "/nowhere/logs",
            "-o",
            "/tmp/x",
        ],
        2,
        &["/nowhere/logs does not exist"],
    ),
    (
        &[
            "support", "preview", "--case", "CASE-1", "--reason", "error", "--since", "2 weeks", "-o",
            "/tmp/x",
        ],
        2,
        &["30min, 2h, 3d"],
    ),
    (
        &["support", "preview", "--case", "CASE-1", "--reason", "error", "--pick", "-o", "/tmp/x"],
        2,
        &["terminal", "--last-scan"],
    ),
    (&["record", "device.eror"], 2, &["the nearest is device.error"]),
    (&["record", "device.error", "code"], 2, &["key=value"]),
    (&["validate", "/nowhere/events.ndjson"], 2, &["/nowhere/events.ndjson does not exist"]),
    (&["completions", "bsh"], 2, &["bash", "powershell"]),
    (&["man", "suport"], 2, &["the nearest is support"]),
    (&["contact"], 5, &["service does not run"]),
    (&["enroll", "--token-file", "/nowhere/token"], 2, &["/nowhere/token does not exist", "one-time token"]),
    (&["decommission"], 2, &["--yes"]),
    (&["catalog", "--format", "xml"], 2, &["md", "json"]),
    (&["run", "--close"], 2, &["--once"]),
    (&["verify", "/nowhere/a.deb", "--as", "relase"], 2, &["the nearest is release"]),
];

#[test]
fn each_wrong_input_is_answered_with_what_to_do() {
    let clinic = Clinic::new();
    let before = clinic.workstation.status();
    let mut wrong = vec![];
    for (typed, code, said) in WRONG {
        let output = clinic.workstation.run(typed);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let lacks: Vec<_> = said.iter().filter(|part| !words.contains(**part)).collect();
        let internal: Vec<_> = INTERNAL.iter().filter(|part| words.contains(**part)).collect();
        if output.status.code() != Some(*code) || !lacks.is_empty() || !internal.is_empty() {
            wrong.push(format!(
                "{typed:?}: {:?}, not {code}; lacks {lacks:?}, has {internal:?}: {words}",
                output.status.code()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), WRONG.len(), wrong.join("\n"));
    let after = clinic.workstation.status();
    assert_eq!(
        (&before["consent"], &before["cases"], &before["bundles"]),
        (&after["consent"], &after["cases"], &after["bundles"])
    );
}

#[test]
fn a_file_of_events_is_checked_line_by_line() {
    let clinic = Clinic::new();
    let at = r#""at":"2026-11-21T10:32:11+01:00""#;
    let good = format!(
        r#"{{"event":"device.error",{at},"code":1042,"subsystem":"generator","severity":"error","repeats":3}}"#
    );
    let file = clinic.path("events.ndjson");
    fs::write(&file, format!("{good}\n{}\nJane Doe\n", good.replace("generator", "genrator"))).unwrap();
    let file = file.to_str().unwrap();
    let said = clinic.workstation.expect(3, &["validate", file]);
    assert!(said.contains("line 2: out_of_range") && said.contains("generator"), "{said}");
    assert!(
        said.contains("line 3: not_json") && !said.contains("Jane") && !said.contains("genrator"),
        "{said}"
    );
    let json = clinic.workstation.expect(3, &["validate", file, "--json"]);
    assert!(json.lines().next().unwrap().contains(r#""attribute":"subsystem""#), "{json}");
    fs::write(file, format!("{good}\n")).unwrap();
    clinic.workstation.expect(0, &["validate", file]);
    assert_eq!(clinic.workstation.status()["waiting"]["usage"]["records"], 0, "nothing was taken in");
}

#[test]
fn the_manual_and_completions_come_from_the_program() {
    let clinic = Clinic::new();
    let page = clinic.workstation.expect(0, &["man", "support", "create"]);
    assert!(page.contains(".TH") && page.contains("Consent to exactly"), "{page}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = clinic.workstation.expect(0, &["completions", shell]);
        assert!(text.contains("kathea-agent") && text.contains("decommission"), "{shell}");
    }
}

#[test]
fn what_is_printed_to_be_typed_repeats_the_configuration() {
    let clinic = Clinic::new();
    let shown = clinic.workstation.run(&["consent", "show", "usage_statistics"]);
    let words = String::from_utf8(shown.stderr).unwrap();
    let config = clinic.workstation.config();
    let line = format!("kathea-agent --config {} consent deny usage_statistics", config.display());
    assert!(words.contains(&line), "{words}");
    let typed: Vec<String> = line.split(' ').skip(3).map(str::to_owned).collect();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    clinic.workstation.expect(0, &typed);
}

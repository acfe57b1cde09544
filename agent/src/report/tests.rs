//! What the report holds. How it looks and behaves is shown by tests/window/report.rs.

use super::*;
use crate::api::privacy::Says;
use crate::api::status::Status;
use crate::support::check::{facts::Facts, judge};

fn page(held: &Access, usage: &[HeldRecord]) -> String {
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let findings = judge(&Facts { now: 1_795_341_600, ..Facts::default() });
    let report = Report {
        policy: &policy,
        language: Language::Da,
        held,
        open: &[],
        usage,
        sent: &[],
        findings: &findings,
    };
    let mut out = Vec::new();
    report.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What is held, with this status.
fn held(status: &str) -> Access {
    let status: Status = serde_json::from_str(status).unwrap();
    let held = format!(
        r#"{{"held_at":"2026-11-22T10:00:00Z","status":{},"policy":{{"id":"p","version":"1","sha256":"{:064}"}},
            "ledger":[],"tickets":[],"patients":""}}"#,
        serde_json::to_string(&status).unwrap(),
        0
    );
    serde_json::from_str(&held).unwrap()
}

const STATUS: &str = r#"{"version":"0.1.0","device":"000102030405060708090a0b0c0d0e0f","enrolled":true,
    "service":"running","policy":{"id":"p","version":"1"},"consent":{"usage_statistics":"granted"},
    "ends":{"usage_statistics":null},
    "cases":[{"case":"CASE-7","support_case":"granted","support_scan_data":"unset","ends":null}],
    "waiting":{"usage":{"records":3,"bytes":1200},"open":{"records":0,"bytes":0},"requests":{"records":0,"bytes":0}},
    "sent":{"usage_statistics":{"records":1234,"bytes":9000,"last":"2026-11-21T10:00:00Z",
        "days":{"2026-11-20":1000,"2026-11-21":234}}},
    "dropped":{"no_consent":17},"requests":[],"bundles":[],"wishes":[],"keys":"file","busy":false,"disk_bytes":0,
    "problems":[]}"#;

fn record(says: &str) -> HeldRecord {
    let says: Option<Says> = serde_json::from_str(says).unwrap();
    let record = format!(
        r#"{{"number":0,"records":1,"epoch":"{:032}","seq":0,"sealed_sha256":"{:064}","content":null,"says":null}}"#,
        0, 0
    );
    HeldRecord { says, ..serde_json::from_str(&record).unwrap() }
}

#[test]
fn it_says_what_is_allowed_held_sent_and_dropped() {
    let held = held(STATUS);
    let count = r#"[{"entry":"exposure.count","at":"2026-11-20","attributes":{"mode":"cbct"},"value":12}]"#;
    let usage = [record(count), record("null")];
    let page = page(&held, &usage);
    for shown in [
        "2026-11-22 10:00 UTC",
        "ja: indsamles og sendes",
        "CASE-7",
        "1.234 poster er sendt",
        "der var ikke samtykke",
        "mode cbct",
        "their key is gone: 1.",
        "Datatilsynet",
        "consent withdraw usage_statistics",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script"));
}

#[test]
fn an_agent_that_holds_nothing_gives_a_page_that_says_so() {
    let mut held = held(STATUS);
    held.status.consent.usage_statistics = State::Unset;
    held.status.cases.clear();
    held.status.sent.clear();
    let page = page(&held, &[]);
    for shown in
        ["Nothing was ever sent.", "nobody answered: nothing is collected", "No support case is open."]
    {
        assert!(page.contains(shown), "{shown}");
    }
}

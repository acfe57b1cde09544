//! What the report holds. How it looks and behaves is shown by tests/report.rs.

use serde_json::json;

use super::*;
use crate::support::check::{facts::Facts, judge};

fn page(held: &Value, usage: &[Value]) -> String {
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

#[test]
fn it_says_what_is_allowed_held_sent_and_dropped() {
    let held = json!({
        "held_at": "2026-11-22T10:00:00Z",
        "status": {
            "version": "0.1.0", "device": "00", "consent": {"usage_statistics": "granted"},
            "cases": [{"case": "CASE-7", "support_case": "granted", "support_scan_data": "unset"}],
            "waiting": {"usage": {"records": 3, "bytes": 1200}},
            "sent": {"usage_statistics": {"records": 1234, "bytes": 9000, "last": "2026-11-21T10:00:00Z",
                "days": {"2026-11-20": 1000, "2026-11-21": 234}}},
            "dropped": {"no_consent": 17},
        },
        "ledger": [],
    });
    let usage = [
        json!({"says": [{"entry": "exposure.count", "at": "2026-11-20", "attributes": {"mode": "cbct"}, "value": 12}]}),
        json!({"says": null}),
    ];
    let page = page(&held, &usage);
    for shown in [
        "2026-11-22 10:00 UTC",
        "ja: indsamles og sendes",
        "CASE-7",
        "1.234 poster er sendt",
        "der var intet ja",
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
fn an_agent_that_says_nothing_gives_a_page_that_says_so() {
    let page = page(&json!({}), &[]);
    for shown in
        ["Nothing was ever sent.", "nobody answered: nothing is collected", "No support case is open."]
    {
        assert!(page.contains(shown), "{shown}");
    }
}

//! The privacy report in a real browser: readable, in both languages, with a keyboard, offline.

#![allow(clippy::unwrap_used, reason = "outside of `#[test]` functions")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::workstation::Workstation;
use crate::common::{bundle, seeded};
use agent::api::privacy::{Access, HeldRecord};
use agent::config::Language;
use agent::consent::policy::Policy;
use agent::report::Report;
use agent::support::check::facts::{Calibration, Facts, Outcome, Volume};
use agent::support::check::judge;
use protocol::Digest;
use protocol::ledger::{EventKind, Role, write_line};
use protocol::{DeviceId, Purpose};
use serde_json::{Map, Value, json};
use test_support::or_skip;

const NOW: i64 = 1_795_341_600;

fn line(index: u64, kind: EventKind, at: &str, role: Option<Role>) -> String {
    let device = DeviceId::from_bytes([7; 16]);
    let mut entry = test_support::entry(device, index, Purpose::UsageStatistics, None, kind);
    entry.event.at = at.to_owned();
    entry.event.role = role;
    write_line(&entry, |_| vec![0; 64]).unwrap()
}

fn held() -> Access {
    let day = |day: u64| (format!("2026-11-{day:02}"), json!(day * 37 % 61));
    let days: Map<String, Value> = (1..=21).map(day).collect();
    let held = json!({
        "held_at": "2026-11-22T10:00:00Z",
        "status": {
            "version": "0.1.0",
            "device": DeviceId::from_bytes([7; 16]),
            "enrolled": true,
            "service": "running",
            "policy": {"id": "copenhagen-imaging", "version": "2024-05-16"},
            "consent": {"usage_statistics": "granted"},
            "ends": {"usage_statistics": "2028-10-02T09:30:00Z"},
            "cases": [{"case": "CASE-2026-0042", "support_case": "granted", "support_scan_data": "denied", "ends": null}],
            "waiting": {"open": {"records": 5, "bytes": 900}, "usage": {"records": 2, "bytes": 310},
                        "requests": {"records": 0, "bytes": 0}},
            "sent": {"usage_statistics": {"records": 640, "bytes": 5120, "last": "2026-11-21T18:00:00Z", "days": days}},
            "dropped": {"no_consent": 1204, "unknown_event": 3, "out_of_range": 1},
            "requests": [], "bundles": [], "wishes": [], "keys": "file", "busy": false, "disk_bytes": 8192,
            "problems": [],
        },
        "policy": {"id": "copenhagen-imaging", "version": "2024-05-16", "sha256": Digest::of(b"policy")},
        "tickets": [],
        "patients": "",
        "ledger": [
            line(0, EventKind::Denied, "2026-09-01T08:00:00Z", None),
            line(1, EventKind::Granted, "2026-10-02T09:30:00Z", Some(Role::PrivacyOfficer)),
        ],
    });
    serde_json::from_value(held).unwrap()
}

fn held_record(says: Value) -> HeldRecord {
    let record = json!({
        "number": 0, "records": 1, "epoch": format!("{:032}", 0), "seq": 0, "sealed_sha256": Digest::of(b"sealed"),
        "content": null, "says": says,
    });
    serde_json::from_value(record).unwrap()
}

fn records(entry: &str, by: &str, counts: &[(&str, u64)]) -> HeldRecord {
    let record = |(word, count): &(&str, u64)| json!({"entry": entry, "at": "2026-W47", "attributes": {by: word}, "value": count});
    held_record(counts.iter().map(record).collect())
}

#[test]
fn the_report_is_read_in_both_languages_without_the_network() {
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let held = held();
    let open = [
        records("exposure.count", "mode", &[("cbct", 41), ("panoramic", 66), ("cephalometric", 9)]),
        records("exposure.retake", "reason", &[("motion", 4), ("incomplete_fov", 2), ("positioning", 1)]),
    ];
    let usage = [records("feature.use", "feature", &[("implant_plan", 17)]), held_record(Value::Null)];
    let sent = [records("feature.use", "feature", &[("growth_prediction", 3)])];
    let calibration = Calibration { kind: "geometry".to_owned(), days: 402, last: Outcome::Pass };
    let facts = Facts {
        now: NOW,
        volumes: vec![(Volume::System, 212_000_000_000), (Volume::Scans, 9_000_000_000)],
        calibrations: vec![calibration],
        ..Facts::default()
    };
    let report = Report {
        policy: &policy,
        language: Language::En,
        held: &held,
        open: &open,
        usage: &usage,
        sent: &sent,
        findings: &judge(&facts),
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    let mut page = Vec::new();
    report.write(&mut page).unwrap();
    fs::write(&path, page).unwrap();
    let seen = or_skip!(crate::common::browser::look("report.mjs", &path));
    crate::common::browser::assert_quiet(&seen);
    assert_eq!(seen["english"], "What this workstation collects and sends");
    assert_eq!([&seen["danish"], &seen["by_keyboard"]], ["Hvad denne arbejdsstation indsamler og sender"; 2]);
    let tabs: Vec<&str> = seen["tabs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        (tabs[0], tabs[1..].iter().all(|name| *name == "summary"), tabs.len() > 4),
        ("en", true, true)
    );
    assert_eq!(seen["opened"], 1);
    let (english, danish) = (seen["english_text"].as_str().unwrap(), seen["danish_text"].as_str().unwrap());
    for (en, da) in [
        ("yes: collected and sent", "ja: indsamles og sendes"),
        ("the privacy officer", "den databeskyttelsesansvarlige"),
        ("402 days old", "402 dage gammel"),
        ("The patient moved", "Patienten bevægede sig"),
        ("640 records were sent", "640 poster er sendt"),
        ("How to withdraw consent", "Sådan tilbagekalder I samtykket"),
    ] {
        assert!(english.contains(en) && !english.contains(da), "{en}");
        assert!(danish.contains(da) && !danish.contains(en), "{da}");
    }
    assert!(english.contains("Datatilsynet") && danish.contains("CASE-2026-0042"));
}

/// A page of the program's own under this policy, of a workstation that sent, and holds, and was asked about a case.
fn real_page(policy: &str) -> (Collector, Workstation, PathBuf) {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::new(&url, &collector.ca());
    let config = fs::read_to_string(workstation.config()).unwrap();
    fs::write(workstation.config(), format!("policy = {policy:?}\n{config}")).unwrap();
    workstation.enroll(&collector.token());
    workstation.expect(0, &["consent", "deny", "usage_statistics"]);
    workstation.grant();
    bundle::open_case(&workstation, "CASE-2026-0042");
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, 24, 8, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    outbox.fill(&workstation, 60, 30, Outbox::exposure);
    workstation.configure(&url, "https://127.0.0.1:1");
    outbox.fill(&workstation, 6, 6, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    let page = workstation.path().join(format!("{policy}.html"));
    workstation.expect(0, &["privacy", "report", "-o", page.to_str().unwrap()]);
    (collector, workstation, page)
}

#[test]
fn both_policies_make_their_own_page_and_list_of_real_data() {
    for (policy, said, not_said) in [
        ("copenhagen-imaging", ["Copenhagen Imaging ApS", "24 months from receipt"], "NOVO Imaging"),
        ("novo-imaging", ["the policy does not ask for it", "14 months from receipt"], "Copenhagen"),
    ] {
        let (collector, workstation, page) = real_page(policy);
        let text = fs::read_to_string(&page).unwrap();
        for said in said.iter().chain(&["24 records were sent", "CASE-2026-0042", "Data sent last, in full"])
        {
            assert!(text.contains(said), "{policy}: {said}");
        }
        assert!(!text.contains(not_said), "{policy}: {not_said}");
        let list = workstation.expect(0, &["consent", "list"]);
        assert!(list.contains(said[1]) && list.contains(policy) && !list.contains(not_said), "{list}");
        let is_scan_data_asked = policy == "copenhagen-imaging";
        let listed = workstation.json(&["consent", "list", "--json"]);
        assert_eq!(listed["asked"][2]["offered"], is_scan_data_asked, "{listed}");

        // What was sent last is what the collector has, record by record.
        let sent = workstation.path().join("held");
        workstation.expect(0, &["privacy", "export", "-o", sent.to_str().unwrap()]);
        let export: Value = serde_json::from_slice(&fs::read(sent.join("held.json")).unwrap()).unwrap();
        let batches = export["records"]["sent"].as_array().unwrap().iter();
        let shown: Vec<_> = batches
            .flat_map(|batch| batch["says"].as_array().unwrap())
            .map(|said| (said["at"].clone(), said["attributes"].clone()))
            .collect();
        let there: Vec<_> = collector
            .export()
            .iter()
            .map(|record| (record["at"].clone(), record["attributes"].clone()))
            .collect();
        assert_eq!((shown.len(), shown == there), (24, true), "{policy}");

        if let Ok(seen) = crate::common::browser::look("report.mjs", &page) {
            crate::common::browser::assert_quiet(&seen);
            assert!(seen["opened"] == 1 && seen["by_keyboard"] == seen["danish"], "{policy}");
        }
        workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
        assert!(!workstation.data().join("sent.sealed").exists());
        workstation.expect(0, &["privacy", "report", "--force", "-o", page.to_str().unwrap()]);
        let after = fs::read_to_string(&page).unwrap();
        let rows = |text: &str| text.matches("subsystem").count();
        assert!(rows(&text) >= 30 && rows(&after) == 0, "{policy}: {} then {}", rows(&text), rows(&after));
    }
}

#[test]
fn the_program_checks_and_reports_without_any_yes() {
    let workstation = Workstation::new("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"));
    let logs = workstation.path().join("logs");
    fs::create_dir(&logs).unwrap();
    workstation.configure("logs = []", &format!("logs = [{logs:?}]"));
    let page = workstation.path().join("report.html");
    let page_name = page.to_str().unwrap();
    workstation.expect(0, &["privacy", "report", "-o", page_name]);
    let before = fs::read_to_string(&page).unwrap();
    assert!(before.contains("nobody answered: nothing is collected"));
    assert!(!before.contains("the last calibration of the geometry"), "negative control");

    fs::write(logs.join("calibration.json"), r#"{"type":"geometry","days":3,"last":"fail"}"#).unwrap();
    let checks: Value =
        serde_json::from_str(&workstation.expect(1, &["support", "check", "--json"])).unwrap();
    let found = checks.as_array().unwrap().iter().find(|check| check["check"] == "calibration").unwrap();
    assert_eq!(found["result"], "fail");
    workstation.expect(2, &["privacy", "report", "-o", page_name]);
    workstation.expect(0, &["privacy", "report", "--force", "-o", page_name]);
    assert!(
        fs::read_to_string(&page).unwrap().contains("the last calibration of the geometry did not succeed")
    );
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

//! The operators' page of a server that a fleet visited: what it says, and how it looks in a browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use protocol::Value;
use protocol::catalog::Catalog;
use serde_json::{Value as Json, json};
use test_support::{or_skip, peer};

use crate::fleet::Device;
use crate::questions::Month;
use crate::server::Server;

const OPERATIONS: &str = "[operations]\nlisten = \"127.0.0.1:0\"\n";

/// A fleet with a long label, a hostile one, a revoked device, gaps and a request.
fn visited() -> (Server, Vec<Device>) {
    let server = Server::configured(None, OPERATIONS);
    let devices = server.devices(12);
    for (device, index) in devices.iter().zip(0..) {
        assert!(device.visit(&server.place, &device.batch(0, 10), true).unwrap()[1].status == 201);
        if index % 4 == 0 {
            device.visit(&server.place, &device.batch(3, 10), false).unwrap();
        }
    }
    let id = |index: usize| devices[index].id.to_string();
    server.run("label", &[&id(0), "Aarhus, Nørregade 7, clinic 2"]);
    server.run("label", &[&id(1), "<img src=x onerror=alert(1)>"]);
    server.run("label", &[&id(2), "Vejle"]);
    server.run("revoke", &[&id(3)]);
    let body = json!({
        "request_id": "d".repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64),
    });
    let mut connection = devices[2].connect(&server.place).unwrap();
    let answer = connection.ask("POST", "/v1/privacy/erase", &[], body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 202);
    (server, devices)
}

#[test]
fn the_page_shows_the_fleet_and_no_records() {
    let (server, devices) = visited();
    let (status, head, page) = server.operations("/");
    let head = head.to_ascii_lowercase();
    assert_eq!(status, 200);
    for header in
        ["content-security-policy: default-src 'none'", "cache-control: no-store", "text/html; charset=utf-8"]
    {
        assert!(head.contains(header), "{header}: {head}");
    }
    for device in &devices {
        assert!(page.contains(&device.id.to_string()));
    }
    assert!(page.contains("12 of 12 devices") && page.contains("revoked") && page.contains("Nørregade 7"));
    // A month less the moment since it was asked: of 28 to 31 days.
    let left = (27..=30).filter(|days| page.contains(&format!("({days} days left)"))).count();
    assert!(page.contains("erase") && left == 1, "{left}");
    assert!(page.contains("&lt;img src=x") && !page.contains("<img") && !page.contains("<script"));
    // Numbers of 0..=9 and 30..=39 came: 20 are missing, of three devices.
    assert!(page.contains(">20<"));
    let (_, _, found) = server.operations("/?q=vejle&sort=missing");
    assert!(found.contains("1 of 12 devices") && found.contains("Vejle") && !found.contains("rregade"));
    // Also of one device nothing but states and counts, so it is no use of its data: no receipt, no line of the audit.
    for entry in Catalog::built_in().entries() {
        assert!(!page.contains(&entry.name) && !found.contains(&entry.name), "{}", entry.name);
    }
    assert_eq!(server.operations("/?sort=nonsense").0, 400);
    assert_eq!(server.operations("/?q=%3Cscript%3E%22").0, 200);

    for (sample, value) in [
        ("kathea_collector_devices{standing=\"active\"}", 11.0),
        ("kathea_collector_devices{standing=\"revoked\"}", 1.0),
        ("kathea_collector_records_missing", 60.0),
        ("kathea_collector_privacy_requests_open", 1.0),
        ("kathea_collector_damaged_rows", 0.0),
    ] {
        assert_eq!(server.metric(sample), Some(value), "{sample}");
    }
    assert!(server.metric("kathea_collector_database_size_bytes").unwrap() > 4096.0);
}

#[test]
fn the_page_is_quiet_in_a_browser_at_both_widths_in_the_dark_and_on_paper() {
    let (server, _) = visited();
    let (_, _, page) = server.operations("/");
    let file = server.data().with_file_name("fleet.html");
    fs::write(&file, page).unwrap();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let modules = or_skip!(peer::node(&root, &["playwright-core", "axe-core"]));
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    or_skip!(peer::need(
        PathBuf::from(&browser).is_file(),
        "Chromium is not there: install it, or set CHROMIUM"
    ));
    let mut node = Command::new("node");
    node.arg(root.join("tests/browser/fleet.mjs")).arg(&file);
    let output =
        node.env("NODE_PEERS", modules).env("CHROMIUM", browser).env("SHOT", "fleet").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Json = serde_json::from_slice(&output.stdout).unwrap();
    for quiet in ["requests", "complaints", "violations", "dark_violations", "unfit"] {
        assert_eq!(seen[quiet], json!([]), "{quiet}");
    }
    assert_eq!(seen["overflow"], json!({"1280": 0, "400": 0}));
    assert_eq!((&seen["printed_search"], &seen["dark"]), (&json!(false), &json!("rgb(18, 24, 30)")));
}

#[test]
fn error_codes_are_summed_by_the_firmware_of_their_day() {
    let server = Server::configured(None, OPERATIONS);
    let devices = server.devices(2);
    for (device, firmware) in devices.iter().zip(["2.0.0.7", "2.1.0.0"]) {
        let mut month = Month::default();
        month.version(20_574, "x1_firmware", firmware, "ok");
        let hour = 20_575 * 24;
        for (at, code, repeats) in [(0, "4096", "4"), (2, "4096", "5"), (3, "77", "1")] {
            month.add("device.error", hour + at, &[code, "generator", "error", repeats], Value::Plain);
        }
        device.visit(&server.place, &month.batch(device), true).unwrap();
        // The same once more is no more.
        device.visit(&server.place, &device.batch(0, 1), false).unwrap();
    }
    let (_, _, page) = server.operations("/");
    let rows: Vec<Vec<&str>> = page
        .split("<h2>Error codes by firmware</h2>")
        .nth(1)
        .and_then(|rest| rest.split("</section>").next())
        .unwrap()
        .split("<tr>")
        .skip(2)
        .map(|row| {
            row.split("<td")
                .skip(1)
                .map(|cell| cell.split('>').nth(1).unwrap().split('<').next().unwrap())
                .collect()
        })
        .collect();
    let expected: Vec<Vec<&str>> = vec![
        vec!["2.0.0.7", "4096", "9"],
        vec!["2.1.0", "4096", "9"],
        vec!["2.0.0.7", "77", "1"],
        vec!["2.1.0", "77", "1"],
    ];
    assert_eq!(rows, expected, "{page}");
}
